namespace Recourse;

/// <summary>When a circuit breaker opens, for how long, and what closes it again.</summary>
public sealed record CircuitBreakerOptions
{
    /// <summary>What the breaker protects, as shown in events and metrics. Default <c>circuit</c>.</summary>
    public string Name { get; init; } = "circuit";

    /// <summary>How a closed circuit decides to open. Default: failures in a row.</summary>
    public CircuitMode Mode { get; init; } = CircuitMode.Consecutive;

    /// <summary>Mode Consecutive: this many failures in a row open the circuit. Default 5; from 1 to 1,000,000.</summary>
    public int FailureThreshold { get; init; } = 5;

    /// <summary>Mode CountWindow: how many calls are remembered. Default 100; from 1 to 100,000, a byte each.</summary>
    public int WindowSize { get; init; } = 100;

    /// <summary>Mode TimeWindow: how far back calls count, accurate to a tenth. Default 30 s; from 100 ms to 1 h.</summary>
    public TimeSpan WindowDuration { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Window modes: the share of failures that opens the circuit, more than 0 up to 1. Default 0.5.</summary>
    public double FailureRate { get; init; } = 0.5;

    /// <summary>
    /// Window modes: the least number of calls in the window before a share of them means anything. Default 20; from 1 to 1,000,000. A
    /// count window that holds fewer calls asks for as many as it holds.
    /// </summary>
    public int MinimumThroughput { get; init; } = 20;

    /// <summary>
    /// Window modes: this many failures in the window open the circuit, whatever their share and the throughput. Default null: only the
    /// share counts. From 1 to 1,000,000.
    /// </summary>
    public int? FailuresInWindow { get; init; }

    /// <summary>
    /// A call that takes at least this long is slow. Default null: no call is, and no clock is read for it. In mode Consecutive and among
    /// probes a slow call counts as a failure. More than zero, up to 1 day.
    /// </summary>
    public TimeSpan? SlowCallDuration { get; init; }

    /// <summary>Window modes: the share of slow calls that opens the circuit, more than 0 up to 1. Default 0.5.</summary>
    public double SlowCallRate { get; init; } = 0.5;

    /// <summary>How many probes may be under way at once while half-open. Default 3; from 1 to 1,000.</summary>
    public int PermittedProbes { get; init; } = 3;

    /// <summary>This many probes that work close the circuit. Default 2; from 1 to 1,000,000.</summary>
    public int SuccessThreshold { get; init; } = 2;

    /// <summary>This many probes that fail open the circuit again. Default 1; from 1 to 1,000,000.</summary>
    public int ProbeFailureThreshold { get; init; } = 1;

    /// <summary>
    /// How long a probe may hold its slot. After that the slot is free for another call and a late report of the probe is stale, so that
    /// a call that hangs cannot keep the circuit half-open. Choose it longer than the slowest good call. Default 30 s; from 1 ms to 1 day.
    /// </summary>
    public TimeSpan ProbeLease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the circuit stays open the first time. Default 5 s; from 1 ms to 49 days.</summary>
    public TimeSpan OpenTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// What the open time is multiplied with when the circuit opens again before it has stayed closed for as long as it was open before.
    /// Default 2; from 1 (no growth) to 100.
    /// </summary>
    public double OpenTimeGrowth { get; init; } = 2;

    /// <summary>The open time does not grow beyond this. Default 60 s. Less than <see cref="OpenTime"/> means: it does not grow.</summary>
    public TimeSpan OpenTimeMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The share of the open time that is left to chance, so that many clients do not probe at the same moment: with 0.2 the circuit is
    /// open for 80 to 100 % of it, at the maximum too. Default 0.2; from 0 to 1.
    /// </summary>
    public double OpenTimeJitter { get; init; } = 0.2;

    /// <summary>
    /// Whether the circuit only pretends: it counts, changes state and tells observers, but lets every call pass. Only
    /// <see cref="CircuitBreaker.Isolate"/> still rejects. Default false.
    /// </summary>
    public bool ShadowMode { get; init; }

    /// <summary>
    /// Told of every change of state, on the thread that made it, after all locks are released; it may call the breaker. What it throws is
    /// logged and changes nothing. Default null.
    /// </summary>
    public Action<CircuitTransition>? OnTransition { get; init; }

    internal CircuitBreakerOptions Checked()
    {
        const string at = nameof(CircuitBreakerOptions) + ".";
        var day = TimeSpan.FromDays(1);
        Check.Named(at + nameof(Name), Name);
        Check.Defined(at + nameof(Mode), Mode);
        Check.Range(at + nameof(FailureThreshold), FailureThreshold, 1, 1_000_000);
        Check.Range(at + nameof(WindowSize), WindowSize, 1, 100_000);
        Check.Range(at + nameof(WindowDuration), WindowDuration, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        Check.That(FailureRate is > 0 and <= 1, $"{at}{nameof(FailureRate)} is {FailureRate}; it must be more than 0 and at most 1.");
        Check.Range(at + nameof(MinimumThroughput), MinimumThroughput, 1, 1_000_000);
        if (FailuresInWindow is { } failures)
            Check.Range(at + nameof(FailuresInWindow), failures, 1, 1_000_000);
        if (SlowCallDuration is { } slow)
            Check.Range(at + nameof(SlowCallDuration), slow, TimeSpan.FromTicks(1), day);
        Check.That(SlowCallRate is > 0 and <= 1, $"{at}{nameof(SlowCallRate)} is {SlowCallRate}; it must be more than 0 and at most 1.");
        Check.Range(at + nameof(PermittedProbes), PermittedProbes, 1, 1_000);
        Check.Range(at + nameof(SuccessThreshold), SuccessThreshold, 1, 1_000_000);
        Check.Range(at + nameof(ProbeFailureThreshold), ProbeFailureThreshold, 1, 1_000_000);
        Check.Range(at + nameof(ProbeLease), ProbeLease, TimeSpan.FromMilliseconds(1), day);
        Check.Range(at + nameof(OpenTime), OpenTime, TimeSpan.FromMilliseconds(1), Durations.TimerMax);
        Check.Range(at + nameof(OpenTimeGrowth), OpenTimeGrowth, 1, 100);
        Check.Range(at + nameof(OpenTimeMax), OpenTimeMax, TimeSpan.FromMilliseconds(1), Durations.TimerMax);
        Check.Range(at + nameof(OpenTimeJitter), OpenTimeJitter, 0, 1);
        return this;
    }
}
