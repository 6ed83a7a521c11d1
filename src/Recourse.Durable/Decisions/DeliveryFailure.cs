namespace Recourse.Durable;

/// <summary>All that the decision after a failed attempt depends on, as values; made by the dispatcher, read by
/// <see cref="DeliveryDecider"/>.</summary>
internal readonly record struct DeliveryFailure
{
    /// <summary>What the failure was.</summary>
    public required Classification Fault { get; init; }

    /// <summary>The number of the failed attempt within its generation, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>Failed attempts of this generation before this one that counted against the message.</summary>
    public int MessageFaults { get; init; }

    /// <summary>Failed attempts of this generation before this one of unknown blame.</summary>
    public int UnknownFaults { get; init; }

    /// <summary>How long ago this generation began.</summary>
    public required TimeSpan Age { get; init; }

    /// <summary>The time now, UTC; the next attempt is due so much later.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>A random number in [0, 1) for the jitter.</summary>
    public required double Sample { get; init; }

    /// <summary>The wait before this attempt, for decorrelated backoff; zero before the first retry.</summary>
    public TimeSpan LastDelay { get; init; }

    /// <summary>How long the service asks to wait; null when it does not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The attempt was a probe of a half-open breaker: it tested the service, so a fault of the service does not count against
    /// the message.</summary>
    public bool Probe { get; init; }

    /// <summary>How long the service's breaker stays open after this failure; zero when it is not open.</summary>
    public TimeSpan BreakerOpenFor { get; init; }

    /// <summary>The service's retry budget is used up: the retry waits for the longest backoff.</summary>
    public bool BudgetExhausted { get; init; }
}
