namespace Recourse.Durable;

/// <summary>
/// Gives a dead letter another body, for this delivery only. What came in is kept as it was; a later edit replaces this one.
/// </summary>
public sealed class EditPayloadCommand(DeliveryId id, string actor, string? reason, ReadOnlyMemory<byte> body)
    : StoreCommand<DeadLetterOutcome>
{
    /// <summary>Which delivery.</summary>
    public DeliveryId Id { get; } = id;
    /// <summary>Who edits.</summary>
    public string Actor { get; } = actor;
    /// <summary>Why; null when not said.</summary>
    public string? Reason { get; } = reason;
    /// <summary>The new body, byte for byte.</summary>
    public ReadOnlyMemory<byte> Body { get; } = body;
    /// <summary>Its media type; null keeps the one it has. The type that marks sealed payloads is refused.</summary>
    /// <exception cref="ArgumentException">It is the type of sealed payloads.</exception>
    public string? ContentType
    {
        get => SealedType ?? field;
        init
        {
            SealedPayload.Refuse(value, "EditPayloadCommand.ContentType");
            field = value;
        }
    }

    // The type of a body that the sealing store has sealed.
    internal string? SealedType { get; init; }

    /// <summary>
    /// How often the body had been edited when it was read: with another number now, the answer is <see cref="DeadLetterOutcome.Stale"/>.
    /// Null edits whatever is there.
    /// </summary>
    public int? IfEdits { get; init; }
}

/// <summary>Notes who looks after a dead letter, and what they know of it. Nulls change nothing.</summary>
public sealed class AnnotateCommand(DeliveryId id, string actor) : StoreCommand<DeadLetterOutcome>
{
    /// <summary>Which delivery.</summary>
    public DeliveryId Id { get; } = id;
    /// <summary>Who notes it.</summary>
    public string Actor { get; } = actor;
    /// <summary>Who looks after it, at most 100 characters; empty for nobody.</summary>
    public string? Assignee { get; init; }
    /// <summary>The note, at most 4,000 characters, in place of the one before; empty removes it.</summary>
    public string? Note { get; init; }
    /// <summary>True puts it into the manual queue: nothing replays it by itself. False takes that back.</summary>
    public bool? Manual { get; init; }
}

/// <summary>
/// Takes a dead letter in hand for a while: others are told so and cannot act on it. The same person can take it again, which extends it;
/// when the time is over, it is free again by itself.
/// </summary>
public sealed class TakeCommand(DeliveryId id, string actor, TimeSpan duration) : StoreCommand<DeadLetterOutcome>
{
    /// <summary>Which delivery.</summary>
    public DeliveryId Id { get; } = id;
    /// <summary>Who takes it.</summary>
    public string Actor { get; } = actor;
    /// <summary>For how long, from the commit; more than zero, at most 7 days.</summary>
    public TimeSpan Duration { get; } = duration;
}

/// <summary>Lets go of a dead letter before its time: the holder's own way, and anybody's to free what a colleague forgot.</summary>
public sealed class LetGoCommand(DeliveryId id, string actor) : StoreCommand<DeadLetterOutcome>
{
    /// <summary>Which delivery.</summary>
    public DeliveryId Id { get; } = id;
    /// <summary>Who frees it.</summary>
    public string Actor { get; } = actor;
}

/// <summary>
/// Sorts dead letters of an earlier release into groups and the search, newest first, at most <paramref name="limit"/> in one commit. The
/// result is how many were; fewer than asked for means that none is left.
/// </summary>
public sealed class IndexLettersCommand(int limit) : StoreCommand<int>
{
    /// <summary>The most in one command, so that others are not held up; 1 to 10,000.</summary>
    public int Limit { get; } = limit;
}
