using System.CommandLine;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse queues [NAME]</c>: the books of the queues.</summary>
internal static class QueuesCommand
{
    public static Command Create()
    {
        var name = new Argument<string?>("NAME") { Description = "One queue; without it, all", Arity = ArgumentArity.ZeroOrOne };
        var server = CommonOptions.Server();
        var json = CommonOptions.Json();
        var command = new Command("queues", "Show what the queues hold; pause, drain or resume one")
        {
            name, server, json,
            HoldCommand.Create("queues", "pause", "Take messages in and deliver nothing until the queue is resumed", "paused"),
            HoldCommand.Create("queues", "drain", "Deliver what the queue has and refuse new messages until it is resumed", "draining"),
            HoldCommand.Create("queues", "resume", "Let a paused or draining queue go on", "resumed"),
        };
        command.SetAction((parsed, cancellationToken) =>
            RunAsync(parsed.GetValue(server)!, parsed.GetValue(name), parsed.GetValue(json), cancellationToken));
        return command.Teach(
        [
            ("All queues of the relay on this machine", "recourse queues"),
            ("How many deliveries of one queue wait, for a script", "recourse queues orders --json | jq .waiting"),
        ], "Counts are deliveries: a message for three services counts three times. accepted = waiting + delayed + leased + "
            + "delivered + dead" + Environment.NewLine
            + "+ discarded + expired, always; delivered, discarded and expired are totals since the store was made." + Environment.NewLine
            + "blocked: of those that wait, how many stand behind a dead letter of their lane, until it is replayed or discarded.");
    }

    private static async Task<int> RunAsync(Uri server, string? name, bool json, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        var document = await relay.ReadAsync(name is null ? "v1/queues" : $"v1/queues/{Uri.EscapeDataString(name)}", cancellationToken);
        if (json)
        {
            JsonOutput.Write(document);
            return ExitCode.Ok;
        }
        var queues = name is null
            ? relay.Parse(document, RelayJson.Default.ListingQueueAnswer).Items
            : [relay.Parse(document, RelayJson.Default.QueueAnswer)];
        Screen.Out.Write(Table(queues));
        return ExitCode.Ok;
    }

    internal static Table Table(IReadOnlyList<QueueAnswer> queues)
    {
        var table = Screen.Table("queue", "accepted", "waiting", "blocked", "delayed", "leased", "delivered", "dead", "discarded",
            "expired", "oldest");
        foreach (var column in table.Columns.Skip(1)) column.RightAligned();
        foreach (var queue in queues)
        {
            var held = queue.Paused ? " (paused)" : queue.Draining ? " (draining)" : "";
            table.Row(queue.Name + held, queue.Accepted, queue.Waiting,
                Screen.Toned($"{queue.Blocked}", queue.Blocked > 0 ? Tone.Warn : Tone.None), queue.Delayed, queue.Leased,
                queue.Delivered, Screen.Toned($"{queue.Dead}", queue.Dead > 0 ? Tone.Bad : Tone.None), queue.Discarded, queue.Expired,
                Screen.Age(queue.OldestWaitingSeconds));
        }
        return table;
    }
}
