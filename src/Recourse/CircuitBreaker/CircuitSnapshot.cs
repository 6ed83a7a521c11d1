namespace Recourse;

/// <summary>
/// What a breaker knows, to be kept over a restart or handed to another node; plain values that any serializer can write. Calls under way
/// are not part of it: their permits belong to the breaker that gave them.
/// </summary>
public sealed record CircuitSnapshot
{
    /// <summary>The state. A half-open circuit is restored without probes under way.</summary>
    public CircuitState State { get; init; }

    /// <summary>Failures counted: those in a row in mode Consecutive, those in the window otherwise.</summary>
    public int Failures { get; init; }

    /// <summary>Calls in the window; zero in mode Consecutive.</summary>
    public int Calls { get; init; }

    /// <summary>Slow calls in the window; zero in mode Consecutive.</summary>
    public int SlowCalls { get; init; }

    /// <summary>How long an open circuit still stays open; zero in other states. The time until it is restored does not count.</summary>
    public TimeSpan OpenRemaining { get; init; }

    /// <summary>How long the circuit was opened for the last time, from which the next open time grows; zero if it never opened.</summary>
    public TimeSpan LastOpenTime { get; init; }

    /// <summary>How often it opened without staying closed between.</summary>
    public int OpeningsInRow { get; init; }

    /// <summary>Probes that worked since the circuit became half-open.</summary>
    public int ProbeSuccesses { get; init; }

    /// <summary>Probes that failed since the circuit became half-open.</summary>
    public int ProbeFailures { get; init; }

    internal CircuitSnapshot Checked()
    {
        const string at = nameof(CircuitSnapshot) + ".";
        Check.Defined(at + nameof(State), State);
        Check.Range(at + nameof(Calls), Calls, 0, int.MaxValue);
        Check.Range(at + nameof(Failures), Failures, 0, int.MaxValue);
        Check.Range(at + nameof(SlowCalls), SlowCalls, 0, int.MaxValue);
        Check.Range(at + nameof(OpenRemaining), OpenRemaining, TimeSpan.Zero, TimeSpan.FromDays(3650));
        Check.Range(at + nameof(LastOpenTime), LastOpenTime, TimeSpan.Zero, TimeSpan.FromDays(3650));
        Check.Range(at + nameof(OpeningsInRow), OpeningsInRow, 0, int.MaxValue);
        Check.Range(at + nameof(ProbeSuccesses), ProbeSuccesses, 0, int.MaxValue);
        Check.Range(at + nameof(ProbeFailures), ProbeFailures, 0, int.MaxValue);
        return this;
    }
}

/// <summary>The counts of a breaker at one moment, for health checks, dashboards and metrics.</summary>
public readonly record struct CircuitStatistics
{
    /// <summary>The state, with an elapsed open time already shown as half-open.</summary>
    public CircuitState State { get; init; }

    /// <summary>Calls in the window; zero in mode Consecutive, which does not count them.</summary>
    public int Calls { get; init; }

    /// <summary>Failures in a row in mode Consecutive, failures in the window otherwise.</summary>
    public int Failures { get; init; }

    /// <summary>Slow calls in the window.</summary>
    public int SlowCalls { get; init; }

    /// <summary>Failures over calls in the window; zero without calls.</summary>
    public double FailureRate => Calls == 0 ? 0 : (double)Failures / Calls;

    /// <summary>Slow calls over calls in the window; zero without calls.</summary>
    public double SlowCallRate => Calls == 0 ? 0 : (double)SlowCalls / Calls;

    /// <summary>Probes under way whose lease has not expired.</summary>
    public int ProbesInFlight { get; init; }

    /// <summary>Probes that worked since the circuit became half-open.</summary>
    public int ProbeSuccesses { get; init; }

    /// <summary>How often the circuit opened since it was made.</summary>
    public long Openings { get; init; }

    /// <summary>How often it opened without staying closed between.</summary>
    public int OpeningsInRow { get; init; }

    /// <summary>Calls rejected since the breaker was made; in shadow mode those that would have been.</summary>
    public long Rejected { get; init; }

    /// <summary>Reports that came too late to count.</summary>
    public long StaleReports { get; init; }

    /// <summary>Probes whose slot was taken back because their lease expired.</summary>
    public long ExpiredProbes { get; init; }

    /// <summary>How long until a call may be tried; zero when one may now. The longest time span while isolated.</summary>
    public TimeSpan RetryAfter { get; init; }

    /// <summary>How long the circuit has been in its state (for an elapsed open time: since it opened).</summary>
    public TimeSpan InState { get; init; }
}
