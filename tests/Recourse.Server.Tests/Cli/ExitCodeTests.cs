using Recourse.Cli;
using Recourse.Cli.Demo;

namespace Recourse.Server.Tests.Cli;

public class ExitCodeTests
{
    public static TheoryData<string> Groups => ["", "dlq"];

    [Theory]
    [MemberData(nameof(Groups))]
    public async Task A_group_without_a_verb_shows_its_help_on_standard_error(string group)
    {
        var run = await CliProcess.RunAsync(group.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal((ExitCode.Usage, ""), (run.ExitCode, run.Out));
        Assert.Contains("Commands:", run.Error);
    }

    public static TheoryData<string, string> WrongLines => new()
    {
        { "qeues", "queues" },
        { "queues --server nowhere", "--server is 'nowhere'" },
        { "dlq list --limit 0", "--limit is 0; it must be between 1 and 500." },
        { "dlq replay", "--all to replay every dead letter" },
        { "dlq discard x --queue orders", "Give ids or a filter, not both." },
        { "dlq show x --payload --json", "--payload and --json exclude each other." },
        { "send orders --wait soon", "write a time such as 500ms" },
        { "send orders /nonexistent/file", "cannot read '/nonexistent/file'" },
        { "demo --count 0", "--count is 0; it must be between 1 and 200000." },
        { "demo --input /nonexistent/file", "cannot read '/nonexistent/file'" },
    };

    [Theory]
    [MemberData(nameof(WrongLines))]
    public async Task A_wrong_command_line_is_a_sentence_and_nothing_on_standard_output(string line, string sentence)
    {
        var run = await CliProcess.RunAsync(line.Split(' '));
        Assert.Equal((ExitCode.Usage, ""), (run.ExitCode, run.Out));
        Assert.Contains(sentence, run.Error);
    }

    public static TheoryData<string> Verbs =>
        ["queues", "services", "services reset billing", "message x", "dlq list", "dlq show x", "dlq replay x", "dlq replay --all --yes",
            "send orders"];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task A_relay_that_is_not_there_is_said_with_what_to_do(string verb)
    {
        var nobody = $"http://127.0.0.1:{RelayProcess.FreePort()}";
        var run = await CliProcess
            .RunAsync("body", [.. verb.Split(' '), "--json"], new Dictionary<string, string> { ["RECOURSE_SERVER"] = nobody });
        Assert.Equal((ExitCode.Unreachable, ""), (run.ExitCode, run.Out));
        Assert.Contains($"no relay answers at {nobody}", run.Error);
        Assert.Contains("Is `recourse serve` running?", run.Error);
    }

    public static TheoryData<string> Commands =>
        ["demo", "send", "queues", "services", "services isolate", "dlq", "dlq list", "dlq show", "dlq replay", "dlq discard", "message",
            "replay", "replay start",
            "replay items", "replay pause", "queues pause", "services resume"];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Every_command_has_examples_in_its_help(string command)
    {
        var run = await CliProcess.RunAsync([.. command.Split(' '), "--help"]);
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        Assert.Contains($"  recourse {command}", run.Out[run.Out.IndexOf("Examples:", StringComparison.Ordinal)..]);
    }
}
