namespace Recourse.Durable;

/// <summary>What a sender can say about a message besides its content.</summary>
public sealed record SendOptions
{
    internal static SendOptions None { get; } = new();

    /// <summary>Messages with the same order key are handled one after the other, in the order in which they were stored. Null: in any
    /// order.</summary>
    public string? OrderKey { get; init; }

    /// <summary>The same key with the same content within the queue's window is the same message. Null: every call is a message.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Headers for the handler. Null for none.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>The W3C trace context. Null takes that of the current activity.</summary>
    public string? TraceParent { get; init; }

    /// <summary>Not before this time; null (the default) or a time that has passed is at once. In a lane, others wait too.</summary>
    public DateTimeOffset? DeliverAt { get; init; }

    /// <summary>From this time on no attempt begins any more: what still waits becomes expired. Null (the default) never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>0 to 9: of what is due for a handler, the larger goes first. Default 4. In a lane its order counts before.</summary>
    public int Priority { get; init; } = Ranks.Default;

    internal NewMessage Message(string queue, ReadOnlyMemory<byte> body, string? contentType, IReadOnlyList<string> services) => new()
    {
        Queue = queue,
        Services = services,
        Body = body,
        ContentType = contentType,
        OrderKey = OrderKey,
        IdempotencyKey = IdempotencyKey,
        Headers = Headers,
        DeliverAt = DeliverAt,
        ExpiresAt = ExpiresAt,
        Priority = Priority,
        TraceParent = TraceParent ?? System.Diagnostics.Activity.Current?.Id,
    };
}
