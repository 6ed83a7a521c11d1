namespace Recourse;

/// <summary>What can happen to a circuit.</summary>
internal enum CircuitEvent : byte
{
    /// <summary>The results counted while closed have reached a threshold.</summary>
    ThresholdReached,
    /// <summary>A call has come; if the open time is over, the circuit becomes half-open.</summary>
    CallArrived,
    ProbeSucceeded,
    ProbeFailed,
    Trip,
    Isolate,
    Reset,
}

/// <summary>An event with what it carries. <paramref name="Sample"/> in [0, 1) decides the jitter of an open time.</summary>
internal readonly record struct CircuitSignal(CircuitEvent Event, double Sample = 0, CircuitReason Reason = default, long? OpenFor = null);

/// <summary>
/// The breaker's decisions as a pure function: state, signal and time in; next state and the transition to announce out. It holds no clock,
/// no lock and no callback, so a model test can drive it through any sequence. Times are monotonic ticks.
/// </summary>
internal readonly record struct CircuitCore
{
    internal CircuitState State { get; init; }

    /// <summary>Changes whenever permits given before must no longer count. Never zero, which is the generation of no permit.</summary>
    internal uint Generation { get; init; }

    internal long Since { get; init; }

    internal long OpenUntil { get; init; }

    internal long LastOpenTime { get; init; }

    internal int Openings { get; init; }

    internal int ProbeSuccesses { get; init; }

    internal int ProbeFailures { get; init; }

    internal static CircuitCore Initial(long now) => new() { Generation = 1, Since = now };

    /// <summary>The state as it looks at <paramref name="now"/>: an open time that is over shows as half-open.</summary>
    internal CircuitState StateAt(long now) => State == CircuitState.Open && now >= OpenUntil ? CircuitState.HalfOpen : State;

    /// <summary>
    /// The next state, and the transition if the state changed. A signal that means nothing in this state returns it as it is.
    /// </summary>
    internal CircuitCore Next(in CircuitSignal signal, long now, CircuitBreakerOptions options, out CircuitTransition? transition)
    {
        var (next, reason) = (State, signal.Event) switch
        {
            (CircuitState.Closed, CircuitEvent.ThresholdReached) => (Opened(signal, now, options), signal.Reason),
            (CircuitState.Open, CircuitEvent.CallArrived) when now >= OpenUntil
                => (Moved(CircuitState.HalfOpen, now), CircuitReason.OpenTimeElapsed),
            (CircuitState.HalfOpen, CircuitEvent.ProbeSucceeded) => Succeeded(now, options),
            (CircuitState.HalfOpen, CircuitEvent.ProbeFailed) => Failed(signal, now, options),
            // A person's isolation is ended by a person's reset, and by nothing else.
            (not CircuitState.Isolated, CircuitEvent.Trip) => (Opened(signal, now, options), CircuitReason.Tripped),
            (not CircuitState.Isolated, CircuitEvent.Isolate) => (Moved(CircuitState.Isolated, now), CircuitReason.Isolated),
            (_, CircuitEvent.Reset) => (Moved(CircuitState.Closed, now) with { Openings = 0, LastOpenTime = 0 }, CircuitReason.Reset),
            // Every other signal was decided before the state changed under it.
            _ => (this, CircuitReason.None),
        };
        transition = next.State == State
            ? null
            : new(options.Name, State, next.State, reason, next.Generation, next.OpenFor(now), next.Openings);
        return next;
    }

    /// <summary>The state after a restore, under a new generation.</summary>
    internal CircuitCore Restored(CircuitSnapshot snapshot, long now) => Moved(snapshot.State, now) with
    {
        OpenUntil = now + snapshot.OpenRemaining.Ticks,
        LastOpenTime = snapshot.LastOpenTime.Ticks,
        Openings = snapshot.OpeningsInRow,
        ProbeSuccesses = snapshot.State == CircuitState.HalfOpen ? snapshot.ProbeSuccesses : 0,
        ProbeFailures = snapshot.State == CircuitState.HalfOpen ? snapshot.ProbeFailures : 0,
    };

    internal TimeSpan OpenFor(long now) => State == CircuitState.Open ? TimeSpan.FromTicks(Math.Max(0, OpenUntil - now)) : TimeSpan.Zero;

    private (CircuitCore, CircuitReason) Succeeded(long now, CircuitBreakerOptions options) =>
        ProbeSuccesses + 1 >= options.SuccessThreshold
            ? (Moved(CircuitState.Closed, now), CircuitReason.ProbesSucceeded)
            : (this with { ProbeSuccesses = ProbeSuccesses + 1 }, CircuitReason.None);

    private (CircuitCore, CircuitReason) Failed(in CircuitSignal signal, long now, CircuitBreakerOptions options) =>
        ProbeFailures + 1 >= options.ProbeFailureThreshold
            ? (Opened(signal, now, options), CircuitReason.ProbesFailed)
            : (this with { ProbeFailures = ProbeFailures + 1 }, CircuitReason.None);

    private CircuitCore Opened(in CircuitSignal signal, long now, CircuitBreakerOptions options)
    {
        var openings = NextOpenings(now);
        var openTime = signal.OpenFor ?? OpenTime(openings, options, signal.Sample);
        return Moved(CircuitState.Open, now) with { OpenUntil = now + openTime, LastOpenTime = openTime, Openings = openings };
    }

    // Closing alone does not end the growth: an overloaded service passes two probes, takes the full load and falls over again. It has to
    // stay closed for as long as it was open before.
    private int NextOpenings(long now) => State switch
    {
        CircuitState.Closed when now - Since >= LastOpenTime => 1,
        CircuitState.Open => Math.Max(1, Openings),
        _ => Openings == int.MaxValue ? Openings : Openings + 1,
    };

    private static long OpenTime(int openings, CircuitBreakerOptions options, double sample)
    {
        var max = (double)Math.Max(options.OpenTime.Ticks, options.OpenTimeMax.Ticks);
        var grown = options.OpenTime.Ticks * Math.Pow(options.OpenTimeGrowth, openings - 1);
        // Written so that an infinite power ends at the maximum; the jitter comes after it and so survives it.
        var capped = grown < max ? grown : max;
        return Math.Max(1, (long)(capped * (1 - options.OpenTimeJitter * sample)));
    }

    private CircuitCore Moved(CircuitState to, long now) => new()
    {
        State = to,
        Generation = Generation == uint.MaxValue ? 1 : Generation + 1,
        Since = now,
        OpenUntil = now,
        LastOpenTime = LastOpenTime,
        Openings = Openings,
    };
}
