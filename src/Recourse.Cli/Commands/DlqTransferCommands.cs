using System.CommandLine;
using System.Text.Json;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Recourse.Server;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse dlq export</c>: dead letters out, whole, a line each.</summary>
internal static class DlqExportCommand
{
    public static Command Create()
    {
        var filter = new DlqFilter();
        var output = new Option<FileInfo?>("--output", "-o")
        {
            Description = "The file to write; without it standard output",
            HelpName = "FILE",
        };
        var server = CommonOptions.Server();
        var command = new Command("export", "Write dead letters, whole, as NDJSON") { output, server };
        filter.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
            RunAsync(parsed.GetValue(server)!, filter.Read(parsed), parsed.GetValue(output), cancellationToken));
        return command.Teach(
        [
            ("All of them", "recourse dlq export -o letters.ndjson"),
            ("One service's, packed", "recourse dlq export --service billing | gzip > billing.ndjson.gz"),
        ], "Each line has the letter with its attempts, history, headers and body (base64). A line that is not whole (masked,"
            + Environment.NewLine + "without payload, unreadable) has a warning, and the export goes on.");
    }

    private static async Task<int> RunAsync(Uri server, DeadLetterQuery query, FileInfo? file, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        await using var output = file is null ? Console.OpenStandardOutput()
            : OwnerFile.Open(file.FullName, FileMode.Create, FileAccess.Write, FileShare.None);
        var (lines, warnings) = (0L, 0L);
        await LongWork.RunAsync("export", 0, async advance =>
        {
            await foreach (var line in relay.LinesAsync(HttpMethod.Get, query.ExportPath(), null, cancellationToken))
            {
                await output.WriteAsync(line, cancellationToken);
                await output.WriteAsync("\n"u8.ToArray(), cancellationToken);
                lines++;
                warnings += line.Span.IndexOf("\"warning\":"u8) >= 0 ? 1 : 0;
                advance(1);
            }
        });
        Screen.Progress.WriteLine($"{Screen.Counted(lines, "dead letter", "dead letters")} written.");
        if (warnings > 0)
            Console.Error.WriteLine($"recourse: {warnings:N0} of them are not whole (masked, without payload, or unreadable), and an "
                + "import refuses them as they are; the 'warning' in each line says why.");
        return ExitCode.Ok;
    }
}

/// <summary><c>recourse dlq import FILE</c>: exported lines become dead letters again, or messages.</summary>
internal static class DlqImportCommand
{
    private const int ProblemsShown = 20;

    public static Command Create()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "What `recourse dlq export` or the archive wrote, packed (.gz) or not" };
        var target = new Option<string>("--as")
        {
            Description = "dead: the dead letters that they were; new: messages for the services they died at",
            DefaultValueFactory = _ => "dead",
        };
        target.AcceptOnlyFromAmong("dead", "new");
        var (server, json) = (CommonOptions.Server(), CommonOptions.Json("Print the relay's answers, one a line"));
        var command = new Command("import", "Bring exported dead letters back, as dead letters or as messages")
        {
            file, target, server, json,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(server)!, parsed.GetValue(file)!, parsed.GetValue(target)!, parsed.GetValue(json), cancellationToken));
        return command.Teach(
        [
            ("Back among the dead letters", "recourse dlq import letters.ndjson"),
            ("A day of the archive", "recourse dlq import archive/2026-11-22.ndjson.gz"),
            ("As messages, into another relay", "recourse dlq import letters.ndjson --as new --server http://127.0.0.1:8081"),
        ], "A dead letter keeps its id, attempts, history, notes and error; it dies anew, at the time of the import. The same line again is"
            + Environment.NewLine + "a duplicate and changes nothing. A line that is refused costs itself; the rest goes on.");
    }

    private static async Task<int> RunAsync(Uri server, FileInfo file, string target, bool json, CancellationToken cancellationToken)
    {
        if (!file.Exists) throw new CliException(ExitCode.Usage, $"{file.FullName} does not exist.");
        using var relay = new RelayClient(server);
        var counts = new Dictionary<string, long>();
        var problems = new List<string>();
        await LongWork.RunAsync("import", 0, async advance =>
        {
            await foreach (var line in relay.LinesAsync(HttpMethod.Post, $"v1/dead-letters/import?as={target}", file, cancellationToken))
            {
                using var answer = JsonDocument.Parse(line);
                if (json) JsonOutput.WriteLine(answer.RootElement);
                var result = answer.RootElement.GetProperty("result").GetString() ?? "";
                counts[result] = counts.GetValueOrDefault(result) + 1;
                if (result == "refused" && problems.Count < ProblemsShown)
                    problems.Add($"line {answer.RootElement.GetProperty("line")}: {answer.RootElement.GetProperty("problem").GetString()}");
                advance(1);
            }
        });
        foreach (var problem in problems) Console.Error.WriteLine($"recourse: {Screen.Safe(problem, 300)}");
        if (!json)
            Screen.Out.WriteLine($"{counts.GetValueOrDefault("imported"):N0} are dead letters again, "
                + $"{counts.GetValueOrDefault("accepted"):N0} sent, {counts.GetValueOrDefault("duplicate"):N0} were there, "
                + $"{counts.GetValueOrDefault("refused"):N0} refused.");
        return counts.ContainsKey("refused") ? ExitCode.Failed : ExitCode.Ok;
    }
}
