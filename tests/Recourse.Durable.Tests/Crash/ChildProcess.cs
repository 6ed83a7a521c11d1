using System.Diagnostics;

namespace Recourse.Durable.Tests;

/// <summary>The program that works on a store in a process of its own, for tests that read its lines themselves.</summary>
internal static class ChildProcess
{
    private const int LinesAhead = 32;

    /// <summary>
    /// Its lines until it ends; killed (SIGKILL: no handler runs) after so many. It is told of every 32 lines that were read, and may wait
    /// for that.
    /// </summary>
    /// <returns>The whole lines, and whether it ended by itself.</returns>
    public static (List<string> Lines, bool Ended) Run(string path, int seed, string what, int lines = int.MaxValue)
    {
        using var child = Process.Start(new ProcessStartInfo(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "Recourse.CrashChild.dll"), path, $"{seed}", "0", what])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var read = new List<string>();
        try
        {
            while (read.Count < lines && child.StandardOutput.ReadLine() is { } line)
            {
                read.Add(line);
                if (read.Count % LinesAhead == 0)
                    Tell(child);
            }
        }
        finally
        {
            if (read.Count >= lines)
                child.Kill(entireProcessTree: true);
        }
        child.WaitForExit();
        return (read, read.Count < lines && child.ExitCode == 0);
    }

    private static void Tell(Process child)
    {
        try
        {
            child.StandardInput.WriteLine();
            child.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It has ended, and its last lines are still being read.
        }
    }
}
