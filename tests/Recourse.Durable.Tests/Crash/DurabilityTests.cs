using System.Diagnostics;

namespace Recourse.Durable.Tests;

/// <summary>What a commit waits for, as the system calls of a real process tell.</summary>
public sealed class DurabilityTests : IDisposable
{
    /// <summary>What the child stores, one after the other.</summary>
    private const int Messages = 40;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-durability-");

    public DurabilityTests() => FaultInjection.RequireStrace();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Each_commit_waits_for_the_disk_unless_the_store_is_told_that_the_system_will_do()
    {
        Assert.InRange(SyncsOfLog("full"), Messages, int.MaxValue);
        // Only where the log is copied into the file: at the end, and when it is made.
        Assert.InRange(SyncsOfLog("os"), 1, 5);
    }

    /// <summary>How often the write-ahead log was synced while the messages were stored.</summary>
    private int SyncsOfLog(string durability)
    {
        var (db, calls) = (Path.Combine(_folder.FullName, $"{durability}.db"), Path.Combine(_folder.FullName, $"{durability}.calls"));
        string[] command = ["-f", "--seccomp-bpf", "-qqq", "-y", "-e", "trace=fsync,fdatasync", "-o", calls, "dotnet",
            Path.Combine(AppContext.BaseDirectory, "Recourse.CrashChild.dll"), db, "1", "0", durability];
        using var child = Process.Start(new ProcessStartInfo("strace", command) { RedirectStandardOutput = true })!;
        var stored = child.StandardOutput.ReadToEnd().Split('\n').Count(line => line.StartsWith('+'));
        child.WaitForExit();
        Assert.Equal((0, Messages), (child.ExitCode, stored));
        return File.ReadLines(calls).Count(call => call.Contains($"{db}-wal>", StringComparison.Ordinal));
    }
}
