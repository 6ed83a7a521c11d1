namespace Recourse.Durable;

/// <summary>Stores a message and one delivery for each of its services.</summary>
public sealed class EnqueueCommand(NewMessage message) : StoreCommand<EnqueueResult>
{
    /// <summary>The message.</summary>
    public NewMessage Message { get; internal set; } = message;

    /// <summary>How long its idempotency key is remembered. Default 24 h.</summary>
    public TimeSpan IdempotencyWindow { get; init; } = TimeSpan.FromHours(24);

    // Of the content type and body, made on the caller's thread; null without an idempotency key.
    internal byte[]? ContentHash { get; set; }

    // What the same message was known by under keys of before: recognised in the same look, never stored.
    internal IReadOnlyList<byte[]> OlderHashes { get; init; } = [];

    internal bool IsSame(ReadOnlySpan<byte> stored)
    {
        var same = stored.SequenceEqual(ContentHash);
        foreach (var older in OlderHashes)
            same |= stored.SequenceEqual(older);
        return same;
    }

    // It may be claimed with its storing: one delivery, due at once, in no lane.
    internal bool MayBeTaken => Message is { Services.Count: 1, OrderKey: null, DeliverAt: null, ExpiresAt: null };

    // It was: its attempt has begun, and nobody need look for it.
    internal bool IsTaken { get; set; }

    // Given before the store is asked, because the sealed body is bound to it; null lets the store give one.
    internal Guid? Id { get; init; }
}

/// <summary>What became of an <see cref="EnqueueCommand"/>.</summary>
public enum EnqueueStatus
{
    /// <summary>Stored.</summary>
    Accepted,
    /// <summary>The same key with the same body was stored before; the id is the first one's.</summary>
    Duplicate,
    /// <summary>The same key was used before with another body, media type or order key; nothing was stored.</summary>
    KeyConflict,
}

/// <summary>The answer to an <see cref="EnqueueCommand"/>.</summary>
/// <param name="Status">Accepted, duplicate or refused.</param>
/// <param name="MessageId">The id of the stored message (the first one's for a duplicate or a conflict).</param>
public readonly record struct EnqueueResult(EnqueueStatus Status, Guid MessageId);

/// <summary>
/// Takes up to <see cref="Max"/> deliveries of one service that are due, and counts an attempt for each: now, so that an
/// attempt which ends the process is counted too. Higher priorities come first; within one, the queues of the service take turns, each
/// oldest due first. Passed over are deliveries that follow an unfinished one in their lane, and those of a paused queue or service; what
/// has expired ends here.
/// </summary>
public sealed class ClaimCommand(string service, int max, string node) : StoreCommand<ClaimResult>
{
    /// <summary>The service to claim for.</summary>
    public string Service { get; } = service;

    /// <summary>The most to take, at least 1.</summary>
    public int Max { get; } = max;

    /// <summary>The name of the node that claims; shown in the attempt.</summary>
    public string Node { get; } = node;

    /// <summary>True takes only suspects (in hand at a crash); false takes only others. Default false.</summary>
    public bool Suspects { get; init; }

    /// <summary>
    /// The most deliveries of replay jobs to take while others are due; what the others leave over is theirs in any case. Default 0.
    /// </summary>
    public int BulkMax { get; init; }

    /// <summary>
    /// Not null: what is claimed probes a service that was in trouble. While a probe of another node is in hand nothing is taken, for so
    /// long at most. Null (the default): an ordinary claim. A store that only one process opens makes no difference.
    /// </summary>
    public TimeSpan? ProbeFor { get; init; }
}

/// <summary>The answer to a <see cref="ClaimCommand"/>.</summary>
/// <param name="Deliveries">What was taken; may be empty.</param>
/// <param name="NextDueAt">When the next delivery of this service (of the sort asked for) comes due; null when none waits. In the past when
/// more are due now.</param>
public sealed record ClaimResult(IReadOnlyList<ClaimedDelivery> Deliveries, DateTimeOffset? NextDueAt);

/// <summary>A delivery in hand: all that an attempt needs.</summary>
public sealed record ClaimedDelivery
{
    /// <summary>Which delivery.</summary>
    public required DeliveryId Id { get; init; }
    /// <summary>The fenced right to this attempt: a later claim of the same delivery has a larger number.</summary>
    public required long Lease { get; init; }
    /// <summary>The queue it came in by.</summary>
    public required string Queue { get; init; }
    /// <summary>The service it is for.</summary>
    public required string Service { get; init; }
    /// <summary>The number of this attempt, from 1, over all generations.</summary>
    public required int Attempt { get; init; }
    /// <summary>The number of this attempt within its generation, from 1.</summary>
    public required int AttemptInGeneration { get; init; }
    /// <summary>How many failed attempts of this generation counted against the message (not the service).</summary>
    public int MessageFaults { get; init; }
    /// <summary>How many failed attempts of this generation were of unknown blame.</summary>
    public int UnknownFaults { get; init; }
    /// <summary>0, and one more with each replay.</summary>
    public required int Generation { get; init; }
    /// <summary>When the message was stored.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>When this generation began: the creation, or the replay.</summary>
    public required DateTimeOffset GenerationAt { get; init; }
    /// <summary>When this attempt began (the claim), by the store's clock.</summary>
    public required DateTimeOffset ClaimedAt { get; init; }
    /// <summary>The last wait before a retry in milliseconds, for decorrelated backoff; 0 before the first.</summary>
    public long LastDelayMs { get; init; }
    /// <summary>It was in hand when a process ended, and has not finished an attempt since.</summary>
    public bool Suspect { get; init; }
    /// <summary>How often a process ended while this delivery was running alone.</summary>
    public int CrashesAlone { get; init; }
    /// <summary>A replay job sent it back, and it has not ended since.</summary>
    public bool Bulk { get; init; }
    /// <summary>
    /// The value of the Idempotency-Key header for the service: the same for every attempt of a generation that may have had an effect.
    /// </summary>
    public required string IdempotencyKey { get; init; }
    /// <summary>The order key; null when the queue is not ordered.</summary>
    public string? OrderKey { get; init; }
    /// <summary>The media type of the body.</summary>
    public string? ContentType { get; init; }
    /// <summary>Headers of the sender that go on.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }
    /// <summary>The sender's trace context.</summary>
    public string? TraceParent { get; init; }
    /// <summary>The body, byte for byte as it came in (or as an operator edited it).</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }
    /// <summary>
    /// Why the message cannot be read: its body is sealed and was changed, or its stored row is damaged, and its attempt fails without the
    /// handler being asked; or its key is not given here, and the dispatcher gives it back for a node that has the key.
    /// Null (the default) when it can.
    /// </summary>
    public string? Unreadable { get; init; }

    // It is sealed with a key that another node knows and this one does not.
    internal bool KeyMissing { get; init; }
}

/// <summary>
/// Ends an attempt: the service has the message. The result is false when the lease is no longer held; then nothing changed.
/// </summary>
public sealed class CompleteCommand(DeliveryId id, long lease, Attempt attempt) : StoreCommand<bool>
{
    /// <summary>Which delivery.</summary>
    public DeliveryId Id { get; } = id;
    /// <summary>The lease of the claim.</summary>
    public long Lease { get; } = lease;
    /// <summary>What is kept of the attempt.</summary>
    public Attempt Attempt { get; } = attempt;
    /// <summary>False removes the message when this was the last of its deliveries to end; the totals stay. Default true.</summary>
    public bool KeepHistory { get; init; } = true;
}

/// <summary>
/// Ends an attempt that failed, with what was decided. The result is false when the lease is no longer held; then nothing changed.
/// </summary>
public sealed class FailCommand(DeliveryId id, long lease, Attempt attempt, Classification fault, DeliveryDecision decision)
    : StoreCommand<bool>
{
    /// <summary>Which delivery.</summary>
    public DeliveryId Id { get; } = id;
    /// <summary>The lease of the claim.</summary>
    public long Lease { get; } = lease;
    /// <summary>What is kept of the attempt.</summary>
    public Attempt Attempt { get; } = attempt;
    /// <summary>What the failure was.</summary>
    public Classification Fault { get; } = fault;
    /// <summary>Retry at a time, or dead.</summary>
    public DeliveryDecision Decision { get; } = decision;
    /// <summary>
    /// When the decision is dead: true keeps the followers in the lane waiting behind it, false lets them pass. Default true.
    /// </summary>
    public bool BlockLane { get; init; } = true;
    /// <summary>False forgets the attempts before this one. Default true: the first 5 and the last 20 are kept.</summary>
    public bool KeepHistory { get; init; } = true;
}

/// <summary>
/// Gives a claim back unused (a graceful stop before anything was sent): the attempt is not counted. False when the lease is no longer
/// held.
/// </summary>
public sealed class ReleaseCommand(DeliveryId id, long lease) : StoreCommand<bool>
{
    /// <summary>Which delivery.</summary>
    public DeliveryId Id { get; } = id;
    /// <summary>The lease of the claim.</summary>
    public long Lease { get; } = lease;
}

/// <summary>
/// Ends waiting deliveries whose time is over, at most <paramref name="limit"/>; the result is how many. A claim does that for what it
/// meets; this is for what no claim meets: delayed, paused, behind an open breaker.
/// </summary>
public sealed class ExpireCommand(int limit) : StoreCommand<int>
{
    /// <summary>The most to end in one command, so that others are not held up.</summary>
    public int Limit { get; } = limit;
}
