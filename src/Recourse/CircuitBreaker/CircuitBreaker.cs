using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Recourse;

/// <summary>
/// Stops calling a service that fails, and finds out with a few probes when it works again. Usable alone: take a permit, make the call,
/// report its judgement. Safe from any thread; nothing is allocated by admission, report or rejection; no thread, timer or task is held.
/// </summary>
/// <example><code>
/// if (!breaker.TryEnter(out var permit)) return Rejected(breaker.RetryAfter);
/// var judgement = Judgement.Neutral;                    // what counts if the code below throws
/// try { judgement = await Call(); }
/// finally { breaker.Report(permit, judgement); }
/// </code></example>
[DebuggerDisplay("{Name}: {State}")]
public sealed partial class CircuitBreaker
{
    private const long NoCell = -1;

    // One delegate for all breakers.
    private static readonly Func<double> SharedSamples = Chance.Next;

    private readonly TickClock _clock;

    // Both are made when they are first needed: of the many breakers of a registry most have never seen a failure.
    private Lock? _lock;
    private ProbeLeases? _probes;

    // Generation << 32 | state: all that admission has to read.
    private long _gate;

    // Mode Consecutive while closed: generation << 32 | failures in a row. Otherwise NoCell, which equals no permit.
    private long _cell;

    // Window modes while closed: the results of this generation. Otherwise null.
    private CircuitWindow? _window;

    // The end of the open time, readable without the lock by callers that are turned away; and a moment on the coarse clock that certainly
    // lies before it, so that turning away mostly costs no precise clock read.
    private long _openUntil;
    private long _openUntilCoarse;

    private long _slowFrom;
    private CircuitBreakerOptions _options;
    private CircuitCore _core;
    private long _latest = long.MinValue;
    private long _rejected;
    private long _stale;
    private long _openings;

    /// <summary>A closed circuit.</summary>
    /// <param name="options">When it opens and closes; null for the defaults.</param>
    /// <param name="time">The clock, of which only the monotonic part is read; null for the system's.</param>
    /// <exception cref="InvalidOptionsException">An option is out of range; the message names it.</exception>
    public CircuitBreaker(CircuitBreakerOptions? options = null, TimeProvider? time = null)
    {
        _options = (options ?? new()).Checked();
        _clock = new(time);
        _slowFrom = SlowFrom(_options);
        Publish_NeedsLock(CircuitCore.Initial(Now_NeedsLock()));
    }

    /// <summary>The name, from the options.</summary>
    public string Name => Options.Name;

    /// <summary>The options in force.</summary>
    public CircuitBreakerOptions Options => Volatile.Read(ref _options);

    /// <summary>Whether <see cref="Report"/> needs the duration of the call; without it callers can save the two clock reads.</summary>
    public bool NeedsDuration => Volatile.Read(ref _slowFrom) != long.MaxValue;

    /// <summary>Where changes, and what observers throw, are logged: by the first pipeline with a logger. Null: nowhere.</summary>
    internal ILogger? Logger { get; set; }

    /// <summary>Where the jitter of open times comes from: numbers in [0, 1).</summary>
    internal Func<double> Samples { get; init; } = SharedSamples;

    /// <summary>
    /// Asks to make a call. True with a permit that has to be reported once, also when the call was not made or was cancelled (as neutral).
    /// False when the circuit rejects it: <see cref="RetryAfter"/> says for how long.
    /// </summary>
    public bool TryEnter(out CircuitPermit permit)
    {
        var gate = Volatile.Read(ref _gate);
        if ((uint)gate == (uint)CircuitState.Closed)
        {
            permit = new(gate);
            return true;
        }
        return TryProbe((CircuitState)(uint)gate, out permit) || Reject(gate);
    }

    /// <summary>
    /// Gives a permit back with what the call was judged. Neutral gives the slot back and moves nothing. A stale report (the circuit has
    /// moved on, the lease expired, it was reported before) changes nothing.
    /// </summary>
    /// <param name="permit">From <see cref="TryEnter"/>.</param>
    /// <param name="judgement">What the attempt counts as.</param>
    /// <param name="duration">How long it took; only read where <see cref="NeedsDuration"/>.</param>
    public PermitReport Report(CircuitPermit permit, Judgement judgement, TimeSpan duration = default)
    {
        // A circuit without a failure since its last success: there is nothing to move, so nothing is written and no line is contended.
        if (permit.Value == Volatile.Read(ref _cell) && judgement == Judgement.Success && duration.Ticks < Volatile.Read(ref _slowFrom))
            return PermitReport.Accepted;
        var slow = judgement != Judgement.Neutral && duration.Ticks >= Volatile.Read(ref _slowFrom);
        var accepted = permit switch
        {
            { Value: 0 } => false,
            { IsProbe: true } => ReportProbe(permit, slow ? Judgement.Failure : judgement),
            _ when judgement == Judgement.Neutral => Volatile.Read(ref _gate) == permit.Value,
            _ => ReportClosed(permit, judgement == Judgement.Failure, slow),
        };
        if (accepted)
            return PermitReport.Accepted;
        Interlocked.Increment(ref _stale);
        return PermitReport.Stale;
    }

    private Lock Sync => Volatile.Read(ref _lock) ?? Interlocked.CompareExchange(ref _lock, new Lock(), null) ?? _lock;

    private ProbeLeases Probes_NeedsLock => _probes ??= new(_options.PermittedProbes);

    private bool TryProbe(CircuitState state, out CircuitPermit permit)
    {
        permit = default;
        if (state == CircuitState.Isolated || state == CircuitState.Open && IsBeforeOpenUntil())
            return false;
        CircuitTransition? transition;
        lock (Sync)
        {
            var now = Now_NeedsLock();
            transition = Apply_NeedsLock(new(CircuitEvent.CallArrived), now);
            if (_core.State == CircuitState.Closed)
                permit = new(_gate);
            else if (_core.State == CircuitState.HalfOpen && Probes_NeedsLock.Take(now, _options.ProbeLease.Ticks) is var probe and not 0)
                permit = new((long)_core.Generation << 32 | probe);
        }
        Announce(transition);
        return permit.Value != 0;
    }

    private bool IsBeforeOpenUntil() =>
        _clock.Coarse < Volatile.Read(ref _openUntilCoarse) || _clock.Precise < Volatile.Read(ref _openUntil);

    // In shadow mode the call passes with no permit: its report is stale, so it counts no more than if it had been rejected.
    private bool Reject(long gate)
    {
        Interlocked.Increment(ref _rejected);
        return Options.ShadowMode && (CircuitState)(uint)gate != CircuitState.Isolated;
    }

    private bool ReportClosed(CircuitPermit permit, bool failure, bool slow)
    {
        if (Volatile.Read(ref _window) is not { } window)
            return ReportConsecutive(permit, failure || slow);
        if (window.Generation != permit.Generation)
            return false;
        var reason = window.Record(failure, slow, _clock.Coarse);
        if (reason != CircuitReason.None)
            Open(permit.Generation, reason);
        return true;
    }

    // The generation is part of the cell, so a count for a generation that has ended cannot be made.
    private bool ReportConsecutive(CircuitPermit permit, bool failure)
    {
        while (true)
        {
            var cell = Volatile.Read(ref _cell);
            if (cell == NoCell || (uint)(cell >>> 32) != permit.Generation)
                return false;
            var failures = (uint)cell;
            var next = failure ? failures + 1 : 0;
            if (next != failures && Interlocked.CompareExchange(ref _cell, permit.Value | next, cell) != cell)
                continue;
            if (next >= Options.FailureThreshold)
                Open(permit.Generation, CircuitReason.ConsecutiveFailures);
            return true;
        }
    }

    private void Open(uint generation, CircuitReason reason)
    {
        CircuitTransition? transition = null;
        lock (Sync)
        {
            // Of several threads that reach the threshold together, the first opens the circuit and the others find it done.
            if (_core.Generation == generation)
                transition = Apply_NeedsLock(new(CircuitEvent.ThresholdReached, Samples(), reason), Now_NeedsLock());
        }
        Announce(transition);
    }

    private bool ReportProbe(CircuitPermit permit, Judgement judgement)
    {
        CircuitTransition? transition = null;
        lock (Sync)
        {
            var now = Now_NeedsLock();
            if (_core.Generation != permit.Generation || !Probes_NeedsLock.Return(permit.Probe, now))
                return false;
            if (judgement == Judgement.Success)
                transition = Apply_NeedsLock(new(CircuitEvent.ProbeSucceeded), now);
            else if (judgement == Judgement.Failure)
                transition = Apply_NeedsLock(new(CircuitEvent.ProbeFailed, Samples()), now);
        }
        Announce(transition);
        return true;
    }

    private CircuitTransition? Apply_NeedsLock(CircuitSignal signal, long now)
    {
        var next = _core.Next(signal, now, _options, out var transition);
        if (next.Generation != _core.Generation)
            Publish_NeedsLock(next);
        else
            _core = next;
        return transition;
    }

    // The window and the cell stand before the gate lets calls in that will report to them.
    private void Publish_NeedsLock(CircuitCore next)
    {
        _core = next;
        _probes?.Clear();
        var closed = next.State == CircuitState.Closed;
        if (next.State == CircuitState.Open)
            _openings++;
        Volatile.Write(ref _openUntil, next.OpenUntil);
        Volatile.Write(ref _openUntilCoarse, _clock.Coarse + (next.OpenUntil - next.Since) - TickClock.CoarseLagMax);
        Volatile.Write(ref _window, closed ? CircuitWindow.Create(_options, next.Generation) : null);
        Volatile.Write(ref _cell, closed && _window is null ? (long)next.Generation << 32 : NoCell);
        Volatile.Write(ref _gate, (long)next.Generation << 32 | (uint)next.State);
    }

    // Never back, whatever the provider does: leases and times in a state would come out negative.
    private long Now_NeedsLock() => _latest = Math.Max(_latest, _clock.Precise);

    private static long SlowFrom(CircuitBreakerOptions options) => options.SlowCallDuration?.Ticks ?? long.MaxValue;
}
