using System.CommandLine;
using Recourse.Cli.Demo;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse demo</c>: the whole way of a message, with every ordinary trouble, in about a minute.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        var input = new Option<string?>("--input")
        {
            Description = "Send the lines of this file, one message a line, spread over the queues",
            HelpName = "FILE",
        };
        var count = CommonOptions.Whole("--count",
            "How many messages (default 3000, or every line of a longer file; a shorter file is begun again)", 1, 200_000);
        var noKill = new Option<bool>("--no-kill") { Description = "Do not kill the relay in the middle" };
        var keep = new Option<bool>("--keep") { Description = "Leave the store and the configuration on disk, and say where" };
        var stay = new Option<bool>("--stay")
        {
            Description = "Leave the relay running at the end, until Ctrl-C, to look at its dashboard",
        };
        var limit = CommonOptions.Duration("--limit", "When to give up", TimeSpan.FromMinutes(3), least: TimeSpan.FromSeconds(1));
        var seed = CommonOptions.Whole("--seed", "Draw the services' moods from this number, to have a run again", 0, int.MaxValue);
        var json = CommonOptions.Json("Print one result document and nothing else on standard output");
        var command = new Command("demo", "See it work: four services that fail, a relay that is killed, and books that balance")
        {
            input, count, noKill, keep, stay, limit, seed, json,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var options = new DemoOptions
            {
                Input = parsed.GetValue(input),
                Count = (int?)parsed.GetValue(count),
                Kill = !parsed.GetValue(noKill),
                Keep = parsed.GetValue(keep),
                Stay = parsed.GetValue(stay),
                Limit = limit.Read(parsed),
                Json = parsed.GetValue(json),
            };
            return RunAsync(parsed.GetValue(seed) is { } number ? options with { Seed = (int)number } : options, cancellationToken);
        });
        return command.Teach(
        [
            ("About a minute, by itself", "recourse demo"),
            ("With messages of your own", "recourse demo --input messages.ndjson"),
            ("As a check in a script: ends with 0 only if the books balance", "recourse demo --json | jq .balanced"),
        ], "It starts a relay on a fresh store in a temporary folder, and four services on loopback: one healthy, one flaky, one slow,"
            + Environment.NewLine + "one down at first. The services count what arrives; the verdict is theirs. Nothing is left behind"
            + Environment.NewLine + "unless --keep is given.");
    }

    private static async Task<int> RunAsync(DemoOptions options, CancellationToken cancellationToken)
    {
        var result = await new DemoRun(options, TimeProvider.System).RunAsync(verdict =>
        {
            if (options.Json) JsonOutput.Write(verdict, CliJson.Default.DemoResult);
            else
            {
                foreach (var sentence in verdict.Sentences()) Screen.Out.WriteLine(sentence);
            }
        }, cancellationToken);
        return result.Balanced ? ExitCode.Ok : ExitCode.Failed;
    }
}
