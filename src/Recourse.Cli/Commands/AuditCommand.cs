using System.CommandLine;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse audit</c>: who did what, when, on what, why, and what it came to.</summary>
internal static class AuditCommand
{
    public static Command Create()
    {
        var actor = new Option<string?>("--actor") { Description = "Only what this one did", HelpName = "NAME" };
        var verb = new Option<string?>("--verb") { Description = "Only this verb: replay, discard, pause, key.add …", HelpName = "VERB" };
        var since = new Option<string?>("--since")
        {
            Description = "Only from this time on, such as 2026-01-31T10:30:00Z",
            HelpName = "TIME"
        };
        var until = new Option<string?>("--until") { Description = "Only before this time", HelpName = "TIME" };
        var limit = new Option<int>("--limit") { Description = "Rows of a page, 1 to 500", HelpName = "N", DefaultValueFactory = _ => 50 }
            .Between(1, 500);
        var after = new Option<string?>("--after") { Description = "Continue behind this cursor", HelpName = "CURSOR" };
        var export = new Option<bool>("--export") { Description = "All that match, as NDJSON: a line each" };
        var (server, json) = (CommonOptions.Server(), CommonOptions.Json());
        var command = new Command("audit", "Show what people and keys did, newest first")
        {
            actor, verb, since, until, limit, after, export, server, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var conditions = new (string Name, string? Value)[]
            {
                ("actor", parsed.GetValue(actor)), ("verb", parsed.GetValue(verb)), ("since", parsed.GetValue(since)),
                ("until", parsed.GetValue(until)),
            };
            var query = string.Concat(conditions.Where(pair => pair.Value is not null)
                .Select(pair => $"&{pair.Name}={Uri.EscapeDataString(pair.Value!)}"));
            using var relay = new RelayClient(parsed.GetValue(server)!);
            if (parsed.GetValue(export))
                return await ExportAsync(relay, query, cancellationToken);
            var behind = parsed.GetValue(after) is { } cursor ? $"&after={Uri.EscapeDataString(cursor)}" : "";
            var document = await relay.ReadAsync($"v1/audit?limit={parsed.GetValue(limit)}{query}{behind}", cancellationToken);
            if (parsed.GetValue(json))
                JsonOutput.Write(document);
            else
                Write(relay.Parse(document, RelayJson.Default.ListingAuditAnswer));
            return ExitCode.Ok;
        });
        return command.Teach(
        [
            ("What happened lately", "recourse audit"),
            ("Who discarded letters this year, for the auditor",
                "recourse audit --verb discard --since 2026-01-01T00:00:00Z --export > acts.ndjson"),
        ]);
    }

    private static async Task<int> ExportAsync(RelayClient relay, string query, CancellationToken cancellationToken)
    {
        await using var output = Console.OpenStandardOutput();
        var path = "v1/audit/export" + (query.Length > 0 ? "?" + query[1..] : "");
        await foreach (var line in relay.LinesAsync(HttpMethod.Get, path, null, cancellationToken))
        {
            await output.WriteAsync(line, cancellationToken);
            await output.WriteAsync("\n"u8.ToArray(), cancellationToken);
        }
        return ExitCode.Ok;
    }

    private static void Write(Listing<AuditAnswer> page)
    {
        if (page.Items.Count == 0)
        {
            Console.Out.WriteLine("Nothing that matches was done.");
            return;
        }
        var table = Screen.Table("when", "who", "what", "on what", "why", "outcome");
        foreach (var act in page.Items)
        {
            table.Row($"{act.At.UtcDateTime:yyyy-MM-dd HH:mm:ss}", act.Actor, act.Verb, act.Target, Screen.Shown(act.Reason ?? "", 100),
                Screen.Toned(act.Outcome, act.Outcome == "done" ? Tone.None : Tone.Warn));
        }
        Screen.Out.Write(table);
        if (page.Next is { } next) Screen.Progress.WriteLine($"More: --after {next}");
    }
}
