using System.Net.Sockets;

namespace Recourse.Tests;

/// <summary>An operation whose runs are written down beforehand, and which counts them.</summary>
public sealed class Script
{
    private readonly Func<int, CancellationToken, ValueTask<int>> _run;

    public Script(Func<int, CancellationToken, ValueTask<int>> run) => _run = run;

    /// <summary>How often it ran.</summary>
    public int Count { get; private set; }

    /// <summary>A failure that passes, and before which nothing can have happened: it may always be retried.</summary>
    public static Exception Refused() => new SocketException((int)SocketError.ConnectionRefused);

    /// <summary>Fails this often, then returns 42.</summary>
    public static Script FailsTimes(int times, Func<Exception>? failure = null) =>
        new((run, _) => run <= times ? throw (failure ?? Refused)() : new ValueTask<int>(42));

    /// <summary>The same, but each run suspends first.</summary>
    public static Script FailsLater(int times, Func<Exception>? failure = null) =>
        new(async (run, _) =>
        {
            await Task.Yield();
            return run <= times ? throw (failure ?? Refused)() : 42;
        });

    public ValueTask<int> Run(CancellationToken token) => _run(++Count, token);
}
