namespace Recourse.Durable;

/// <summary>How long a delivery waits before its next attempt: the backoff of its queue, and what makes the wait longer. Pure.</summary>
internal static class DeliveryWait
{
    /// <summary>No wait is longer, whatever a policy or a service says.</summary>
    internal static readonly TimeSpan Max = TimeSpan.FromDays(365);

    internal static TimeSpan After(in DeliveryFailure failure, DeliveryPolicy policy)
    {
        var fault = failure.Fault;
        var wait = Of(policy.Backoff).Delay(failure.Attempt, failure.LastDelay, failure.Sample);
        // Throttling asks for less load, and full jitter may draw no wait at all.
        if (fault.Throttling) wait = Longer(Doubled(wait), policy.Backoff.Initial);
        // Nobody expects it to pass by itself, and an exhausted budget means that too much is being retried: the longest wait.
        if (fault.Persistence is Persistence.Permanent || failure.BudgetExhausted) wait = Longer(wait, Longest(failure, policy));
        if (fault.Kind is FaultKind.CircuitOpen) wait = Longer(wait, failure.BreakerOpenFor);
        wait = Backoff.Honour(wait, failure.RetryAfter, policy.MaxRetryAfter);
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait < Max ? wait : Max;
    }

    /// <summary>From half to the whole of the longest backoff, so that many do not come back at one moment.</summary>
    internal static TimeSpan Longest(in DeliveryFailure failure, DeliveryPolicy policy)
    {
        var sample = failure.Sample is > 0 and < 1 ? failure.Sample : 0;
        return policy.Backoff.Max < Max ? policy.Backoff.Max * (0.5 + 0.5 * sample) : Max;
    }

    // The names are checked where the configuration is read; one that is unknown here counts as the default.
    private static Backoff Of(BackoffPolicy policy) => new()
    {
        Kind = Enum.TryParse<BackoffKind>(policy.Shape, ignoreCase: true, out var kind) && kind is not BackoffKind.Custom
            ? kind
            : BackoffKind.Exponential,
        Jitter = Enum.TryParse<JitterKind>(policy.Jitter, ignoreCase: true, out var jitter) ? jitter : JitterKind.Full,
        Initial = policy.Initial,
        Max = policy.Max,
    };

    private static TimeSpan Doubled(TimeSpan wait) => wait < Max ? wait * 2 : wait;

    internal static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
