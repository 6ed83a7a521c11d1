namespace Recourse.Durable;

/// <summary>
/// Who works on what is stored. A store that can claim a delivery with the storing of its message, in one commit instead of two, asks
/// before it stores; other stores never ask. Called from any thread; it must not wait.
/// </summary>
internal interface IArrivals
{
    /// <summary>
    /// Takes room for up to so many new deliveries of a service that are due at once. Null when there is none, or when others may be due,
    /// which come first. Whoever asked disposes of it after the commit.
    /// </summary>
    ArrivalRoom? Reserve(string service, int count);
}

/// <summary>Room for deliveries that are claimed with their storing; what is not used is free again once it is disposed of.</summary>
internal abstract class ArrivalRoom : IDisposable
{
    /// <summary>For how many there is room, at least one.</summary>
    public abstract int Count { get; }

    /// <summary>The name of the node that claims; shown in the attempt.</summary>
    public abstract string Node { get; }

    /// <summary>
    /// A delivery was stored and claimed, and its attempt begins; not more often than <see cref="Count"/>. It must not throw.
    /// </summary>
    public abstract void Begin(ClaimedDelivery delivery);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>What a claim of a message gives that has just been stored.</summary>
    /// <param name="command">What stored it; its result is there.</param>
    /// <param name="headers">Its headers as they are stored: what the sender does with his own afterwards does not change them.</param>
    /// <param name="body">Its body, nobody else's to change.</param>
    /// <param name="lease">The fence.</param>
    /// <param name="at">When it was stored.</param>
    public static ClaimedDelivery Claimed(EnqueueCommand command, string? headers, byte[] body, long lease, DateTimeOffset at)
    {
        var (message, id) = (command.Message, command.Result.MessageId);
        return new()
        {
            Id = new(id, 0),
            Lease = lease,
            Queue = message.Queue,
            Service = message.Services[0],
            Attempt = 1,
            AttemptInGeneration = 1,
            Generation = 0,
            CreatedAt = at,
            GenerationAt = at,
            ClaimedAt = at,
            IdempotencyKey = AttemptRules.IdempotencyKey(id, 0),
            ContentType = message.ContentType,
            Headers = HeaderText.Read(headers),
            TraceParent = message.TraceParent,
            Body = body,
        };
    }
}
