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
        { "queues --jsn", "'--jsn' is no option of 'recourse queues'. Did you mean '--json'?" },
        { "queues orders --jsn", "Did you mean '--json'?" },
        { "services -x", "'-x' is no option of 'recourse services'." },
        { "message --jsno x", "Did you mean '--json'?" },
        { "send --ndjsn orders", "Did you mean '--ndjson'?" },
        { "dlq replay --al", "Did you mean '--all'?" },
        { "dlq show x --paylod", "Did you mean '--payload'?" },
        { "dlq list --queue --kindd", "Did you mean '--kind'?" },
        { "config check --jason", "Did you mean '--json'?" },
        { "serve --conifg x", "Did you mean '--config'?" },
        { "classify --jsn x", "Did you mean '--json'?" },
        { "dlq list --limit 0", "--limit is 0; it must be between 1 and 500." },
        { "nodes release x", "ID is 'x'; expected a number" },
        { "queues --ca-file /nonexistent/ca.pem", "There is no file '/nonexistent/ca.pem'." },
        { "dlq list --limit many", "--limit is 'many'; it must be a whole number." },
        { "dlq replay", "--all to replay every dead letter" },
        { "dlq discard x --queue orders", "Give ids or a filter, not both." },
        { "dlq show x --payload --json", "--payload and --json exclude each other." },
        { "send orders --wait soon", "write a time such as 500ms" },
        { "send orders /nonexistent/file", "cannot read '/nonexistent/file'" },
        { "demo --count 0", "--count is 0; it must be between 1 and 200000." },
        { "demo --count many", "--count is 'many'; it must be a whole number." },
        { "demo --seed 99999999999", "--seed is 99999999999; it must be between 0 and 2147483647." },
        { "demo --limit 0s", "--limit is '0s'; it must be at least 1s." },
        { "send orders --ndjson --skip 1.5", "--skip is '1.5'; it must be a whole number." },
        { "classify --ndjson failures.ndjson", "--ndjson reads standard input, and found 'failures.ndjson' beside it." },
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
        var nobody = $"http://127.0.0.1:{LoopbackPort.Free()}";
        var run = await CliProcess
            .RunAsync("body", [.. verb.Split(' '), "--json"], new Dictionary<string, string> { ["RECOURSE_SERVER"] = nobody });
        Assert.Equal((ExitCode.Unreachable, ""), (run.ExitCode, run.Out));
        Assert.Contains($"no relay answers at {nobody}", run.Error);
        Assert.Contains("Is `recourse serve` running?", run.Error);
    }

    [Fact]
    public async Task A_duration_shows_its_default_as_it_is_written()
    {
        var help = (await CliProcess.RunAsync("demo", "--help")).Out;
        Assert.Contains("(default 3m)", help);
        Assert.DoesNotContain("00:03:00", help);
    }

    [Fact]
    public async Task The_page_of_the_command_line_lists_every_command()
    {
        var page = await File.ReadAllTextAsync(
            Path.Combine(RepositoryRoot(), "docs", "operate", "cli.md"), TestContext.Current.CancellationToken);
        var commands = new List<string>();
        await CollectAsync("", commands);
        Assert.Contains("dlq replay", commands);
        var listed = page.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).SelectMany(Listed).ToHashSet();
        Assert.All(commands, command => Assert.Contains(command, listed));
    }

    // A row may name several verbs of one group: | `dlq edit\|diff` |
    private static IEnumerable<string> Listed(string row)
    {
        var words = row.Split('`')[1].Split(' ').TakeWhile(word => char.IsAsciiLetterLower(word[0])).ToArray();
        return words[^1].Split("\\|").Select(verb => string.Join(' ', [.. words[..^1], verb]));
    }

    // Each command's own help lists what is below it.
    private static async Task CollectAsync(string path, List<string> commands)
    {
        var help = (await CliProcess.RunAsync([.. path.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"])).Out;
        var below = help.Split('\n').SkipWhile(line => line != "Commands:").Skip(1)
            .TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal))
            .Where(line => line[2] != ' ').Select(line => line.Trim().Split(' ')[0]).ToList();
        if (path.Length > 0 && (below.Count == 0 || !help.Contains("[command]") || path == "services"))
            commands.Add(path);
        foreach (var name in below)
            await CollectAsync($"{path} {name}".Trim(), commands);
    }

    private static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Directory.Packages.props")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException("No folder above the tests has Directory.Packages.props.");
    }

    public static TheoryData<string> Commands =>
        ["demo", "send", "queues", "services", "services isolate", "dlq", "dlq list", "dlq show", "dlq replay", "dlq discard", "message",
            "config check", "db backup", "db check", "serve", "classify", "replay", "replay start",
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
