using System.ComponentModel;
using System.Diagnostics;

namespace Recourse.Durable.Tests;

/// <summary>What the tests need to make system calls of a real process fail.</summary>
internal static class FaultInjection
{
    /// <summary>
    /// What runs a program until its Nth call of one of these kinds, which kills it: N counts for each of its threads. Without a filter in
    /// the kernel: with one, strace lets the program go on, and the signal never comes.
    /// </summary>
    public static string[] KillAt(string calls, int nth) =>
        ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", $"trace={calls}", "-e", $"inject={calls}:signal=KILL:when={nth}"];

    /// <summary>Skips the test where strace is missing or may not trace.</summary>
    public static void RequireStrace()
    {
        try
        {
            using var trial = Process.Start(new ProcessStartInfo("strace", ["-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null", "true"])
            {
                RedirectStandardError = true,
            })!;
            var error = trial.StandardError.ReadToEnd();
            trial.WaitForExit();
            Assert.SkipUnless(trial.ExitCode == 0, $"strace may not trace here: {error}");
        }
        catch (Win32Exception)
        {
            Assert.Skip("strace is not installed");
        }
    }
}
