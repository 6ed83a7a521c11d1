namespace Recourse.Durable;

/// <summary>
/// Wakes one loop: new work, a permit given back, a reset breaker, a timer, the stop. A wake while the loop is busy is kept, so nothing
/// falls between looking for work and going to sleep; many wakes are one.
/// </summary>
internal sealed class WakeSignal(TimeProvider time)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _sleeper;
    private bool _set;
    private bool _timed;

    /// <summary>The loop sleeps, its timer is set, and nothing has woken it.</summary>
    internal bool IsAsleep
    {
        get
        {
            lock (_lock) return _sleeper is not null && _timed;
        }
    }

    internal void Set()
    {
        TaskCompletionSource? sleeper;
        lock (_lock)
        {
            sleeper = _sleeper;
            _sleeper = null;
            // A sleeper takes the wake; nobody else needs to see it.
            if (sleeper is null) _set = true;
        }

        sleeper?.TrySetResult();
    }

    /// <summary>Sleeps until a wake, or so long. One sleeper at a time.</summary>
    internal async Task SleepAsync(TimeSpan atMost)
    {
        Task woken;
        lock (_lock)
        {
            if (_set)
            {
                _set = false;
                return;
            }

            _timed = false;
            _sleeper = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            woken = _sleeper.Task;
        }

        await using var timer = time.CreateTimer(static signal => ((WakeSignal)signal!).Set(), this, atMost, Timeout.InfiniteTimeSpan);
        // Whoever moves a clock by hand to the next timer must not be told that the loop sleeps before this timer is one of them.
        lock (_lock) _timed = true;
        await woken;
    }
}
