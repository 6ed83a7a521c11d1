namespace Recourse.Durable;

/// <summary>A message as it came in, before the store gave it an id.</summary>
public sealed record NewMessage
{
    /// <summary>The queue it was sent to; 1 to 64 of <c>a-z 0-9 . _ -</c>.</summary>
    public required string Queue { get; init; }

    /// <summary>The body, byte for byte; may be empty.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The media type of the body; null when the sender gave none.</summary>
    public string? ContentType { get; init; }

    /// <summary>The services that get it: one delivery each. At least one, no name twice.</summary>
    public required IReadOnlyList<string> Services { get; init; }

    /// <summary>The order key: deliveries of one service with the same key are sent one after the other. Null: in any order.</summary>
    public string? OrderKey { get; init; }

    /// <summary>The sender's idempotency key, unique per queue for 24 h; null when it gave none.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Headers of the sender that go on to the services, already filtered; null for none.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>The W3C trace context of the sender; null when it gave none.</summary>
    public string? TraceParent { get; init; }

    /// <summary>Not before this time; null (the default) or a time that has passed is at once. In a lane, others wait too.</summary>
    public DateTimeOffset? DeliverAt { get; init; }

    /// <summary>
    /// From this time on no attempt begins any more: a delivery that still waits becomes expired. Null (the default) never. What is dead
    /// stays dead, and a replay lifts it.
    /// </summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>0 to 9: of what is due for a service, the larger goes first. Default 4. In a lane its order counts before.</summary>
    public int Priority { get; init; } = Ranks.Default;
}
