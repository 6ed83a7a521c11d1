using System.Diagnostics.CodeAnalysis;

namespace Recourse.Durable;

/// <summary>The reading side of a <see cref="MessageStore"/>.</summary>
public abstract class StoreQueries
{
    /// <summary>Counts of every queue that ever had a message, by name.</summary>
    public abstract Task<IReadOnlyList<QueueCounts>> QueuesAsync(CancellationToken cancellationToken = default);

    /// <summary>Live deliveries of every service, by name.</summary>
    public abstract Task<IReadOnlyList<ServiceCounts>> ServicesAsync(CancellationToken cancellationToken = default);

    /// <summary>One message with its deliveries and attempts; null when there is none (or it was pruned).</summary>
    public abstract Task<StoredMessage?> MessageAsync(Guid id, CancellationToken cancellationToken = default);

    /// <summary>A page of deliveries, newest first, stable while others are written.</summary>
    public abstract Task<Page<DeliverySummary>> DeliveriesAsync(DeliveryFilter filter, CancellationToken cancellationToken = default);

    /// <summary>One delivery with its attempts, whatever its state; null when there is none.</summary>
    public abstract Task<StoredDelivery?> DeliveryAsync(DeliveryId id, CancellationToken cancellationToken = default);

    /// <summary>The body of a delivery's message as it will be sent; null when there is none.</summary>
    public abstract Task<Payload?> PayloadAsync(DeliveryId id, CancellationToken cancellationToken = default);
}

/// <summary>
/// The books of one queue, in deliveries. Always: accepted = waiting + delayed + leased + delivered + dead + discarded + expired.
/// Delivered, discarded and expired are totals since the store was made.
/// </summary>
public sealed record QueueCounts(
    string Queue, long Accepted, long Waiting, long Delayed, long Leased, long Delivered, long Dead, long Discarded, long Expired,
    DateTimeOffset? OldestWaitingAt)
{
    /// <summary>Of those that wait: how many stand behind a dead letter of their lane, until it is replayed or discarded.</summary>
    public long Blocked { get; init; }

    /// <summary>In how many lanes they stand.</summary>
    public long BlockedLanes { get; init; }
}

/// <summary>What a service has before it.</summary>
public sealed record ServiceCounts(string Service, long Waiting, long Delayed, long Leased, long Dead)
{
    /// <summary>Of those that wait: how many stand behind a dead letter of their lane.</summary>
    public long Blocked { get; init; }

    /// <summary>In how many lanes they stand.</summary>
    public long BlockedLanes { get; init; }
}

/// <summary>Which deliveries to list. All conditions hold together; a null is no condition.</summary>
public sealed record DeliveryFilter
{
    /// <summary>Only this state.</summary>
    public DeliveryState? State { get; init; }
    /// <summary>Only this queue.</summary>
    public string? Queue { get; init; }
    /// <summary>Only this service.</summary>
    public string? Service { get; init; }
    /// <summary>Only this kind of the last fault.</summary>
    public FaultKind? Kind { get; init; }
    /// <summary>Only this order key.</summary>
    public string? OrderKey { get; init; }
    /// <summary>True: only what was tried and waits, or is under way, again. False (the default) is no condition.</summary>
    public bool Failing { get; init; }
    /// <summary>Only where the last error contains this text, in any case. The payload is never searched.</summary>
    public string? Text { get; init; }
    /// <summary>Continue after this cursor of an earlier page; null for the first.</summary>
    public string? After { get; init; }
    /// <summary>1 to 500 rows. Default 50.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>One page of a list.</summary>
/// <param name="Items">The rows.</param>
/// <param name="Next">The cursor for the next page, URL-safe as it is; null at the end.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>A delivery as a list shows it.</summary>
public record DeliverySummary
{
    /// <summary>The delivery.</summary>
    public required DeliveryId Id { get; init; }
    /// <summary>Its queue.</summary>
    public required string Queue { get; init; }
    /// <summary>Its service.</summary>
    public required string Service { get; init; }
    /// <summary>Where it is; <see cref="DeliveryState.Delayed"/> when it waits for its time.</summary>
    public required DeliveryState State { get; init; }
    /// <summary>It waits behind an unfinished delivery of its lane.</summary>
    public bool Blocked { get; init; }
    /// <summary>How many deliveries of its lane wait for this dead letter; 0 when none, or when it is not dead. Counted up to
    /// 10,000.</summary>
    public int Holds { get; init; }
    /// <summary>How often it was replayed.</summary>
    public required int Generation { get; init; }
    /// <summary>When the message was stored.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>When it may be claimed; null unless it waits.</summary>
    public DateTimeOffset? DueAt { get; init; }
    /// <summary>How many attempts were counted.</summary>
    public required int AttemptCount { get; init; }
    /// <summary>The order key; null when it has none.</summary>
    public string? OrderKey { get; init; }
    /// <summary>The last fault; null when none happened.</summary>
    public FaultKind? Kind { get; init; }
    /// <summary>Whether the last fault passes by itself.</summary>
    public Persistence Persistence { get; init; }
    /// <summary>What the last fault spoke against.</summary>
    public Blame Blame { get; init; }
    /// <summary>The last error in words.</summary>
    public string? Error { get; init; }
    /// <summary>What was decided last, with the reason.</summary>
    public string? Decision { get; init; }
    /// <summary>When it died; null when it is not dead.</summary>
    public DateTimeOffset? DeadAt { get; init; }
    /// <summary>In hand at a crash and not finished since.</summary>
    public bool Suspect { get; init; }
}

/// <summary>A delivery with its history. At most the first 5 and the last 20 attempts are kept; a gap shows in the numbers.</summary>
public sealed record StoredDelivery : DeliverySummary
{
    /// <summary>For object initialisers.</summary>
    public StoredDelivery()
    {
    }

    [SetsRequiredMembers]
    internal StoredDelivery(DeliverySummary summary, IReadOnlyList<Attempt> attempts, string? traceParent, string idempotencyKey)
        : base(summary) =>
        (Attempts, TraceParent, IdempotencyKey) = (attempts, traceParent, idempotencyKey);

    /// <summary>The attempts that are kept, oldest first.</summary>
    public required IReadOnlyList<Attempt> Attempts { get; init; }
    /// <summary>The trace context of the sender.</summary>
    public string? TraceParent { get; init; }
    /// <summary>What the services get as Idempotency-Key.</summary>
    public required string IdempotencyKey { get; init; }
}

/// <summary>A message with its deliveries.</summary>
public sealed record StoredMessage(Guid Id, string Queue, DateTimeOffset CreatedAt, IReadOnlyList<StoredDelivery> Deliveries);

/// <summary>A body with its media type.</summary>
public sealed record Payload(ReadOnlyMemory<byte> Body, string? ContentType, IReadOnlyDictionary<string, string>? Headers);
