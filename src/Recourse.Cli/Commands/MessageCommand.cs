using System.CommandLine;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse message ID</c>: where one message is, and everything that was tried.</summary>
internal static class MessageCommand
{
    public static Command Create()
    {
        var id = new Argument<string>("ID") { Description = "The id that the relay answered when it took the message" };
        var server = CommonOptions.Server();
        var json = CommonOptions.Json();
        var command = new Command("message", "Show one message: its deliveries and every attempt") { id, server, json };
        command.SetAction((parsed, cancellationToken) =>
            RunAsync(parsed.GetValue(server)!, parsed.GetValue(id)!, parsed.GetValue(json), cancellationToken));
        return command.Teach(
        [
            ("What became of a message", "recourse message 0198c0de-0000-7000-8000-000000000001"),
            ("Whether every service has it, for a script", "recourse message ID --json | jq 'all(.deliveries[]; .state == \"delivered\")'"),
        ]);
    }

    private static async Task<int> RunAsync(Uri server, string id, bool json, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        var document = await relay.ReadAsync($"v1/messages/{Uri.EscapeDataString(id)}", cancellationToken);
        if (json)
        {
            JsonOutput.Write(document);
            return ExitCode.Ok;
        }
        var message = relay.Parse(document, RelayJson.Default.MessageAnswer);
        Screen.Out.WriteLine($"message {Screen.Safe(message.Id)} in queue {Screen.Safe(message.Queue)}, taken {message.CreatedAt:u}");
        foreach (var delivery in message.Deliveries)
        {
            Screen.Out.WriteLine();
            Screen.Out.WriteLine($"{Screen.Safe(delivery.Service)}: {StateOf(delivery)} (delivery {delivery.Id}, generation "
                + $"{delivery.Generation})");
            WriteAttempts(delivery.Attempts ?? []);
        }
        return ExitCode.Ok;
    }

    /// <summary>The history of a delivery, oldest first.</summary>
    internal static void WriteAttempts(IReadOnlyList<AttemptAnswer> attempts)
    {
        if (attempts.Count == 0) return;
        var table = Screen.Table("attempt", "started", "took", "outcome", "kind", "status", "decision", "error");
        foreach (var attempt in attempts)
        {
            table.Row(attempt.Number, attempt.StartedAt?.ToString("u"), attempt.DurationMs is { } took ? $"{took} ms" : "",
                Screen.Toned(attempt.Outcome ?? "", attempt.Outcome == "delivered" ? Tone.Good : Tone.Warn), attempt.Kind,
                    attempt.Code ?? attempt.Status?.ToString(),
                Screen.Shown(attempt.Decision, 60), Screen.Shown(attempt.Error, 200));
        }
        Screen.Out.Write(table);
    }

    private static string StateOf(DeliveryAnswer delivery) => delivery switch
    {
        { Blocked: true } => "waiting behind an earlier message of its order key",
        { State: "delayed", DueAt: { } due } => $"delayed until {due:u}",
        _ => Screen.Safe(delivery.State),
    };
}
