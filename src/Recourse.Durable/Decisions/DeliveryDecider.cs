namespace Recourse.Durable;

/// <summary>
/// Decides what is done with a delivery after an attempt failed: retry, when, or dead letter, and why. A pure function: no clock, no
/// store, no randomness. The rules stand in the order in which they are asked; <c>docs/concepts/delivery.md</c> shows them as a table.
/// </summary>
internal static class DeliveryDecider
{
    /// <summary>The decision after a failed attempt.</summary>
    /// <param name="failure">What failed, and how often before.</param>
    /// <param name="policy">The bounds of the queue.</param>
    /// <param name="service">The contract of the service.</param>
    internal static DeliveryDecision Decide(in DeliveryFailure failure, DeliveryPolicy policy, ServicePolicy service)
    {
        var fault = failure.Fault;
        var wait = DeliveryWait.After(failure, policy);

        // Ours, not the service's and not the message's: nothing was sent, so nothing is counted.
        if (fault.Kind is FaultKind.CircuitOpen or FaultKind.BulkheadFull) return Retry(failure, wait, "not sent", "not counted");
        if (fault.Applied is Applied.Maybe && !service.Repeatable) return OutcomeUnknown(fault);
        if (fault.Kind is FaultKind.Cancelled && fault.Blame is Blame.Service)
            return Retry(failure, default, "stopped during the attempt", "not counted");

        // What is permanent and the message's stays as it is. What is permanent and the service's (its certificate, its configuration)
        // waits for a person to mend the service: every message would fail, and outages do not eat messages.
        if (fault.Persistence is Persistence.Permanent && fault.Blame is not Blame.Service)
            return Dead(failure, policy, wait, "permanent", "the same message would fail again");

        if (policy.DeadLetterAfterAttempts is { } most)
            return failure.Attempt >= most && !(failure.Probe && fault.Blame is not Blame.Message)
                ? Dead(failure, policy, wait, Whose(fault), $"attempt {failure.Attempt} of {most}")
                : Retry(failure, wait, Whose(fault), $"attempt {failure.Attempt} of {most}");

        return fault.Blame switch
        {
            Blame.Service => failure.Age >= policy.MaxAge
                ? Dead(failure, policy, wait, "service fault", $"given up after {Durations.Text(policy.MaxAge)}")
                : Retry(failure, wait, "service fault", $"gives up at an age of {Durations.Text(policy.MaxAge)}"),
            Blame.Message => Counted(failure, policy, wait, "message fault", Next(failure.MessageFaults), policy.MaxAttempts),
            _ when failure.Probe => Retry(failure, wait, "unknown fault", "a probe, not counted"),
            _ => Counted(failure, policy, wait, "unknown fault", Next(failure.UnknownFaults), policy.MaxUnknownAttempts),
        };
    }

    private static DeliveryDecision Counted(
        in DeliveryFailure failure, DeliveryPolicy policy, TimeSpan wait, string what, int count, int most) =>
        count >= most ? Dead(failure, policy, wait, what, $"{count} of {most}") : Retry(failure, wait, what, $"{count} of {most}");

    private static DeliveryDecision Retry(in DeliveryFailure failure, TimeSpan wait, string what, string bound)
    {
        var notes = (failure.BreakerOpenFor > TimeSpan.Zero ? "; the route is paused, breaker open" : "")
            + (failure.BudgetExhausted ? "; retry budget used up" : "");
        var due = wait < DateTimeOffset.MaxValue - failure.Now ? failure.Now + wait : DateTimeOffset.MaxValue;
        return new(DeliveryAction.Retry, due, $"{what}, retry {failure.Attempt} in {Durations.Text(Whole(wait))}, {bound}{notes}", wait);
    }

    private static DeliveryDecision Dead(in DeliveryFailure failure, DeliveryPolicy policy, TimeSpan wait, string what, string why) =>
        policy.DeadLettersEnabled
            ? new(DeliveryAction.DeadLetter, null, $"{what}, {why}")
            : Retry(failure, DeliveryWait.Longer(wait, DeliveryWait.Longest(failure, policy)), what, $"{why}; dead letters are off");

    // Also where dead letters are off: repeating it is what the service forbids.
    private static DeliveryDecision OutcomeUnknown(Classification fault) =>
        new(DeliveryAction.DeadLetter, null, $"the effect may have happened ({fault.Kind.Name()}), and the service is not repeatable")
        {
            Kind = FaultKind.OutcomeUnknown,
        };

    private static string Whose(Classification fault) => fault.Blame switch
    {
        Blame.Service => "service fault",
        Blame.Message => "message fault",
        _ => "unknown fault",
    };

    // Nobody reads the thousandths of a jittered wait; the wait itself keeps them.
    private static TimeSpan Whole(TimeSpan wait) =>
        wait < TimeSpan.FromMilliseconds(1) ? wait : TimeSpan.FromMilliseconds(Math.Floor(wait.TotalMilliseconds));

    private static int Next(int count) => count == int.MaxValue ? count : count + 1;
}
