namespace Recourse;

/// <summary>
/// The right to make one call through a breaker, to be given back with <see cref="CircuitBreaker.Report"/> once. It is bound to the
/// generation of the circuit in which it was given: a report from an older generation is stale and moves nothing. The default value is
/// no permit.
/// </summary>
public readonly record struct CircuitPermit
{
    internal CircuitPermit(long value) => Value = value;

    // Generation in the upper half, number of the probe in the lower; zero there for a call through a closed circuit, whose permit then
    // equals the gate and the cell of the breaker, which makes its report one comparison.
    internal long Value { get; }

    internal uint Generation => (uint)(Value >>> 32);

    internal uint Probe => (uint)Value;

    /// <summary>Whether the call is a probe of a half-open circuit; it then holds one of the permitted slots until it reports.</summary>
    public bool IsProbe => Probe != 0;
}

/// <summary>What became of a report.</summary>
public enum PermitReport : byte
{
    /// <summary>It counted.</summary>
    Accepted = 0,
    /// <summary>
    /// The permit was no longer valid (the circuit has moved on, the lease of the probe expired, the probe was reported before, or there
    /// was no permit): nothing changed. Permits of a closed circuit have no number of their own, so reporting one twice counts twice.
    /// </summary>
    Stale,
}
