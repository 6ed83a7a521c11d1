using System.Diagnostics;
using System.Text.Json;
using Recourse.Cli;

namespace Recourse.Server.Tests.Cli;

public class DemoTests
{
    [Fact]
    public async Task The_demonstration_ends_with_books_that_balance_and_leaves_nothing_behind()
    {
        var temporary = Directory.CreateTempSubdirectory("recourse-demo-test-").FullName;
        try
        {
            var environment = new Dictionary<string, string> { ["TMPDIR"] = temporary };
            var run = await CliProcess.RunAsync("", ["demo", "--count", "400", "--json"], environment);
            Assert.True(run.ExitCode == ExitCode.Ok, run.Out + run.Error);
            var result = JsonDocument.Parse(run.Out).RootElement;
            Assert.True(result.GetProperty("balanced").GetBoolean());
            Assert.Equal((400, 500, 500), (Number("messages"), Number("accepted"), Number("delivered")));
            Assert.Equal((0, 1), (Number("lost"), Number("kills")));
            Assert.Empty(Directory.GetFileSystemEntries(temporary));

            int Number(string name) => result.GetProperty(name).GetInt32();
        }
        finally
        {
            Directory.Delete(temporary, recursive: true);
        }
    }

    [Theory]
    [InlineData("TERM", ExitCode.Terminated)]
    [InlineData("HUP", ExitCode.HungUp)]
    public async Task An_end_by_signal_takes_the_relay_and_the_files_with_it(string signal, int exitCode)
    {
        if (signal == "HUP" && HangUpIsIgnored())
            Assert.Skip("SIGHUP is ignored here (as under nohup), and a child inherits that: it goes on, as it should.");
        var temporary = Directory.CreateTempSubdirectory("recourse-demo-test-").FullName;
        using var process = CliProcess.Start(["demo"], new Dictionary<string, string> { ["TMPDIR"] = temporary });
        try
        {
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var first = await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken);
            var relay = new Uri(first!.Split(' ')[1]);
            var rest = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            using (var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]))
                await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal((exitCode, ""), (process.ExitCode, await output));
            Assert.EndsWith("recourse: interrupted.\n", await rest);
            Assert.Empty(Directory.GetFileSystemEntries(temporary));
            using var http = new HttpClient();
            await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(relay, TestContext.Current.CancellationToken));
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            Directory.Delete(temporary, recursive: true);
        }
    }

    // Signal 1 is bit 0 of the mask.
    private static bool HangUpIsIgnored() =>
        File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("SigIgn:")) is { } line
        && (Convert.ToUInt64(line["SigIgn:".Length..].Trim(), 16) & 1) != 0;
}
