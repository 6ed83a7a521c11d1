namespace Recourse.Tests;

/// <summary>
/// A clock that stands still until a test moves it. Timers fire in the order of their due times (equal ones in the order they were armed),
/// on the thread that calls <see cref="Advance"/>, with the clock showing exactly their due time.
/// </summary>
public sealed class ManualClock : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly SortedSet<ManualTimer> _armed = new(ByDueTime.Instance);
    private readonly List<ManualTimer> _late = [];
    private readonly List<(int Count, TaskCompletionSource Reached)> _watchers = [];
    private long _ticks;
    private long _armings;
    private DateTimeOffset _wallAtZero;

    public ManualClock() : this(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
    }

    public ManualClock(DateTimeOffset start) => _wallAtZero = start;

    /// <summary>
    /// Whether disposing of an armed timer lets its callback run all the same, as a callback that was already queued does: it waits for
    /// <see cref="FireDisposed"/>.
    /// </summary>
    public bool FiresAfterDisposal { get; init; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How far the clock has been moved.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(Volatile.Read(ref _ticks));

    /// <summary>How many timers wait to fire.</summary>
    public int ArmedTimers
    {
        get
        {
            lock (_lock)
                return _armed.Count;
        }
    }

    /// <summary>How long until the next timer fires; null when none is armed.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            lock (_lock)
                return _armed.Min is { } first ? TimeSpan.FromTicks(first.Due - _ticks) : null;
        }
    }

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
            return _wallAtZero.AddTicks(_ticks);
    }

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Sets the wall clock, forward or back, as an administrator or NTP does. Monotonic time and timers do not move.</summary>
    public void SetWallClock(DateTimeOffset now)
    {
        lock (_lock)
            _wallAtZero = now.AddTicks(-_ticks);
    }

    /// <summary>Moves the clock and fires what falls due on the way, timers armed by those callbacks included.</summary>
    public void Advance(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        var target = Volatile.Read(ref _ticks) + time.Ticks;
        while (TakeDue(target) is { } timer)
            timer.Fire();
    }

    /// <summary>Moves the clock to the next timer and fires it, and all due at the same moment; false when none is armed.</summary>
    public bool AdvanceToNextTimer()
    {
        if (NextDue is not { } next)
            return false;
        Advance(next);
        return true;
    }

    /// <summary>Runs the callbacks of timers that were disposed of while armed; how many ran.</summary>
    public int FireDisposed()
    {
        ManualTimer[] late;
        lock (_lock)
        {
            late = [.. _late];
            _late.Clear();
        }
        foreach (var timer in late)
            timer.Fire();
        return late.Length;
    }

    /// <summary>Completes once this many timers are armed at the same time: the signal that code under test has begun to wait.</summary>
    public Task WhenArmed(int count = 1)
    {
        lock (_lock)
        {
            if (_armed.Count >= count)
                return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _watchers.Add((count, reached));
            return reached.Task;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private ManualTimer? TakeDue(long target)
    {
        lock (_lock)
        {
            if (_armed.Min is not { } timer || timer.Due > target)
            {
                _ticks = Math.Max(_ticks, target);
                return null;
            }
            _armed.Remove(timer);
            _ticks = Math.Max(_ticks, timer.Due);
            if (timer.Period > 0)
                Arm_NeedsLock(timer, timer.Due + timer.Period);
            else
                timer.Armed = false;
            return timer;
        }
    }

    private bool Change(ManualTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock)
        {
            if (timer.Disposed)
                return false;
            if (timer.Armed)
                _armed.Remove(timer);
            timer.Armed = false;
            timer.Period = period == Timeout.InfiniteTimeSpan ? 0 : period.Ticks;
            if (dueTime != Timeout.InfiniteTimeSpan)
                Arm_NeedsLock(timer, _ticks + dueTime.Ticks);
            return true;
        }
    }

    private void Dispose(ManualTimer timer)
    {
        lock (_lock)
        {
            if (timer.Disposed)
                return;
            timer.Disposed = true;
            if (!timer.Armed)
                return;
            _armed.Remove(timer);
            timer.Armed = false;
            if (FiresAfterDisposal)
                _late.Add(timer);
        }
    }

    private void Arm_NeedsLock(ManualTimer timer, long due)
    {
        timer.Due = due;
        timer.Order = _armings++;
        timer.Armed = true;
        _armed.Add(timer);
        foreach (var watcher in _watchers.FindAll(watcher => _armed.Count >= watcher.Count))
        {
            _watchers.Remove(watcher);
            watcher.Reached.TrySetResult();
        }
    }

    private sealed class ManualTimer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        internal long Due;
        internal long Order;
        internal long Period;
        internal bool Armed;
        internal bool Disposed;

        internal void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period) => clock.Change(this, dueTime, period);

        public void Dispose() => clock.Dispose(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }

    private sealed class ByDueTime : IComparer<ManualTimer>
    {
        internal static readonly ByDueTime Instance = new();

        public int Compare(ManualTimer? x, ManualTimer? y)
        {
            var byDue = x!.Due.CompareTo(y!.Due);
            return byDue != 0 ? byDue : x.Order.CompareTo(y.Order);
        }
    }
}
