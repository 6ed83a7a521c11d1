using System.CommandLine;
using System.Text.Json;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse replay items</c>: what became of each letter.</summary>
internal static class ReplayItemsCommand
{
    private const int TableLimit = 10_000;

    public static Command Create()
    {
        var id = ReplayCommand.Id();
        var outcome = new Option<string?>("--outcome")
        {
            Description = "Only these: pending, delivered, dead (again), skipped",
            HelpName = "OUTCOME",
        };
        outcome.AcceptOnlyFromAmong("pending", "delivered", "dead", "skipped");
        var (server, json) = (CommonOptions.Server(), CommonOptions.Json("Print one letter a line as JSON"));
        var command = new Command("items", "List the letters of a replay with what became of each") { id, outcome, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var relay = new RelayClient(parsed.GetValue(server)!);
            return await RunAsync(relay, parsed.GetValue(id)!, parsed.GetValue(outcome), parsed.GetValue(json), cancellationToken);
        });
        return command.Teach(
        [
            ("All of them", "recourse replay items ID"),
            ("Those that died again, for a script", "recourse replay items ID --outcome dead --json | jq -r .id"),
        ]);
    }

    private static async Task<int> RunAsync(RelayClient relay, string id, string? outcome, bool json, CancellationToken cancellationToken)
    {
        var table = Screen.Table("id", "generation", "outcome", "sent", "ended");
        var rows = 0;
        string? after = null;
        do
        {
            var path = $"v1/replays/{Uri.EscapeDataString(id)}/items?limit={Paging.PageLimit}"
                + (outcome is null ? "" : $"&outcome={outcome}") + (after is null ? "" : $"&after={Uri.EscapeDataString(after)}");
            using var page = JsonDocument.Parse(await relay.ReadAsync(path, cancellationToken));
            foreach (var item in page.RootElement.GetProperty("items").EnumerateArray())
            {
                rows++;
                if (json)
                {
                    JsonOutput.WriteLine(item);
                    continue;
                }
                var letter = item.Deserialize(RelayJson.Default.ReplayItemAnswer)!;
                var became = letter.Reason is { } why ? Screen.Shown($"{letter.Outcome}: {why}", 100) : letter.Outcome;
                table.Row(letter.Id, letter.Generation, Screen.Toned(became, Tones(letter.Outcome)), Screen.Ago(letter.At),
                    Screen.Ago(letter.EndedAt));
            }
            after = page.RootElement.TryGetProperty("next", out var next) ? next.GetString() : null;
        }
        while (after is not null && (json || rows < TableLimit));
        if (json) return ExitCode.Ok;
        if (rows == 0) Screen.Progress.WriteLine("No letters match.");
        else Screen.Out.Write(table);
        if (after is not null) Screen.Progress.WriteLine($"The table ends at {rows:N0} rows; --json lists all of them.");
        return ExitCode.Ok;
    }

    private static Tone Tones(string outcome) => outcome switch
    {
        "delivered" => Tone.Good,
        "dead" => Tone.Bad,
        "skipped" => Tone.Warn,
        _ => Tone.None,
    };
}
