using System.CommandLine;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse dlq list</c>: one page of dead letters, or all of them.</summary>
internal static class DlqListCommand
{
    // A table is drawn as a whole; longer lists are for --json, which streams.
    private const int TableLimit = 10_000;

    public static Command Create()
    {
        var filter = new DlqFilter();
        var limit = new Option<int>("--limit") { Description = "Rows of a page, 1 to 500", HelpName = "N", DefaultValueFactory = _ => 50 }
            .Between(1, 500);
        var after = new Option<string?>("--after")
        {
            Description = "Continue behind this cursor (`next` of the page before)",
            HelpName = "CURSOR",
        };
        var all = new Option<bool>("--all")
        {
            Description = $"Every page (a table ends at {TableLimit:N0} rows; with --json one dead letter a line)",
        };
        var server = CommonOptions.Server();
        var json = CommonOptions.Json();
        var command = new Command("list", "List dead letters, newest first") { limit, after, all, server, json };
        filter.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
        {
            var query = filter.Read(parsed);
            var relay = parsed.GetValue(server)!;
            return parsed.GetValue(all)
                ? AllAsync(relay, query, parsed.GetValue(json), cancellationToken)
                : PageAsync(relay, query.Path(parsed.GetValue(after), parsed.GetValue(limit)), parsed.GetValue(json), cancellationToken);
        });
        return command.Teach(
        [
            ("The newest fifty", "recourse dlq list"),
            ("What billing refused as invalid", "recourse dlq list --service billing --kind validation_error"),
            ("How many died of what", "recourse dlq list --all --json | jq -r .kind | sort | uniq -c"),
        ]);
    }

    private static async Task<int> PageAsync(Uri server, string path, bool json, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        var document = await relay.ReadAsync(path, cancellationToken);
        if (json)
        {
            JsonOutput.Write(document);
            return ExitCode.Ok;
        }
        var page = relay.Parse(document, RelayJson.Default.ListingDeadLetterAnswer);
        Write(page.Items);
        if (page.Next is { } next) Screen.Progress.WriteLine($"More: --after {next}, or --all");
        return ExitCode.Ok;
    }

    private static async Task<int> AllAsync(Uri server, DeadLetterQuery query, bool json, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        var rows = new List<DeadLetterAnswer>();
        await foreach (var (value, element) in relay.DeadLettersAsync(query, cancellationToken: cancellationToken))
        {
            if (json)
            {
                JsonOutput.WriteLine(element);
                continue;
            }
            rows.Add(value);
            if (rows.Count == TableLimit) break;
        }
        if (json) return ExitCode.Ok;
        Write(rows);
        if (rows.Count == TableLimit) Screen.Progress.WriteLine($"The table ends at {TableLimit:N0} rows; --json lists all of them.");
        return ExitCode.Ok;
    }

    private static void Write(IReadOnlyList<DeadLetterAnswer> letters)
    {
        if (letters.Count == 0)
        {
            Screen.Progress.WriteLine("No dead letters match.");
            return;
        }
        var table = Screen.Table("id", "queue", "service", "kind", "attempts", "died", "blocks", "error");
        foreach (var letter in letters)
        {
            table.Row(letter.Id, letter.Queue, letter.Service, letter.Kind, letter.AttemptCount, Screen.Ago(letter.DeadAt),
                letter.Holds > 0 ? letter.Holds : "",
                Screen.Shown(letter.Error, 80));
        }
        Screen.Out.Write(table);
    }
}
