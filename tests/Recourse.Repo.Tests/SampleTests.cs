using System.Diagnostics;

namespace Recourse.Repo.Tests;

/// <summary>The samples do what their comments say; they are built with the tests and run as processes.</summary>
public sealed class SampleTests
{
    [Fact]
    public async Task The_quickstart_prints_what_a_newcomer_should_see() => Assert.Equal(
        ["the answer after 3 calls", "NotFound (http 404)"],
        await RunAsync("Quickstart"));

    [Fact]
    public async Task The_sample_that_can_be_trimmed_classifies_retries_and_recovers_over_http() => Assert.Equal(
        [
            "socket: ConnectionRefused, Transient (socket 10061)", "database: DbDeadlock", "type: Timeout", "text: TemporaryFailure",
            "pipeline: done after 3 calls", "http: fine after 2 requests",
        ],
        await RunAsync("Trimmed"));

    private static async Task<string[]> RunAsync(string sample)
    {
        // Where its own build put it, in the configuration and for the framework of these tests: bin/Debug/net10.0.
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var path = Path.Combine(Repository.Root, "samples", sample, "bin", here.Parent!.Name, here.Name, $"{sample}.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [path]) { RedirectStandardOutput = true })!;
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, process.ExitCode);
            return output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
