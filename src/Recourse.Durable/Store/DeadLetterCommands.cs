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
    /// <summary>Somebody else has it in hand (<see cref="TakeCommand"/>).</summary>
    Taken,
    /// <summary>It was edited, or died again, since it was read.</summary>
    Stale,
}

/// <summary>Which Idempotency-Key a replayed letter carries.</summary>
public enum ReplayKey
{
    /// <summary>
    /// The same while an attempt may have had an effect and the payload is what it was; else a new one. What was edited is another request.
    /// </summary>
    Auto,
    /// <summary>The same as before, whatever happened: the service is to recognise it.</summary>
    Keep,
    /// <summary><c>{id}.g{generation}</c>, whatever happened: the service is to do it again.</summary>
    New,
}

/// <summary>
/// Sends a dead letter back into its queue as a new generation, due at once, at the head of its lane; it does not expire any more. Its
/// Idempotency-Key stays the same when any attempt may have had an effect, and becomes <c>{key}.g{generation}</c> when none had or the
/// payload was edited since.
/// </summary>
public sealed class ReplayCommand(DeliveryId id, string actor, string? reason) : StoreCommand<DeadLetterOutcome>
{
    /// <summary>Which delivery.</summary>
    public DeliveryId Id { get; } = id;
    /// <summary>Who asked for it.</summary>
    public string Actor { get; } = actor;
    /// <summary>Why; null when not said.</summary>
    public string? Reason { get; } = reason;
    /// <summary>Which Idempotency-Key it carries. Default: as the history says.</summary>
    public ReplayKey Key { get; init; }
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
    /// <summary>
    /// The letter as it was read, for who decides by that: when it has died again or was edited since, the answer is
    /// <see cref="DeadLetterOutcome.Stale"/>. Null (the default) puts away whatever is there.
    /// </summary>
    public DeliverySummary? IfStill { get; init; }

    internal bool Passes(long diedAt, int edits) => IfStill is not { DeadAt: { } read } still
        || (StoreTime.Micros(read) == diedAt && still.Edits == edits);
}

/// <summary>
/// Ends a dead letter that was settled in another way. It counts as discarded in the books, and says that it was resolved; followers in its
/// lane may go.
/// </summary>
public sealed class ResolveCommand(DeliveryId id, string actor, string reason) : StoreCommand<DeadLetterOutcome>
{
    /// <summary>Which delivery.</summary>
    public DeliveryId Id { get; } = id;
    /// <summary>Who settled it.</summary>
    public string Actor { get; } = actor;
    /// <summary>How it was settled.</summary>
    public string Reason { get; } = reason;
}

/// <summary>
/// Removes what need not be kept: delivered and discarded messages older than <paramref name="olderThan"/>, or beyond the newest
/// <see cref="KeepMax"/>, and used idempotency keys past their window; at most <paramref name="limit"/> rows, the oldest first. The
/// result is how many messages went. Totals stay.
/// </summary>
public sealed class PruneCommand(TimeSpan olderThan, int limit) : StoreCommand<int>
{
    /// <summary>The age from which a finished message may go.</summary>
    public TimeSpan OlderThan { get; } = olderThan;
    /// <summary>Only messages of this queue; null (the default) for all.</summary>
    public string? Queue { get; init; }
    /// <summary>How many finished messages may stay whatever their age, counted over all that the command looks at; those that ended in
    /// the same instant go together. Null (the default) is no bound; at least 0.</summary>
    public int? KeepMax { get; init; }
    /// <summary>The most to remove in one command, so that others are not held up.</summary>
    public int Limit { get; } = limit;
}
