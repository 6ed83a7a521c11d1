using System.CommandLine;
using System.CommandLine.Parsing;
using Recourse.Cli.Client;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse dlq …</c>: the dead letters.</summary>
internal static class DlqCommand
{
    public static Command Create() => new Command("dlq", "Look at dead letters; replay, mend, resolve or discard them")
    {
        DlqListCommand.Create(), DlqGroupsCommand.Create(), DlqStatsCommand.Create(), DlqShowCommand.Create(), DlqReplayCommand.Create(),
        DlqDiscardCommand.Create(), DlqEditCommand.Create(), DlqDiffCommand.Create(), LetterVerbs.Resolve(), LetterVerbs.Take(),
        LetterVerbs.Release(), LetterVerbs.Annotate(), DlqExportCommand.Create(), DlqImportCommand.Create(),
    }.Teach(
    [
        ("What is dead, and why: the failures that share a cause", "recourse dlq groups"),
        ("The letters themselves, newest first", "recourse dlq list"),
        ("The whole history of one", "recourse dlq show ID"),
        ("Send everything on that one service refused, once it is mended", "recourse dlq replay --service billing"),
    ], "A dead letter is a delivery that left the ordinary way. It waits, with its whole history, until it is replayed or discarded.");
}

/// <summary>The filter options that list, replay and discard share.</summary>
internal sealed class DlqFilter
{
    private readonly Option<string?> _queue = new("--queue") { Description = "Only of this queue", HelpName = "NAME" };
    private readonly Option<string?> _service = new("--service") { Description = "Only for this service", HelpName = "NAME" };
    private readonly Option<string?> _kind = new("--kind")
    {
        Description = "Only this kind of fault, such as validation_error",
        HelpName = "KIND",
    };
    private readonly Option<string?> _text = new("--text") { Description = "Only where the error contains this text", HelpName = "TEXT" };

    // By the relay's own names: what the relay learns to ask is one line here.
    private readonly Option<string?>[] _more =
    [
        new("--group") { Description = "Only this group, as `recourse dlq groups` shows it", HelpName = "ID" },
        new("--since") { Description = "Only what died at this time or later (2026-01-31T10:30:00Z)", HelpName = "TIME" },
        new("--until") { Description = "Only what died before this time", HelpName = "TIME" },
        new("--attempts-min") { Description = "Only what was tried at least so often", HelpName = "N" },
        new("--persistence") { Description = "Only faults that are transient, permanent or unknown", HelpName = "WORD" },
        new("--blame") { Description = "Only what speaks against the service or the message", HelpName = "WORD" },
        new("--generation") { Description = "Only this generation; 0 was never replayed", HelpName = "N" },
        new("--assignee") { Description = "Only what this person looks after; 'nobody' for the rest", HelpName = "NAME" },
        new("--manual") { Description = "true: only what waits for a person; false: the rest", HelpName = "BOOL" },
        new("--visible-to") { Description = "Not what others than this person have in hand", HelpName = "NAME" },
    ];

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _queue, _service, _kind, _text }.Concat(_more)) command.Options.Add(option);
    }

    public DeadLetterQuery Read(ParseResult parsed) => Read(parsed.CommandResult);

    public DeadLetterQuery Read(CommandResult parsed) => new()
    {
        Queue = parsed.GetValue(_queue),
        Service = parsed.GetValue(_service),
        Kind = parsed.GetValue(_kind),
        Text = parsed.GetValue(_text),
        More = [.. from option in _more
                   let value = parsed.GetValue(option)
                   where value is not null
                   select (option.Name.TrimStart('-').Replace('-', '_'), value)],
    };
}
