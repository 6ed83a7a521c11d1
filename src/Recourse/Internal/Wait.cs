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

    internal void Begin(TimeProvider time, TimeSpan delay, CancellationToken token)
    {
        _active = true;
        _token = token;
        _began = time.GetTimestamp();
        _delay = delay;
        Volatile.Write(ref _armed, ++_last);
        SetTimer(time, delay);
        if (token.CanBeCanceled) _registration = token.UnsafeRegister(static (wait, cause) => ((Wait)wait!).Cancelled(cause), this);
    }

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
        else if (Interlocked.CompareExchange(ref _armed, 0, armed) == armed) call.Wake();
    }

    private void Cancelled(CancellationToken cause)
    {
        var armed = Volatile.Read(ref _armed);
        if (armed == 0 || cause != _token) return;
        if (Interlocked.CompareExchange(ref _armed, 0, armed) == armed) call.WakeLater();
    }
}
