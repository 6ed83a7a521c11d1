using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Recourse.Repo.Tests;

/// <summary>The samples do what their comments say; they are built with the tests and run as processes.</summary>
public sealed class SampleTests
{
    private static readonly string[] TrimmedSays =
    [
        "socket: ConnectionRefused, Transient (socket 10061)", "database: DbDeadlock", "type: Timeout", "text: TemporaryFailure",
        "pipeline: done after 3 calls", "http: fine after 2 requests",
    ];

    [Fact]
    public async Task The_quickstart_prints_what_a_newcomer_should_see() => Assert.Equal(
        ["the answer after 3 calls", "NotFound (http 404)"],
        await RunAsync("Quickstart"));

    [Fact]
    public async Task The_sample_that_can_be_trimmed_classifies_retries_and_recovers_over_http() => Assert.Equal(
        TrimmedSays,
        await RunAsync("Trimmed"));

    // Where the native compiler's runtime pack cannot be restored, the second is skipped, and the analyzers of IsAotCompatible, which run
    // with every build of the libraries, are the guard.
    [Theory, Trait("Category", "Slow")]
    [InlineData("-p:PublishTrimmed=true")]
    [InlineData("-p:PublishAot=true")]
    public async Task The_same_sample_works_trimmed_or_native_and_self_contained_and_the_linker_has_nothing_to_warn_of(string how)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.OSArchitecture != Architecture.X64)
            Assert.Skip("Published for linux-x64 only.");
        var folder = Directory.CreateTempSubdirectory("recourse-trimmed-");
        try
        {
            // With a folder of its own for everything that is built, so that the builds of others are not disturbed.
            var (exitCode, lines) = await StartAsync(
                "dotnet", "publish", Path.Combine(Repository.Root, "samples", "Trimmed"), "-c", "Release", "-r", "linux-x64",
                "--self-contained", how, "-p:TreatWarningsAsErrors=true", "--artifacts-path", folder.FullName,
                "-o", Path.Combine(folder.FullName, "out"), "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false");
            var missing = lines.FirstOrDefault(line => line.Contains("error NU1", StringComparison.Ordinal));
            if (missing is not null) Assert.Skip($"The package source cannot publish it: {missing}");
            Assert.True(exitCode == 0, string.Join('\n', lines));

            var (code, says) = await StartAsync(Path.Combine(folder.FullName, "out", "Trimmed"));
            Assert.Equal(0, code);
            Assert.Equal(TrimmedSays, says);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string[]> RunAsync(string sample)
    {
        // Where its own build put it, in the configuration and for the framework of these tests: bin/Debug/net10.0.
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var path = Path.Combine(Repository.Root, "samples", sample, "bin", here.Parent!.Name, here.Name, $"{sample}.dll");
        var (exitCode, lines) = await StartAsync("dotnet", path);
        Assert.Equal(0, exitCode);
        return lines;
    }

    private static async Task<(int ExitCode, string[] Lines)> StartAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (process.ExitCode, output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
