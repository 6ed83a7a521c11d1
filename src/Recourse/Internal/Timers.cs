namespace Recourse;

/// <summary>Timers that keep nothing of the caller who happened to make them.</summary>
internal static class Timers
{
    /// <summary>A timer that is not running yet, and that does not hold on to the caller's execution context.</summary>
    internal static ITimer Create(TimeProvider time, TimerCallback callback, object state)
    {
        if (ExecutionContext.IsFlowSuppressed()) return time.CreateTimer(callback, state, System.Threading.Timeout.InfiniteTimeSpan,
            System.Threading.Timeout.InfiniteTimeSpan);
        using (ExecutionContext.SuppressFlow())
            return time.CreateTimer(callback, state, System.Threading.Timeout.InfiniteTimeSpan, System.Threading.Timeout.InfiniteTimeSpan);
    }

    internal static TimeSpan AtLeastOneMillisecond(TimeSpan time) =>
        time < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : time;
}
