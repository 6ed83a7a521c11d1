using System.CommandLine;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse dlq replay</c>: dead letters go back into their queues as a new generation.</summary>
internal static class DlqReplayCommand
{
    public static Command Create() => BulkVerb
        .Create(new("replay", "replayed", "Send dead letters back into their queues") { AsJob = true })
        .Teach(
        [
            ("One", "recourse dlq replay 0198c0de-0000-7000-8000-000000000001.0"),
            ("What a mended service had refused; shows how many and asks first",
                "recourse dlq replay --service billing --kind validation_error"),
            ("Everything, in a script", "recourse dlq replay --all --yes --json"),
        ], "A replay keeps the message's id and adds one to its generation; its attempts begin anew. A filter starts"
            + Environment.NewLine + "a replay in the relay, as `recourse replay start` does: what dies meanwhile stays dead.");
}

/// <summary><c>recourse dlq discard</c>: dead letters are put away for good.</summary>
internal static class DlqDiscardCommand
{
    public static Command Create() =>
        BulkVerb.Create(new("discard", "discarded", "Put dead letters away for good: they are never delivered"))
        .Teach(
        [
            ("One", "recourse dlq discard 0198c0de-0000-7000-8000-000000000001.0"),
            ("Those of a test; shows how many and asks first", "recourse dlq discard --queue test-orders"),
        ], "A discarded delivery cannot be brought back. It stays in the books as discarded.");
}
