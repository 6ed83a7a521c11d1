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

    internal NewMessage Message(string queue, ReadOnlyMemory<byte> body, string? contentType, IReadOnlyList<string> services) => new()
    {
        Queue = queue,
        Services = services,
        Body = body,
        ContentType = contentType,
        OrderKey = OrderKey,
        IdempotencyKey = IdempotencyKey,
        Headers = Headers,
        TraceParent = TraceParent ?? System.Diagnostics.Activity.Current?.Id,
    };
}
