namespace Recourse;

/// <summary>
/// The wait of one call: a timer and a token, of which exactly one wakes it. Each wait has a number of its own, so that a timer or a
/// cancellation that comes late for one wait cannot end the next.
/// </summary>
internal sealed class Wait(Call call)
{
    private TimeProvider? _time;
    private ITimer? _timer;
    private CancellationToken _token;
    private CancellationTokenRegistration _registration;
    private long _began;
    private TimeSpan _delay;
    private long _armed;
    private long _last;
    private bool _active;

    /// <summary>Arms the wait; the number that comes back takes it back again with <see cref="TryDisarm"/>.</summary>
    internal long Begin(TimeProvider time, TimeSpan delay, CancellationToken token)
    {
        var armed = ++_last;
        _active = true;
        _token = token;
        _began = time.GetTimestamp();
        _delay = delay;
        Volatile.Write(ref _armed, armed);
        SetTimer(time, delay);
        if (token.CanBeCanceled) _registration = token.UnsafeRegister(static (wait, cause) => ((Wait)wait!).Cancelled(cause), this);
        return armed;
    }

    /// <summary>True when the wait was still on, and now will never wake.</summary>
    internal bool TryDisarm(long armed) => Interlocked.CompareExchange(ref _armed, 0, armed) == armed;

    internal void End()
    {
        if (!_active) return;
        _active = false;
        _timer!.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _registration.Unregister();
        _registration = default;
        _token = default;
    }

    private void SetTimer(TimeProvider time, TimeSpan delay)
    {
        if (ReferenceEquals(_time, time))
        {
            _timer!.Change(delay, Timeout.InfiniteTimeSpan);
            return;
        }

        _timer?.Dispose();
        _time = time;
        _timer = Timers.Create(time, static wait => ((Wait)wait!).Fired(), this);
        _timer.Change(delay, Timeout.InfiniteTimeSpan);
    }

    private void Fired()
    {
        var armed = Volatile.Read(ref _armed);
        if (armed == 0) return;
        var left = _delay - _time!.GetElapsedTime(_began);
        // Too early: a firing meant for an earlier wait, or a timer whose clock is coarser than the one that time is read from.
        if (left > TimeSpan.Zero) _timer!.Change(Timers.AtLeastOneMillisecond(left), Timeout.InfiniteTimeSpan);
        else if (TryDisarm(armed)) call.Wake();
    }

    private void Cancelled(CancellationToken cause)
    {
        var armed = Volatile.Read(ref _armed);
        if (armed == 0 || cause != _token) return;
        if (TryDisarm(armed)) call.WakeLater();
    }
}
