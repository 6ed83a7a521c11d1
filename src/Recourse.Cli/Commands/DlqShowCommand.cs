using System.CommandLine;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse dlq show ID</c>: one dead letter with its history, or its payload.</summary>
internal static class DlqShowCommand
{
    public static Command Create()
    {
        var id = new Argument<string>("ID") { Description = "The dead letter, as `recourse dlq list` shows it" };
        var payload = new Option<bool>("--payload")
        {
            Description = "Write the message's body to standard output, byte for byte, and nothing else",
        };
        var server = CommonOptions.Server();
        var json = CommonOptions.Json();
        var command = new Command("show", "Show one dead letter: why it died and what was tried") { id, payload, server, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(payload) && result.GetValue(json)) result.AddError("--payload and --json exclude each other.");
        });
        command.SetAction((parsed, cancellationToken) =>
            RunAsync(parsed.GetValue(server)!, parsed.GetValue(id)!, parsed.GetValue(payload), parsed.GetValue(json), cancellationToken));
        return command.Teach(
        [
            ("Why it died", "recourse dlq show 0198c0de-0000-7000-8000-000000000001.0"),
            ("Its body, into a file", "recourse dlq show ID --payload > body.json"),
        ]);
    }

    private static async Task<int> RunAsync(Uri server, string id, bool payload, bool json, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        var path = $"v1/dead-letters/{Uri.EscapeDataString(id)}";
        if (payload)
        {
            using var output = Console.OpenStandardOutput();
            await output.WriteAsync(await relay.ReadAsync($"{path}/payload", cancellationToken), cancellationToken);
            return ExitCode.Ok;
        }
        var document = await relay.ReadAsync(path, cancellationToken);
        if (json)
        {
            JsonOutput.Write(document);
            return ExitCode.Ok;
        }
        Write(relay.Parse(document, RelayJson.Default.DeadLetterAnswer));
        return ExitCode.Ok;
    }

    private static void Write(DeadLetterAnswer letter)
    {
        var table = Screen.Table("", "");
        table.ShowHeaders = false;
        foreach (var (name, value) in new (string, string?)[]
        {
            ("dead letter", letter.Id), ("queue", letter.Queue), ("service", letter.Service), ("taken", letter.CreatedAt?.ToString("u")),
            ("died", letter.DeadAt is null ? null : $"{letter.DeadAt:u} ({Screen.Ago(letter.DeadAt)})"),
            ("kind", letter.Kind), ("category", letter.Category), ("persistence", letter.Persistence), ("blame", letter.Blame),
            ("attempts", $"{letter.AttemptCount}"), ("generation", $"{letter.Generation}"), ("decision", letter.Decision),
            ("order key", letter.Key),
            ("blocks", letter.Holds == 0 ? null
                : $"{Screen.Counted(letter.Holds, "delivery", "deliveries")} behind it in its lane, until it is replayed or discarded"),
            ("error", letter.Error), ("group", letter.Group), ("edited", letter.Edits == 0 ? null : $"{letter.Edits} times"),
            ("looked after by", letter.Assignee), ("note", letter.Note),
            ("in hand of", letter.TakenBy is null ? null : $"{letter.TakenBy} until {letter.TakenUntil:u}"),
        })
        {
            if (!string.IsNullOrEmpty(value)) table.Row(name, value);
        }
        Screen.Out.Write(table);
        MessageCommand.WriteAttempts(letter.Attempts ?? []);
        WriteActs(letter.Acts ?? []);
        if (letter.Resolved) Screen.Progress.WriteLine("It is resolved: nothing is done with it any more.");
        else Screen.Progress.WriteLine($"Send it on: recourse dlq replay {letter.Id}   put it away: recourse dlq discard {letter.Id}");
    }

    private static void WriteActs(IReadOnlyList<LetterActAnswer> acts)
    {
        if (acts.Count == 0) return;
        var table = Screen.Table("when", "who", "did", "detail");
        foreach (var act in acts) table.Row(act.At.ToString("u"), act.Actor, act.Verb, Screen.Safe(act.Detail, 200));
        Screen.Out.Write(table);
    }
}
