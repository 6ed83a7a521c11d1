using System.Diagnostics.CodeAnalysis;

namespace Recourse;

/// <summary>
/// One time limit around one call: a token source that is used again and again, and the moment at which it is cancelled. Whether the limit
/// or the call was first is decided by one compare-and-swap on that moment, so a timer that comes late can never cancel the next call.
/// </summary>
[SuppressMessage("Design", "CA1001",
    Justification = "A source without a timer or a wait handle holds nothing to dispose of, and must outlive a late timer.")]
internal sealed class TimeoutScope : IPooled<TimeoutScope>, IThreadPoolWorkItem
{
    internal static readonly TimeSpan LimitMax = TimeSpan.FromDays(24);

    private const long Disarmed = 0;
    private const long Fired = -1;

    private readonly CancellationTokenSource _source = new();
    private readonly TimeProvider? _time;
    private readonly ITimer? _timer;
    private CancellationTokenRegistration _registration;

    // When to fire, in the unit of the watch (milliseconds of the coarse timer, ticks of a timer of its own).
    private long _due;

    private TimeoutScope() => Token = _source.Token;

    private TimeoutScope(TimeProvider time)
        : this()
    {
        _time = time;
        _timer = Timers.Create(time, static scope => ((TimeoutScope)scope!).Ticked(), this);
    }

    TimeoutScope? IPooled<TimeoutScope>.Next { get; set; }

    /// <summary>Where the coarse timer keeps this scope.</summary>
    internal int Slot { get; set; }

    internal long Due => Volatile.Read(ref _due);

    /// <summary>The limit around this one in the same call.</summary>
    internal TimeoutScope? Outer { get; private set; }

    /// <summary>How long until the limit passes; zero or less when it has.</summary>
    internal TimeSpan Remaining
    {
        get
        {
            var due = Due;
            if (due <= 0) return TimeSpan.Zero;
            return _time is null ? CoarseTimer.Until(due) : _time.GetElapsedTime(_time.GetTimestamp(), due);
        }
    }

    internal CancellationToken Token { get; }

    internal CancellationToken Parent { get; private set; }

    /// <summary>
    /// Begins a limit. With <paramref name="precise"/>, or any clock but the system's, it has a timer of its own and is not pooled.
    /// </summary>
    internal static TimeoutScope Begin(TimeProvider time, TimeSpan limit, bool precise, CancellationToken parent) =>
        precise || !ReferenceEquals(time, TimeProvider.System)
            ? new TimeoutScope(time).BeginPrecise(limit, parent)
            : BeginCoarse(CoarseTimer.Ticks(limit), parent);

    /// <summary>Begins a limit that the coarse timer watches.</summary>
    /// <param name="ticks">From <see cref="CoarseTimer.Ticks"/>.</param>
    /// <param name="parent">Cancels the scope's token too.</param>
    internal static TimeoutScope BeginCoarse(long ticks, CancellationToken parent)
    {
        var scope = Pool<TimeoutScope>.Take();
        if (scope is null)
        {
            scope = new TimeoutScope();
            CoarseTimer.Add(scope);
        }

        scope.Link(parent);
        Volatile.Write(ref scope._due, CoarseTimer.Due(ticks));
        CoarseTimer.KeepRunning();
        return scope;
    }

    /// <summary>Makes this the innermost limit of a call, and its token the one that the operation gets.</summary>
    internal void Enclose(Call call)
    {
        // Writing a reference costs more than looking whether there is one to write.
        if (call.Limits is { } outer) Outer = outer;
        call.Limits = this;
        call.Token = Token;
    }

    /// <summary>Gives the call back the limit and the token that it had before.</summary>
    internal CancellationToken Release(Call call)
    {
        call.Limits = null;
        call.Token = default;
        if (Outer is { } limit) call.Limits = limit;
        var outer = Parent;
        if (outer.CanBeCanceled) call.Token = outer;
        return outer;
    }

    /// <summary>Ends the limit; true when it had passed before. The scope must not be used afterwards.</summary>
    internal bool End()
    {
        var fired = Interlocked.Exchange(ref _due, Disarmed) == Fired;
        var unlinked = true;
        Outer = null;
        if (Parent.CanBeCanceled)
        {
            unlinked = _registration.Unregister();
            _registration = default;
            Parent = default;
        }

        if (_timer is not null) _timer.Dispose();
        // A callback that has begun may still cancel the source: then nobody else must get it.
        else if (fired || !unlinked || !_source.TryReset() || !Pool<TimeoutScope>.Give(this)) CoarseTimer.Remove(this);
        return fired;
    }

    /// <summary>Cancels if the limit that was read is still the one that runs.</summary>
    internal bool TryFire(long due) => Interlocked.CompareExchange(ref _due, Fired, due) == due;

    /// <summary>Runs on the thread pool, because what hangs on the token may take its time.</summary>
    void IThreadPoolWorkItem.Execute() => Cancel();

    private TimeoutScope BeginPrecise(TimeSpan limit, CancellationToken parent)
    {
        Link(parent);
        Volatile.Write(ref _due, _time!.GetTimestamp() + (long)Math.Ceiling(limit.TotalSeconds * _time.TimestampFrequency));
        _timer!.Change(limit, Timeout.InfiniteTimeSpan);
        return this;
    }

    private void Link(CancellationToken parent)
    {
        if (!parent.CanBeCanceled) return;
        Parent = parent;
        _registration = parent.UnsafeRegister(static scope => ((TimeoutScope)scope!)._source.Cancel(), this);
    }

    private void Ticked()
    {
        var due = Due;
        if (due <= 0) return;
        var left = _time!.GetElapsedTime(_time.GetTimestamp(), due);
        if (left > TimeSpan.Zero) _timer!.Change(Timers.AtLeastOneMillisecond(left), Timeout.InfiniteTimeSpan);
        else if (TryFire(due)) Cancel();
    }

    private void Cancel()
    {
        try
        {
            _source.Cancel();
        }
        catch (AggregateException e)
        {
            // What hangs on the token threw; there is no caller on this thread who could hear of it, and the process must not end for it.
            ObserverErrors.Report(e);
        }
    }
}
