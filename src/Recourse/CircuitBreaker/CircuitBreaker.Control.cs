namespace Recourse;

/// <content>What people and the rest of the system do with a breaker: read it, order it about, keep its state.</content>
public sealed partial class CircuitBreaker
{
    // An observer may change the state, which is announced to it in turn; one that does so every time would never end.
    private const int NestedAnnouncementsMax = 8;

    [ThreadStatic]
    private static int s_announcing;

    /// <summary>The state now: an open time that is over shows as half-open, though no call has come to make it so.</summary>
    public CircuitState State
    {
        get
        {
            while (true)
            {
                var gate = Volatile.Read(ref _gate);
                var state = (CircuitState)(uint)gate;
                if (state != CircuitState.Open)
                    return state;
                var over = _clock.Precise >= Volatile.Read(ref _openUntil);
                // Read again: the end of the open time belongs to this gate only if the gate is still the same.
                if (Volatile.Read(ref _gate) == gate)
                    return over ? CircuitState.HalfOpen : CircuitState.Open;
            }
        }
    }

    /// <summary>
    /// How long until a call may be tried; never negative. Zero when one may be tried now; while all probes are under way, the time until
    /// the first lease ends; while isolated, which only a person ends, <see cref="TimeSpan.MaxValue"/>.
    /// </summary>
    public TimeSpan RetryAfter
    {
        get
        {
            while (true)
            {
                var gate = Volatile.Read(ref _gate);
                var state = (CircuitState)(uint)gate;
                if (state == CircuitState.Closed)
                    return TimeSpan.Zero;
                if (state != CircuitState.Open)
                    break;
                // Without the lock, because every rejected call asks; read again as in State.
                var remaining = Volatile.Read(ref _openUntil) - _clock.Precise;
                if (Volatile.Read(ref _gate) == gate)
                    return Options.ShadowMode || remaining <= 0 ? TimeSpan.Zero : TimeSpan.FromTicks(remaining);
            }
            lock (Sync)
                return RetryAfter_NeedsLock(Now_NeedsLock());
        }
    }

    /// <summary>The counts of this moment.</summary>
    public CircuitStatistics Statistics
    {
        get
        {
            lock (Sync)
            {
                var now = Now_NeedsLock();
                var counts = Counts_NeedsLock();
                return new()
                {
                    State = _core.StateAt(now),
                    Calls = counts.Calls,
                    Failures = counts.Failures,
                    SlowCalls = counts.Slow,
                    ProbesInFlight = _probes?.InFlight(now) ?? 0,
                    ProbeSuccesses = _core.ProbeSuccesses,
                    Openings = _openings,
                    OpeningsInRow = _core.Openings,
                    Rejected = Interlocked.Read(ref _rejected),
                    StaleReports = Interlocked.Read(ref _stale),
                    ExpiredProbes = _probes?.Expired ?? 0,
                    RetryAfter = RetryAfter_NeedsLock(now),
                    InState = TimeSpan.FromTicks(now - _core.Since),
                };
            }
        }
    }

    /// <summary>Rejects every call until <see cref="Reset"/>. Reports of calls under way no longer count.</summary>
    public void Isolate() => Order(new(CircuitEvent.Isolate));

    /// <summary>
    /// Opens the circuit now. An open circuit stays open from now on for the time given. Does nothing while isolated.
    /// </summary>
    /// <param name="openFor">For how long, up to 49 days; null for the time that comes next by the options.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative or longer than 49 days.</exception>
    public void Trip(TimeSpan? openFor = null)
    {
        if (openFor is { } time)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero, nameof(openFor));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(time, Durations.TimerMax, nameof(openFor));
        }
        Order(new(CircuitEvent.Trip, Samples(), OpenFor: openFor?.Ticks));
    }

    /// <summary>
    /// Closes the circuit and forgets all counts and the growth of the open time. Reports of calls under way no longer count.
    /// </summary>
    public void Reset() => Order(new(CircuitEvent.Reset));

    /// <summary>What the breaker knows, as plain values.</summary>
    public CircuitSnapshot Snapshot()
    {
        lock (Sync)
        {
            var now = Now_NeedsLock();
            var counts = Counts_NeedsLock();
            return new()
            {
                State = _core.StateAt(now),
                Failures = counts.Failures,
                Calls = counts.Calls,
                SlowCalls = counts.Slow,
                OpenRemaining = _core.OpenFor(now),
                LastOpenTime = TimeSpan.FromTicks(_core.LastOpenTime),
                OpeningsInRow = _core.Openings,
                ProbeSuccesses = _core.ProbeSuccesses,
                ProbeFailures = _core.ProbeFailures,
            };
        }
    }

    /// <summary>
    /// Takes over what another breaker, or this one before a restart, knew. Permits given before no longer count. Counts larger than the
    /// window of this breaker holds are cut to it.
    /// </summary>
    /// <exception cref="InvalidOptionsException">The snapshot holds a negative number or an unknown state.</exception>
    public void Restore(CircuitSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        snapshot.Checked();
        CircuitTransition? transition;
        lock (Sync)
        {
            var now = Now_NeedsLock();
            var (from, next) = (_core.State, _core.Restored(snapshot, now));
            Publish_NeedsLock(next);
            if (next.State == CircuitState.Closed)
                Seed_NeedsLock(new(snapshot.Calls, snapshot.Failures, snapshot.SlowCalls));
            transition = from == next.State
                ? null
                : new(_options.Name, from, next.State, CircuitReason.Restored, next.Generation, next.OpenFor(now), next.Openings);
        }
        Announce(transition);
    }

    /// <summary>
    /// Other options from now on. The state, the counts, permits under way and the end of a running open time stay as they are.
    /// </summary>
    /// <exception cref="InvalidOptionsException">An option is out of range; the old options stay in force.</exception>
    public void Reload(CircuitBreakerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Checked();
        lock (Sync)
        {
            var counts = Counts_NeedsLock();
            Volatile.Write(ref _options, options);
            Volatile.Write(ref _slowFrom, SlowFrom(options));
            _probes?.Resize(options.PermittedProbes);
            if (_core.State != CircuitState.Closed)
                return;
            // The same cell or window goes on: what is being reported to it at this moment counts.
            if (_window is { } window ? window.TryAdopt(options) : options.Mode == CircuitMode.Consecutive)
                return;
            // The generation stays: calls under way report to the new window. One that has just read the old window is lost to the counts.
            Volatile.Write(ref _window, CircuitWindow.Create(options, _core.Generation));
            Seed_NeedsLock(counts);
        }
    }

    private void Order(CircuitSignal signal)
    {
        CircuitTransition? transition;
        lock (Sync)
            transition = Apply_NeedsLock(signal, Now_NeedsLock());
        Announce(transition);
    }

    private TimeSpan RetryAfter_NeedsLock(long now) => _core.StateAt(now) switch
    {
        CircuitState.Isolated => TimeSpan.MaxValue,
        _ when _options.ShadowMode => TimeSpan.Zero,
        CircuitState.Open => _core.OpenFor(now),
        CircuitState.HalfOpen => TimeSpan.FromTicks(_probes?.FreeIn(now) ?? 0),
        _ => TimeSpan.Zero,
    };

    private CircuitCounts Counts_NeedsLock()
    {
        if (_core.State != CircuitState.Closed)
            return default;
        return _window?.Counts(_clock.Coarse) ?? new(0, (int)Volatile.Read(ref _cell), 0);
    }

    // Failures in a row are kept in the cell, all other counts in the window; between modes only the failures carry over.
    private void Seed_NeedsLock(CircuitCounts counts)
    {
        if (_window is null)
            Volatile.Write(ref _cell, (long)_core.Generation << 32 | (uint)Math.Min(counts.Failures, _options.FailureThreshold - 1));
        else
        {
            Volatile.Write(ref _cell, NoCell);
            _window.Seed(counts with { Calls = Math.Max(counts.Calls, counts.Failures) }, _clock.Coarse);
        }
    }

    private void Announce(in CircuitTransition? transition)
    {
        if (transition is not { } changed)
            return;
        if (s_announcing >= NestedAnnouncementsMax)
        {
            ObserverErrors.Report(new InvalidOperationException(
                $"Observers of circuit '{changed.Name}' keep changing its state: {NestedAnnouncementsMax} changes within one another were "
                + "announced; this one, and those within it, are not."));
            return;
        }
        s_announcing++;
        try
        {
            Meters.CircuitChanged(changed);
            if (Logger is { } logger) Log.CircuitChanged(logger, changed.Name, changed.From, changed.To, changed.Reason);
            Tell(Options.OnTransition, changed);
        }
        finally
        {
            s_announcing--;
        }
    }

    private void Tell(Action<CircuitTransition>? observer, CircuitTransition changed)
    {
        try
        {
            observer?.Invoke(changed);
        }
        catch (Exception exception)
        {
            ObserverErrors.Report(exception);
            if (Logger is { } logger)
                Log.CircuitObserverFailed(logger, changed.Name, exception);
        }
    }
}
