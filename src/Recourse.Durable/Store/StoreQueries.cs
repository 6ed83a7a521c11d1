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

    /// <summary>How many deliveries match, counted up to <paramref name="max"/>; the filter's cursor and limit count for nothing.</summary>
    public abstract Task<long> CountAsync(DeliveryFilter filter, long max, CancellationToken cancellationToken = default);

    /// <summary>A page of replay jobs, newest first.</summary>
    /// <param name="after">The cursor of an earlier page; null for the first.</param>
    /// <param name="limit">1 to 500 jobs.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    public abstract Task<Page<ReplayJob>> ReplaysAsync(string? after, int limit, CancellationToken cancellationToken = default);

    /// <summary>Every replay job that runs or waits for its canary, in the order in which they were made.</summary>
    public abstract Task<IReadOnlyList<ReplayJob>> ActiveReplaysAsync(CancellationToken cancellationToken = default);

    /// <summary>One replay job; null when there is none.</summary>
    public abstract Task<ReplayJob?> ReplayAsync(Guid id, CancellationToken cancellationToken = default);

    /// <summary>A page of a job's letters, in the order in which they were stored.</summary>
    /// <param name="id">The job; of one that is not there the page is empty.</param>
    /// <param name="outcome">Only these; null for all.</param>
    /// <param name="after">The cursor of an earlier page; null for the first.</param>
    /// <param name="limit">1 to 500 letters.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    public abstract Task<Page<ReplayItem>> ReplayItemsAsync(
        Guid id, ReplayOutcome? outcome, string? after, int limit, CancellationToken cancellationToken = default);

    /// <summary>What operators hold now, by kind and name.</summary>
    public abstract Task<IReadOnlyList<Control>> ControlsAsync(CancellationToken cancellationToken = default);
}

/// <summary>
/// The books of one queue, in deliveries. Always: accepted = waiting + delayed + leased + delivered + dead + discarded + expired.
/// Delivered, discarded and expired are totals since the store was made.
/// </summary>
public sealed record QueueCounts(
    string Queue, long Accepted, long Waiting, long Delayed, long Leased, long Delivered, long Dead, long Discarded, long Expired,
    DateTimeOffset? OldestWaitingAt);

/// <summary>What a service has before it.</summary>
public sealed record ServiceCounts(string Service, long Waiting, long Delayed, long Leased, long Dead);

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
    /// <summary>Only where the last error contains this text, in any case. The payload is never searched.</summary>
    public string? Text { get; init; }
    /// <summary>Continue after this cursor of an earlier page; null for the first.</summary>
    public string? After { get; init; }
    /// <summary>1 to 500 rows. Default 50.</summary>
    public int Limit { get; init; } = 50;
    /// <summary>Lists those stored first first, dead letters too. Default false: newest first.</summary>
    public bool OldestFirst { get; init; }
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
    /// <summary>0 to 9; the larger goes first.</summary>
    public int Priority { get; init; } = Ranks.Default;
    /// <summary>When it expires; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
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
