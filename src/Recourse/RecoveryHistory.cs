using System.Runtime.CompilerServices;

namespace Recourse;

/// <summary>
/// The failed attempts behind an exception that a pipeline threw. <see cref="Outcome{T}.Attempts"/> says the same without one.
/// </summary>
public static class RecoveryHistory
{
    // Inner exceptions are looked through to this depth: a program may wrap what a pipeline threw.
    private const int MaxDepth = 16;

    // Beside the exception and not in its Data, which loggers print and which two threads must not write at once.
    private static readonly ConditionalWeakTable<Exception, AttemptHistory> Histories = [];

    /// <summary>
    /// The failed attempts, oldest first, of the call that ended with this exception, or with the nearest of its inner exceptions (to a
    /// depth of 16); empty when there are none. The first 5 and the last 20 are kept, see the numbers. Where pipelines stand inside one
    /// another these are the attempts of the outermost; those further in are found by the exceptions of the attempts. An exception object
    /// that ends several calls speaks for the last of them. Safe from any thread.
    /// </summary>
    /// <param name="exception">What was caught.</param>
    public static IReadOnlyList<FailedAttempt> Of(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        var depth = 0;
        for (var current = exception; current is not null && depth < MaxDepth; current = current.InnerException, depth++)
        {
            if (Histories.TryGetValue(current, out var history)) return history;
        }

        return [];
    }

    internal static void Keep(Exception exception, AttemptHistory? history)
    {
        if (history is not null) Histories.AddOrUpdate(exception, history);
    }
}
