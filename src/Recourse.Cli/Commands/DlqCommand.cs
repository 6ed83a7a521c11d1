using System.CommandLine;
using System.CommandLine.Parsing;
using Recourse.Cli.Client;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse dlq list|show|replay|discard</c>: the dead letters.</summary>
internal static class DlqCommand
{
    public static Command Create() => new Command("dlq", "Look at dead letters; replay or discard them")
    {
        DlqListCommand.Create(), DlqShowCommand.Create(), DlqReplayCommand.Create(), DlqDiscardCommand.Create(),
    }.Teach(
    [
        ("What is dead, and why", "recourse dlq list"),
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

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _queue, _service, _kind, _text }) command.Options.Add(option);
    }

    public DeadLetterQuery Read(ParseResult parsed) => Read(parsed.CommandResult);

    public DeadLetterQuery Read(CommandResult parsed) => new()
    {
        Queue = parsed.GetValue(_queue),
        Service = parsed.GetValue(_service),
        Kind = parsed.GetValue(_kind),
        Text = parsed.GetValue(_text),
    };
}
