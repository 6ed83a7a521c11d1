using System.ComponentModel;
using System.Diagnostics;

namespace Recourse.Durable.Tests;

/// <summary>What the tests need to make system calls of a real process fail.</summary>
internal static class FaultInjection
{
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
