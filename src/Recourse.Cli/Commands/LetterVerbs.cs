using System.CommandLine;
using System.Text.Json;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary>The verbs on one dead letter that say who does it and why: resolve, take, release, note.</summary>
internal static class LetterVerbs
{
    public static Argument<string> IdArgument() => new("ID") { Description = "The dead letter, as `recourse dlq list` shows it" };

    public static Option<string?> As() => new("--as")
    {
        Description = "Who you are; kept in the letter's history (default: the user of this machine)",
        HelpName = "NAME",
        DefaultValueFactory = _ => Environment.UserName,
    };

    public static Option<string?> Reason() => new("--reason") { Description = "Why; kept in the letter's history", HelpName = "TEXT" };

    public static Command Resolve()
    {
        var reason = Reason();
        reason.Required = true;
        return Post("resolve", "End a dead letter that was settled in another way, and say how", reason, null)
            .Teach([("Settled by hand", "recourse dlq resolve ID --reason \"refunded by phone\"")],
                "A resolved delivery counts as discarded in the books, and says that it was resolved. It cannot be sent any more.");
    }

    public static Command Take()
    {
        var minutes = new Option<double?>("--minutes") { Description = "For how long (default: as the relay is set up)", HelpName = "N" };
        return Post("take", "Take a dead letter in hand: others are told, and cannot act on it", null, minutes)
            .Teach([("While you look into it", "recourse dlq take ID --minutes 30")],
                "When the time is over it is free again by itself; recourse dlq release frees it earlier.");
    }

    public static Command Release() => Post("release", "Let go of a dead letter that somebody has in hand", null, null)
        .Teach([("What a colleague forgot", "recourse dlq release ID")]);

    private static Command Post(string verb, string description, Option<string?>? reason, Option<double?>? minutes)
    {
        var (id, who, server, json) = (IdArgument(), As(), CommonOptions.Server(), CommonOptions.Json());
        var command = new Command(verb, description) { id, who, server, json };
        if (reason is not null) command.Options.Add(reason);
        if (minutes is not null) command.Options.Add(minutes);
        command.SetAction((parsed, cancellationToken) => SendAsync(
            parsed.GetValue(server)!, HttpMethod.Post, $"v1/dead-letters/{Uri.EscapeDataString(parsed.GetValue(id)!)}:{verb}", new()
            {
                Actor = parsed.GetValue(who),
                Reason = reason is null ? null : parsed.GetValue(reason),
                Minutes = minutes is null ? null : parsed.GetValue(minutes),
            }, parsed.GetValue(json), cancellationToken));
        return command;
    }

    public static Command Annotate()
    {
        var (id, who, server, json) = (IdArgument(), As(), CommonOptions.Server(), CommonOptions.Json());
        var assignee = new Option<string?>("--assign") { Description = "Who looks after it; '' for nobody", HelpName = "NAME" };
        var note = new Option<string?>("--text")
        {
            Description = "What is known, in place of the note before; '' removes it",
            HelpName = "TEXT",
        };
        var manual = new Option<bool?>("--manual")
        {
            Description = "true: a person decides, nothing replays it by itself; false takes that back",
            HelpName = "BOOL",
        };
        var command = new Command("note", "Note who looks after a dead letter and what they know")
            { id, assignee, note, manual, who, server, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(assignee) is null && result.GetValue(note) is null && result.GetValue(manual) is null)
                result.AddError("Say what to note: --assign NAME, --text TEXT or --manual BOOL.");
        });
        command.SetAction((parsed, cancellationToken) => SendAsync(
            parsed.GetValue(server)!, HttpMethod.Patch, $"v1/dead-letters/{Uri.EscapeDataString(parsed.GetValue(id)!)}", new()
            {
                Actor = parsed.GetValue(who),
                Assignee = parsed.GetValue(assignee),
                Note = parsed.GetValue(note),
                Manual = parsed.GetValue(manual),
            }, parsed.GetValue(json), cancellationToken));
        return command.Teach(
        [
            ("Give it to somebody", "recourse dlq note ID --assign ann --text \"asked the customer\""),
            ("Keep the policy's hands off", "recourse dlq note ID --manual true"),
        ]);
    }

    private static async Task<int> SendAsync(
        Uri server, HttpMethod method, string path, LetterActRequest act, bool json, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        var answer = await relay.ActAsync(method, path, JsonSerializer.SerializeToUtf8Bytes(act, RelayJson.Default.LetterActRequest),
            "application/json", null, cancellationToken);
        if (json) JsonOutput.Write(answer);
        else Screen.Progress.WriteLine("Done.");
        return ExitCode.Ok;
    }
}
