using System.CommandLine;
using System.Globalization;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse nodes [release ID]</c>: the relays that share a store, and the end of the leases of one that is gone.</summary>
internal static class NodesCommand
{
    // A node says every second that it lives.
    private static readonly TimeSpan Lives = TimeSpan.FromSeconds(3);

    public static Command Create()
    {
        var server = CommonOptions.Server();
        var json = CommonOptions.Json();
        var command = new Command("nodes", "Show the relays that share the store") { server, json, Release() };
        command.SetAction((parsed, cancellationToken) => ListAsync(parsed.GetValue(server)!, parsed.GetValue(json), cancellationToken));
        return command.Teach(
        [
            ("Which nodes live, and what each has in hand", "recourse nodes"),
            ("End the leases of one that is gone, without waiting for its heartbeat", "recourse nodes release 7 --reason \"host burnt\""),
        ]);
    }

    private static Command Release()
    {
        var id = new Argument<long>("ID")
        {
            Description = "The number of the node, as recourse nodes shows it",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                    result.AddError($"ID is '{Screen.Safe(text, 100)}'; expected a number, as recourse nodes shows it.");
                return number;
            },
        };
        var reason = new Option<string?>("--reason") { Description = "Why; kept with each attempt that ends by it", HelpName = "TEXT" };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask, although the node lives" };
        var server = CommonOptions.Server();
        var json = CommonOptions.Json();
        var command = new Command("release", "End a node's leases at once: what it has in hand runs again, alone")
        {
            id, reason, yes, server, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var relay = new RelayClient(parsed.GetValue(server)!);
            if (!parsed.GetValue(yes) && !await IsSureAsync(relay, parsed.GetValue(id), cancellationToken))
                return ExitCode.Failed;
            var document = await relay.ActAsync(
                $"v1/nodes/{parsed.GetValue(id)}:release", Acts.Because(parsed.GetValue(reason)), cancellationToken);
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(document);
                return ExitCode.Ok;
            }
            var released = relay.Parse(document, RelayJson.Default.NodeReleaseAnswer);
            Screen.Out.WriteLine($"Node {released.Id}: {Screen.Counted(released.Suspects, "delivery runs", "deliveries run")} again, alone"
                + (released.Poisoned > 0 ? $"; {released.Poisoned} of them are dead now as poison." : "."));
            return ExitCode.Ok;
        });
        return command.Teach(
        [
            ("A machine is gone for good", "recourse nodes release 7"),
            ("In a script", "recourse nodes release 7 --yes"),
        ], "Asks first when the node still says that it lives. A node that lives after all is refused whatever it hands in, and registers"
            + Environment.NewLine + "anew; what it had in hand is delivered twice.");
    }

    /// <summary>
    /// Asks about a node that lives: what it has in hand is delivered twice. Of a number that is not there the relay says so.
    /// </summary>
    private static async Task<bool> IsSureAsync(RelayClient relay, long id, CancellationToken cancellationToken)
    {
        var nodes = relay.Parse(await relay.ReadAsync("v1/nodes", cancellationToken), RelayJson.Default.ListingNodeAnswer).Items;
        // Heartbeats are by the store's clock, of which the last one tells the most.
        if (nodes.FirstOrDefault(node => node.Id == id) is not { HeartbeatAt: { } heard } node
            || nodes.Max(other => other.HeartbeatAt) - heard > Lives)
            return true;
        var lives = $"node {id} ({Screen.Safe(node.Name)}) lives, "
            + $"with {Screen.Counted(node.Leases, "delivery", "deliveries")} in hand";
        if (!Screen.CanAsk)
            throw new CliException(ExitCode.Usage, $"nothing was released: {lives}. Add --yes to release it all the same.");
        Screen.Progress.WriteLine($"{char.ToUpperInvariant(lives[0])}{lives[1..]}. What it has in hand would be delivered twice.");
        if (await new ConfirmationPrompt("Release it?") { DefaultValue = false }.ShowAsync(Screen.Progress, cancellationToken))
            return true;
        Screen.Progress.WriteLine("Nothing was released.");
        return false;
    }

    private static async Task<int> ListAsync(Uri server, bool json, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        var document = await relay.ReadAsync("v1/nodes", cancellationToken);
        if (json)
        {
            JsonOutput.Write(document);
            return ExitCode.Ok;
        }
        var table = Screen.Table("id", "node", "address", "release", "heard of", "since", "in hand", "");
        foreach (var column in new[] { 0, 6 }) table.Columns[column].RightAligned();
        foreach (var node in relay.Parse(document, RelayJson.Default.ListingNodeAnswer).Items)
            table.Row(node.Id, node.Name, node.Address ?? "", node.Version ?? "", Screen.Ago(node.HeartbeatAt), Screen.Ago(node.StartedAt),
                node.Leases, node.Housekeeping ? "keeps house" : "");
        Screen.Out.Write(table);
        return ExitCode.Ok;
    }
}
