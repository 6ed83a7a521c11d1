namespace Recourse.Cli;

/// <summary>What the process says to a script. The numbers are stable; docs/reference/exit-codes.md lists them.</summary>
internal static class ExitCode
{
    /// <summary>All that was asked was done.</summary>
    public const int Ok = 0;
    /// <summary>The command ran, and what was asked did not (wholly) succeed; or the verdict is bad.</summary>
    public const int Failed = 1;
    /// <summary>The command line, a configuration file or an input file is wrong; nothing was changed.</summary>
    public const int Usage = 2;
    /// <summary>No relay answered.</summary>
    public const int Unreachable = 3;
    /// <summary>The queue, service, message or dead letter does not exist.</summary>
    public const int NotFound = 4;
    /// <summary>It exists, but its state does not allow this (a dead letter replayed before, a key used with another body).</summary>
    public const int Conflict = 5;
    /// <summary>The relay answers, but takes nothing now: throttled, full, or its store is away. Later may work.</summary>
    public const int Refused = 6;
    /// <summary>A defect of this program.</summary>
    public const int Defect = 70;
    /// <summary>Ended because the terminal was closed.</summary>
    public const int HungUp = 129;
    /// <summary>Ended by Ctrl-C.</summary>
    public const int Interrupted = 130;
    /// <summary>Ended by SIGTERM.</summary>
    public const int Terminated = 143;
}

/// <summary>Ends the command with one sentence on standard error and an <see cref="ExitCode"/>.</summary>
internal sealed class CliException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>One of <see cref="Cli.ExitCode"/>.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>The HTTP status behind it; null when the relay did not answer.</summary>
    public int? Status { get; init; }

    /// <summary>How long the relay asked to wait; null when it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
