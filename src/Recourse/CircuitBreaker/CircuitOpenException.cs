namespace Recourse;

/// <summary>A circuit breaker refused the call; the service was not called.</summary>
public sealed class CircuitOpenException : RejectedException
{
    internal CircuitOpenException(string circuit, CircuitState state, Classification classification, TimeSpan retryAfter)
        : base(Text(circuit, state, retryAfter), classification, retryAfter)
    {
        Circuit = circuit;
        State = state;
    }

    /// <summary>The name of the breaker.</summary>
    public string Circuit { get; }

    /// <summary>Its state when the exception was made.</summary>
    public CircuitState State { get; }

    private static string Text(string circuit, CircuitState state, TimeSpan retryAfter) => state switch
    {
        CircuitState.Isolated => $"Circuit '{circuit}' is isolated: it takes no calls until someone resets it.",
        CircuitState.HalfOpen => $"Circuit '{circuit}' is half-open and all its probes are under way.",
        _ => $"Circuit '{circuit}' is open for another {Durations.Text(retryAfter)}.",
    };
}
