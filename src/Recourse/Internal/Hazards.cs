namespace Recourse;

/// <summary>Orders of strategies that do not do what they look like. Each finding says why, and what to do.</summary>
internal static class Hazards
{
    internal static IReadOnlyList<string> Find(List<Strategy> strategies, bool allowed)
    {
        if (strategies.Count < 2) return [];
        List<string>? warnings = null;
        for (var outer = 0; outer < strategies.Count; outer++)
        {
            for (var inner = outer + 1; inner < strategies.Count; inner++)
            {
                if (Between(strategies[outer], strategies[inner]) is not { } found) continue;
                if (found.Refused && !allowed) throw new InvalidOptionsException(found.Reason + " AllowHazards() builds it all the same.");
                (warnings ??= []).Add(found.Reason);
            }
        }

        return warnings ?? (IReadOnlyList<string>)[];
    }

    private static Finding? Between(Strategy outer, Strategy inner) => (outer, inner) switch
    {
        (RetryStrategy a, RetryStrategy b) when a.Options.Scope == b.Options.Scope => new(true,
            "A retry stands inside another retry of the same scope: their attempts multiply. Keep one, or give the outer one the scope "
            + "Transaction."),
        (CircuitBreakerStrategy, RetryStrategy) => new(false,
            "The circuit breaker stands outside the retry: it counts all attempts of a call as one and cannot stop them. Put it inside, "
            + "unless that is meant."),
        (CircuitBreakerStrategy, FallbackStrategy) => new(true,
            "The fallback stands inside the circuit breaker, which then sees only its answers and never opens. Put the fallback outside."),
        (RetryStrategy, FallbackStrategy { HandlesAll: true }) => new(true,
            "A fallback for every fault stands inside the retry, which then never has anything to retry. Put the fallback outside."),
        _ when Limit(outer) is { } total && Limit(inner) is { } part && total <= part => new(true,
            $"The outer time limit ({Durations.Text(total)}) is not longer than the inner one ({Durations.Text(part)}), which can then "
            + "never pass."),
        _ => null,
    };

    private static TimeSpan? Limit(Strategy strategy) => strategy switch
    {
        TimeoutStrategy timeout => timeout.Options.Limit,
        AbandoningTimeoutStrategy timeout => timeout.Options.Limit,
        DeadlineStrategy deadline => deadline.Limit,
        _ => null,
    };

    private sealed record Finding(bool Refused, string Reason);
}
