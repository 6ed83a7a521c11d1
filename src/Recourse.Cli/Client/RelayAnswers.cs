using System.Text.Json.Serialization;

namespace Recourse.Cli.Client;

/// <summary>One page of a list; <see cref="Next"/> is null at the end.</summary>
internal sealed record Listing<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>The books of one queue, in deliveries.</summary>
internal sealed record QueueAnswer
{
    public string Name { get; init; } = "";
    public long Accepted { get; init; }
    public long Waiting { get; init; }
    public long Delayed { get; init; }
    public long Leased { get; init; }
    public long Delivered { get; init; }
    public long Dead { get; init; }
    public long Discarded { get; init; }
    public long Expired { get; init; }
    public bool Paused { get; init; }
    public long Blocked { get; init; }
    public long BlockedLanes { get; init; }
    public bool Draining { get; init; }
    public double? OldestWaitingSeconds { get; init; }
}

/// <summary>One service: its breaker (closed, half_open, open, isolated), its bulkhead, and what lies before it.</summary>
internal sealed record ServiceAnswer
{
    public string Name { get; init; } = "";
    public string? Breaker { get; init; }
    public double RetryAfterSeconds { get; init; }
    public int InFlight { get; init; }
    public int MaxConcurrent { get; init; }
    public string? BreakerNote { get; init; }
    public string? LastError { get; init; }
    public DateTimeOffset? LastErrorAt { get; init; }
    public bool Paused { get; init; }
    public long Waiting { get; init; }
    public long Delayed { get; init; }
    public long Leased { get; init; }
    public long Dead { get; init; }
    public long Blocked { get; init; }
}

/// <summary>A relay that shares the store.</summary>
internal sealed record NodeAnswer
{
    public long Id { get; init; }
    public string Name { get; init; } = "";
    public string? Version { get; init; }
    public string? Address { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? HeartbeatAt { get; init; }
    public long Leases { get; init; }
    public bool Housekeeping { get; init; }
}

/// <summary>What became of a node's leases.</summary>
internal sealed record NodeReleaseAnswer(long Id, int Suspects, int Poisoned);

/// <summary>What a person reads about a dead letter.</summary>
internal sealed record DeadLetterAnswer
{
    public string Id { get; init; } = "";
    public string MessageId { get; init; } = "";
    public string Queue { get; init; } = "";
    public string Service { get; init; } = "";
    public string? Kind { get; init; }
    public string? Category { get; init; }
    public string? Persistence { get; init; }
    public string? Blame { get; init; }
    public string? Error { get; init; }
    public int AttemptCount { get; init; }
    public DateTimeOffset? CreatedAt { get; init; }
    public DateTimeOffset? DeadAt { get; init; }
    public int Generation { get; init; }
    public string? Decision { get; init; }
    public string? Group { get; init; }
    public int Edits { get; init; }
    public string? Assignee { get; init; }
    public string? Note { get; init; }
    public bool Manual { get; init; }
    public bool Resolved { get; init; }
    public string? TakenBy { get; init; }
    public DateTimeOffset? TakenUntil { get; init; }
    public IReadOnlyList<LetterActAnswer>? Acts { get; init; }
    public string? Key { get; init; }
    public int Holds { get; init; }
    public IReadOnlyList<AttemptAnswer>? Attempts { get; init; }
}

/// <summary>What somebody did with a dead letter.</summary>
internal sealed record LetterActAnswer(DateTimeOffset At, string Actor, string Verb, string? Detail);

/// <summary>Dead letters that died alike.</summary>
internal sealed record GroupAnswer
{
    public string Id { get; init; } = "";
    public string Service { get; init; } = "";
    public string Kind { get; init; } = "";
    public string? Code { get; init; }
    public string Template { get; init; } = "";
    public long Dead { get; init; }
    public long Total { get; init; }
    public DateTimeOffset? FirstSeen { get; init; }
    public DateTimeOffset? LastSeen { get; init; }
}

/// <summary>What is dead now.</summary>
internal sealed record StatsAnswer
{
    public long Dead { get; init; }
    public long? MaxSize { get; init; }
    public DateTimeOffset? OldestAt { get; init; }
    public IReadOnlyDictionary<string, long> ByKind { get; init; } = new Dictionary<string, long>();
    public IReadOnlyDictionary<string, long> ByService { get; init; } = new Dictionary<string, long>();
    public IReadOnlyList<AgeAnswer> ByAge { get; init; } = [];
}

internal sealed record AgeAnswer(double? WithinSeconds, long Dead);

/// <summary>What a verb on a dead letter says; nulls are left out.</summary>
internal sealed record LetterActRequest
{
    public string? Reason { get; init; }
    public string? Actor { get; init; }
    public double? Minutes { get; init; }
    public string? Assignee { get; init; }
    public string? Note { get; init; }
    public bool? Manual { get; init; }
}

internal sealed record AttemptAnswer
{
    public int Number { get; init; }
    public int Generation { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public long? DurationMs { get; init; }
    public string? Outcome { get; init; }
    public string? Kind { get; init; }
    public int? Status { get; init; }
    public string? Code { get; init; }
    public string? Error { get; init; }
    public string? Node { get; init; }
    public string? Decision { get; init; }
}

internal sealed record MessageAnswer
{
    public string Id { get; init; } = "";
    public string Queue { get; init; } = "";
    public DateTimeOffset? CreatedAt { get; init; }
    public IReadOnlyList<DeliveryAnswer> Deliveries { get; init; } = [];
}

internal sealed record DeliveryAnswer
{
    public string Id { get; init; } = "";
    public string Service { get; init; } = "";
    public string State { get; init; } = "";
    public int Generation { get; init; }
    public DateTimeOffset? DueAt { get; init; }
    public bool Blocked { get; init; }
    public int AttemptCount { get; init; }
    public IReadOnlyList<AttemptAnswer>? Attempts { get; init; }
}

/// <summary>The answer to one message.</summary>
internal sealed record AcceptedAnswer
{
    public string Id { get; init; } = "";
    public bool Duplicate { get; init; }
}

/// <summary>The answer to one line of a batch.</summary>
internal sealed record BatchLineAnswer
{
    public int Index { get; init; }
    public int Status { get; init; }
    public string? Id { get; init; }
    public bool Duplicate { get; init; }
    public ProblemAnswer? Problem { get; init; }
}

/// <summary>RFC 9457 problem details, as far as people read them.</summary>
internal sealed record ProblemAnswer
{
    public string? Title { get; init; }
    public string? Detail { get; init; }
    public int? Status { get; init; }
    public IReadOnlyList<string>? Allowed { get; init; }
}

/// <summary>One line of a batch in the envelope form: the body as base64, so that it arrives byte for byte.</summary>
internal sealed record EnvelopeLine
{
    public required byte[] BodyBase64 { get; init; }
    public string? ContentType { get; init; }
    public string? IdempotencyKey { get; init; }
    public string? Key { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(NewKeyBody))]
[JsonSerializable(typeof(NewKeyAnswer))]
[JsonSerializable(typeof(Listing<KeyAnswer>))]
[JsonSerializable(typeof(Listing<AuditAnswer>))]
[JsonSerializable(typeof(Listing<QueueAnswer>))]
[JsonSerializable(typeof(Listing<ServiceAnswer>))]
[JsonSerializable(typeof(Listing<NodeAnswer>))]
[JsonSerializable(typeof(NodeReleaseAnswer))]
[JsonSerializable(typeof(Listing<DeadLetterAnswer>))]
[JsonSerializable(typeof(DeadLetterAnswer))]
[JsonSerializable(typeof(MessageAnswer))]
[JsonSerializable(typeof(Listing<MessageAnswer>))]
[JsonSerializable(typeof(AcceptedAnswer))]
[JsonSerializable(typeof(BatchLineAnswer))]
[JsonSerializable(typeof(ProblemAnswer))]
[JsonSerializable(typeof(EnvelopeLine))]
[JsonSerializable(typeof(Listing<GroupAnswer>))]
[JsonSerializable(typeof(StatsAnswer))]
[JsonSerializable(typeof(LetterActRequest))]
[JsonSerializable(typeof(ActBody))]
[JsonSerializable(typeof(ReplayBody))]
[JsonSerializable(typeof(ReplayAnswer))]
[JsonSerializable(typeof(Listing<ReplayAnswer>))]
[JsonSerializable(typeof(ReplayPreviewAnswer))]
[JsonSerializable(typeof(ReplayItemAnswer))]
internal sealed partial class RelayJson : JsonSerializerContext;
