using System.Diagnostics;

namespace Recourse.Server.Tests.Cli;

/// <summary>What a run of the command left behind.</summary>
internal sealed record CliRun(int ExitCode, string Out, string Error);

/// <summary>Runs the built command as a process, as a script would.</summary>
internal static class CliProcess
{
    /// <summary>The executable beside the tests.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "Recourse.Cli");

    public static Task<CliRun> RunAsync(params string[] arguments) => RunAsync("", arguments, new Dictionary<string, string>());

    public static async Task<CliRun> RunAsync(string input, string[] arguments, IReadOnlyDictionary<string, string> environment)
    {
        using var process = Start(arguments, environment);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return new(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Starts the command with redirected streams; the caller ends it.</summary>
    public static Process Start(string[] arguments, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(Path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("RECOURSE_SERVER");
        start.Environment.Remove("RECOURSE_KEY");
        start.Environment.Remove("RECOURSE_CA_FILE");
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
