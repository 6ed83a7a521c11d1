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

    /// <summary>The body as it came in, before any edit; null when there is no such delivery.</summary>
    public abstract Task<Payload?> OriginalPayloadAsync(DeliveryId id, CancellationToken cancellationToken = default);

    /// <summary>A page of the groups in which something is dead now.</summary>
    public abstract Task<Page<DeadLetterGroup>> GroupsAsync(DeadLetterGroupFilter filter, CancellationToken cancellationToken = default);

    /// <summary>What is dead now, summed up by kind and service and by age.</summary>
    public abstract Task<DeadLetterStats> DeadLetterStatsAsync(CancellationToken cancellationToken = default);

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

    /// <summary>Every key and session, those that are over too, oldest first.</summary>
    public abstract Task<IReadOnlyList<ApiKey>> KeysAsync(CancellationToken cancellationToken = default);

    /// <summary>A page of what was done, newest first.</summary>
    public abstract Task<Page<AuditEntry>> AuditAsync(AuditFilter filter, CancellationToken cancellationToken = default);

    // The keys that payloads are sealed with.
    internal virtual Task<IReadOnlyList<PayloadKeyNote>> PayloadKeysAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<PayloadKeyNote>>([]);

    // Payloads whose content type is another one, as their rows hold them, by key; those of messages, or the edited ones.
    internal virtual Task<IReadOnlyList<StoredPayload>> StoredPayloadsAsync(
        bool edited, string otherThan, long after, int limit, CancellationToken cancellationToken) =>
        Task.FromException<IReadOnlyList<StoredPayload>>(new NotSupportedException("This store cannot write payloads anew."));

    /// <summary>The nodes that share the store, by number; none for a store that only one process opens.</summary>
    public virtual Task<IReadOnlyList<NodeStatus>> NodesAsync(CancellationToken cancellationToken = default) =>
        Task.FromResult<IReadOnlyList<NodeStatus>>([]);
}

/// <summary>What is dead now. Letters that died before an upgrade and are not yet sorted in count by age only.</summary>
/// <param name="ByKind">By service and kind, the largest first.</param>
/// <param name="ByAge">How many died within the last minute, hour, day, week, 30 days, and in all: each includes those before it.</param>
/// <param name="OldestAt">When the oldest died; null when none is dead.</param>
public sealed record DeadLetterStats(
    IReadOnlyList<DeadLetterCount> ByKind, IReadOnlyList<DeadLetterAge> ByAge, DateTimeOffset? OldestAt);

/// <summary>Dead letters of one service and kind.</summary>
public sealed record DeadLetterCount(string Service, FaultKind Kind, long Dead);

/// <summary>Dead letters that died within a time; null stands for all.</summary>
public sealed record DeadLetterAge(TimeSpan? Within, long Dead);

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
    /// <summary>Only this group of dead letters; see <see cref="DeadLetterGroup.Id"/>.</summary>
    public string? Group { get; init; }
    /// <summary>Only what died at this time or later.</summary>
    public DateTimeOffset? Since { get; init; }
    /// <summary>Only what died before this time.</summary>
    public DateTimeOffset? Until { get; init; }
    /// <summary>Only what was tried at least so often.</summary>
    public int? AttemptsMin { get; init; }
    /// <summary>Only faults that pass, or do not, or of which that is not known.</summary>
    public Persistence? Persistence { get; init; }
    /// <summary>Only faults that speak against the service, or the message.</summary>
    public Blame? Blame { get; init; }
    /// <summary>Only this generation: 0 was never replayed.</summary>
    public int? Generation { get; init; }
    /// <summary>Only what this person looks after; empty for nobody.</summary>
    public string? Assignee { get; init; }
    /// <summary>True: only what waits for a person; false: only what is replayed by itself. See <see cref="SecondChances"/>.</summary>
    public bool? Manual { get; init; }
    /// <summary>How often a letter is replayed by itself, for <see cref="Manual"/>. Default 0: all wait for a person.</summary>
    public int SecondChances { get; init; }
    /// <summary>True: only what was resolved, instead of what is dead.</summary>
    public bool? Resolved { get; init; }
    /// <summary>Only what this person may act on: not what others have in hand.</summary>
    public string? VisibleTo { get; init; }
    /// <summary>Continue after this cursor of an earlier page; null for the first.</summary>
    public string? After { get; init; }
    /// <summary>1 to 500 rows. Default 50.</summary>
    public int Limit { get; init; } = 50;
    /// <summary>Lists those stored first first, dead letters too. Default false: newest first.</summary>
    public bool OldestFirst { get; init; }
}

/// <summary>
/// One page of a list. It can hold fewer rows than asked for, even none, and still have a next: a search looks at a bounded number of rows.
/// </summary>
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
    /// <summary>The group in which it died last; null when it never died, or is not yet sorted in.</summary>
    public string? Group { get; init; }
    /// <summary>How often its payload was edited.</summary>
    public int Edits { get; init; }
    /// <summary>Who looks after it; null for nobody.</summary>
    public string? Assignee { get; init; }
    /// <summary>What was noted; null for nothing.</summary>
    public string? Note { get; init; }
    /// <summary>A person put it into the manual queue: nothing replays it by itself.</summary>
    public bool Parked { get; init; }
    /// <summary>Who has it in hand now; null for nobody.</summary>
    public string? TakenBy { get; init; }
    /// <summary>Until when; null when nobody has it.</summary>
    public DateTimeOffset? TakenUntil { get; init; }
    /// <summary>It was settled in another way; its state is discarded.</summary>
    public bool Resolved { get; init; }
    /// <summary>0 to 9; the larger goes first.</summary>
    public int Priority { get; init; } = Ranks.Default;
    /// <summary>When it expires; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>What somebody did with a letter.</summary>
/// <param name="At">When.</param>
/// <param name="Actor">Who.</param>
/// <param name="Verb"><c>replay</c>, <c>discard</c>, <c>resolve</c>, <c>edit</c>, <c>assign</c>, <c>unassign</c>, <c>note</c>,
/// <c>park</c>, <c>unpark</c>, <c>take</c>, <c>release</c>, <c>import</c>.</param>
/// <param name="Detail">Why, or what changed; null when not said.</param>
public sealed record LetterAct(DateTimeOffset At, string Actor, string Verb, string? Detail);

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
    /// <summary>What people did with it, oldest first, the last 50.</summary>
    public IReadOnlyList<LetterAct> Acts { get; init; } = [];
}

/// <summary>A message with its deliveries.</summary>
public sealed record StoredMessage(Guid Id, string Queue, DateTimeOffset CreatedAt, IReadOnlyList<StoredDelivery> Deliveries);

/// <summary>A body with its media type.</summary>
public sealed record Payload(ReadOnlyMemory<byte> Body, string? ContentType, IReadOnlyDictionary<string, string>? Headers)
{
    /// <summary>How often it was edited: 0 is what came in.</summary>
    public int Edits { get; init; }
}
