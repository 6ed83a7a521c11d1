namespace Recourse;

/// <summary>What a circuit breaker does with calls. The numbers are those of the metric circuit_breaker_state.</summary>
public enum CircuitState
{
    /// <summary>Calls pass and their results are counted.</summary>
    Closed = 0,
    /// <summary>A few calls pass as probes; their results decide.</summary>
    HalfOpen = 1,
    /// <summary>Calls are rejected until the open time is over.</summary>
    Open = 2,
    /// <summary>Calls are rejected until a person resets the circuit.</summary>
    Isolated = 3,
}

/// <summary>How a closed circuit decides to open.</summary>
public enum CircuitMode
{
    /// <summary>After a number of failures with no success between them.</summary>
    Consecutive = 0,
    /// <summary>By the share of failures among the last calls.</summary>
    CountWindow,
    /// <summary>By the share of failures in the last stretch of time.</summary>
    TimeWindow,
}

/// <summary>Why a circuit changed its state.</summary>
public enum CircuitReason
{
    /// <summary>It did not.</summary>
    None = 0,
    /// <summary>Too many failures in a row.</summary>
    ConsecutiveFailures,
    /// <summary>Too large a share of the calls in the window failed.</summary>
    FailureRate,
    /// <summary>Too many calls in the window failed.</summary>
    FailureCount,
    /// <summary>Too large a share of the calls in the window were slow.</summary>
    SlowCallRate,
    /// <summary>The open time is over.</summary>
    OpenTimeElapsed,
    /// <summary>Enough probes worked.</summary>
    ProbesSucceeded,
    /// <summary>Too many probes failed.</summary>
    ProbesFailed,
    /// <summary>Opened by <see cref="CircuitBreaker.Trip"/>.</summary>
    Tripped,
    /// <summary>Isolated by <see cref="CircuitBreaker.Isolate"/>.</summary>
    Isolated,
    /// <summary>Closed by <see cref="CircuitBreaker.Reset"/>.</summary>
    Reset,
    /// <summary>Taken from a snapshot by <see cref="CircuitBreaker.Restore"/>.</summary>
    Restored,
}

/// <summary>One change of a circuit's state.</summary>
/// <param name="Name">The name of the breaker, from its options.</param>
/// <param name="From">The state before.</param>
/// <param name="To">The state after.</param>
/// <param name="Reason">Why.</param>
/// <param name="Generation">
/// Grows with every change. Observers on several threads may run out of order; the higher generation is the later state.
/// </param>
/// <param name="OpenFor">How long the circuit stays open; zero unless <paramref name="To"/> is open.</param>
/// <param name="OpeningsInRow">How often it opened without staying closed between; what the growing open time is computed from.</param>
public readonly record struct CircuitTransition(
    string Name, CircuitState From, CircuitState To, CircuitReason Reason, long Generation, TimeSpan OpenFor, int OpeningsInRow);
