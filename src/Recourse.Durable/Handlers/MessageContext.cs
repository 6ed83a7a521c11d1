namespace Recourse.Durable;

/// <summary>What a handler may know about the message besides its content.</summary>
public sealed class MessageContext
{
    internal MessageContext(ClaimedDelivery delivery) => Delivery = delivery;

    internal ClaimedDelivery Delivery { get; }

    /// <summary>The message's id.</summary>
    public Guid MessageId => Delivery.Id.MessageId;

    /// <summary>The queue it was sent to.</summary>
    public string Queue => Delivery.Queue;

    /// <summary>The name of the handler: what the bus calls the service of this delivery.</summary>
    public string Handler => Delivery.Service;

    /// <summary>The number of this attempt, from 1, over all replays.</summary>
    public int Attempt => Delivery.Attempt;

    /// <summary>0, and one more with each replay.</summary>
    public int Generation => Delivery.Generation;

    /// <summary>
    /// The same for every attempt that could repeat an effect; another one after a replay of which it is known that nothing had happened.
    /// Pass it on to what the handler calls.
    /// </summary>
    public string IdempotencyKey => Delivery.IdempotencyKey;

    /// <summary>The order key; null when it has none.</summary>
    public string? OrderKey => Delivery.OrderKey;

    /// <summary>When the message was stored.</summary>
    public DateTimeOffset CreatedAt => Delivery.CreatedAt;

    /// <summary>The sender's headers; empty when it gave none.</summary>
    public IReadOnlyDictionary<string, string> Headers => Delivery.Headers ?? NoHeaders;

    /// <summary>The sender's W3C trace context; null when it gave none.</summary>
    public string? TraceParent => Delivery.TraceParent;

    /// <summary>The body as it came in.</summary>
    public ReadOnlyMemory<byte> Body => Delivery.Body;

    private static readonly Dictionary<string, string> NoHeaders = [];
}
