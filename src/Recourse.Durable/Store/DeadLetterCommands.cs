namespace Recourse.Durable;

/// <summary>What an operator's command on one dead letter came to.</summary>
public enum DeadLetterOutcome
{
    /// <summary>Done.</summary>
    Done,
    /// <summary>There is no such delivery.</summary>
    NotFound,
    /// <summary>The delivery is not dead.</summary>
    NotDead,
}

/// <summary>
/// Sends a dead letter back into its queue as a new generation, due at once, at the head of its lane; it does not expire any more. Its
/// Idempotency-Key stays the same when any attempt may have had an effect, and becomes <c>{key}.g{generation}</c> when none had.
/// </summary>
public sealed class ReplayCommand(DeliveryId id, string actor, string? reason) : StoreCommand<DeadLetterOutcome>
{
    /// <summary>Which delivery.</summary>
    public DeliveryId Id { get; } = id;
    /// <summary>Who asked for it.</summary>
    public string Actor { get; } = actor;
    /// <summary>Why; null when not said.</summary>
    public string? Reason { get; } = reason;
}

/// <summary>Puts a dead letter away for good; followers in its lane may go.</summary>
public sealed class DiscardCommand(DeliveryId id, string actor, string? reason) : StoreCommand<DeadLetterOutcome>
{
    /// <summary>Which delivery.</summary>
    public DeliveryId Id { get; } = id;
    /// <summary>Who asked for it.</summary>
    public string Actor { get; } = actor;
    /// <summary>Why; null when not said.</summary>
    public string? Reason { get; } = reason;
}

/// <summary>
/// Removes what need not be kept: delivered and discarded messages older than <paramref name="olderThan"/>, and used idempotency keys past
/// their window; at most <paramref name="limit"/> rows. The result is how many messages went. Totals stay.
/// </summary>
public sealed class PruneCommand(TimeSpan olderThan, int limit) : StoreCommand<int>
{
    /// <summary>The age from which a finished message may go.</summary>
    public TimeSpan OlderThan { get; } = olderThan;
    /// <summary>The most to remove in one command, so that others are not held up.</summary>
    public int Limit { get; } = limit;
}
