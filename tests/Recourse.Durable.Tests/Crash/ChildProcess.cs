using System.Diagnostics;

namespace Recourse.Durable.Tests;

/// <summary>The program that works on a store in a process of its own, for tests that read its lines themselves.</summary>
internal static class ChildProcess
{
    /// <summary>Its lines until it ends; killed (SIGKILL: no handler runs) after so many.</summary>
    /// <returns>The whole lines, and whether it ended by itself.</returns>
    public static (List<string> Lines, bool Ended) Run(string path, int seed, string what, int lines = int.MaxValue)
    {
        using var child = Process.Start(new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "Recourse.CrashChild.dll"), path, $"{seed}", "0", what])
        {
            RedirectStandardOutput = true,
        })!;
        var read = new List<string>();
        try
        {
            while (read.Count < lines && child.StandardOutput.ReadLine() is { } line)
                read.Add(line);
        }
        finally
        {
            if (read.Count >= lines)
                child.Kill(entireProcessTree: true);
        }
        child.WaitForExit();
        return (read, read.Count < lines && child.ExitCode == 0);
    }
}
