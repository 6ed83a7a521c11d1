namespace Recourse.Durable;

/// <summary>What is done with a delivery after an attempt failed.</summary>
public enum DeliveryAction
{
    /// <summary>Another attempt at <see cref="DeliveryDecision.DueAt"/>.</summary>
    Retry,
    /// <summary>It leaves the ordinary way.</summary>
    DeadLetter,
}

/// <summary>The decision after a failed attempt, and why; stored with the attempt in the same commit.</summary>
/// <param name="Action">Retry or dead letter.</param>
/// <param name="DueAt">When the next attempt may begin; null for a dead letter.</param>
/// <param name="Reason">The rule that decided, in words for the operator: <c>service fault, retry 3 in 800 ms, gives up at 24
/// h</c>.</param>
/// <param name="Delay">The wait that was chosen; zero for a dead letter.</param>
public readonly record struct DeliveryDecision(DeliveryAction Action, DateTimeOffset? DueAt, string Reason, TimeSpan Delay = default)
{
    /// <summary>The kind to store when the decision itself gives one (outcome_unknown, deadline_exceeded); null keeps the
    /// fault's.</summary>
    public FaultKind? Kind { get; init; }

    /// <summary>As it is stored and shown: <c>retry: …</c> or <c>dead: …</c>.</summary>
    public override string ToString() => Action is DeliveryAction.Retry ? $"retry: {Reason}" : $"dead: {Reason}";
}
