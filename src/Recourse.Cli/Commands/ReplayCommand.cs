using System.CommandLine;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse replay start|list|show|items|pause|resume|cancel</c>: bulk replay as a durable job.</summary>
internal static class ReplayCommand
{
    public static Command Create() => new Command("replay", "Send many dead letters back, as a job that survives restarts")
    {
        ReplayStartCommand.Create(), List(), Show(), ReplayItemsCommand.Create(),
        Verb("pause", "Send nothing more until the replay is resumed"),
        Verb("resume", "Go on with a paused replay; after a canary that failed, without another"),
        Verb("cancel", "End a replay; what was sent back stays sent"),
    }.Teach(
    [
        ("What a mended service had refused: 20 first, the rest if 90 % of them arrive, 50 a second",
            "recourse replay start --service billing --canary 20 --canary-share 0.9 --rate 50 --watch"),
        ("How far it is", "recourse replay show ID"),
        ("Those that died again", "recourse replay items ID --outcome dead"),
    ], "A replay touches only what was dead when it was started, each letter once. While other deliveries of the service are due,"
        + Environment.NewLine + "at most a fifth of its permits go to replayed letters. The relay works on it; the command may end.");

    private static Command List()
    {
        var limit = new Option<int>("--limit") { Description = "Rows of a page, 1 to 500", HelpName = "N", DefaultValueFactory = _ => 50 }
            .Between(1, 500);
        var after = new Option<string?>("--after")
        {
            Description = "Continue behind this cursor (`next` of the page before)",
            HelpName = "CURSOR",
        };
        var (server, json) = (CommonOptions.Server(), CommonOptions.Json());
        var command = new Command("list", "List replays, newest first") { limit, after, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var relay = new RelayClient(parsed.GetValue(server)!);
            var behind = parsed.GetValue(after) is { } cursor ? $"&after={Uri.EscapeDataString(cursor)}" : "";
            var document = await relay.ReadAsync($"v1/replays?limit={parsed.GetValue(limit)}{behind}", cancellationToken);
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(document);
                return ExitCode.Ok;
            }
            var page = relay.Parse(document, RelayJson.Default.ListingReplayAnswer);
            ReplayScreen.Write(page.Items);
            if (page.Next is { } next) Screen.Progress.WriteLine($"More: --after {next}");
            return ExitCode.Ok;
        });
        return command.Teach([("The newest fifty", "recourse replay list")]);
    }

    private static Command Show()
    {
        var id = Id();
        var watch = new Option<bool>("--watch", "-w") { Description = "Stay until every letter that was sent back has ended" };
        var (server, json) = (CommonOptions.Server(), CommonOptions.Json());
        var command = new Command("show", "Show one replay with its progress") { id, watch, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var relay = new RelayClient(parsed.GetValue(server)!);
            return await ReplayScreen.ShowAsync(
                relay, parsed.GetValue(id)!, parsed.GetValue(watch), parsed.GetValue(json), cancellationToken);
        });
        return command.Teach([("How far it is", "recourse replay show ID"), ("Wait for its end", "recourse replay show ID --watch")]);
    }

    private static Command Verb(string verb, string description)
    {
        var id = Id();
        var reason = new Option<string?>("--reason") { Description = "Why; kept with it", HelpName = "TEXT" };
        var (server, json) = (CommonOptions.Server(), CommonOptions.Json());
        var command = new Command(verb, description) { id, reason, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var relay = new RelayClient(parsed.GetValue(server)!);
            var document = await relay.ActAsync(
                $"v1/replays/{Uri.EscapeDataString(parsed.GetValue(id)!)}:{verb}", Acts.Because(parsed.GetValue(reason)),
                cancellationToken);
            if (parsed.GetValue(json)) JsonOutput.Write(document);
            else ReplayScreen.Write([relay.Parse(document, RelayJson.Default.ReplayAnswer)]);
            return ExitCode.Ok;
        });
        return command.Teach([(description.Split(';')[0], $"recourse replay {verb} ID")]);
    }

    public static Argument<string> Id() => new("ID") { Description = "The replay, as `recourse replay list` shows it" };
}

/// <summary>What an act says of itself.</summary>
internal static class Acts
{
    /// <summary>The body of an act: who, by the name that the system knows, and why.</summary>
    public static ActBody Because(string? reason) => new() { Actor = Environment.UserName, Reason = reason };
}
