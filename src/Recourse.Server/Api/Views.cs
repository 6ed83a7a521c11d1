using System.Text.Json.Serialization;

namespace Recourse.Server.Api;

/// <summary>The answer to a message that was stored.</summary>
internal sealed record Accepted(Guid Id, bool Duplicate);

/// <summary>A page of a list; <c>next</c> goes back as <c>after</c>.</summary>
internal sealed record ListView<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>The books of a queue, in deliveries.</summary>
internal sealed record QueueView
{
    public required string Name { get; init; }
    public long Accepted { get; init; }
    public long Waiting { get; init; }
    public long Delayed { get; init; }
    public long Leased { get; init; }
    public long Delivered { get; init; }
    public long Dead { get; init; }
    public long Discarded { get; init; }
    public long Expired { get; init; }
    /// <summary>Held by an operator: it takes messages in and delivers nothing.</summary>
    public bool Paused { get; init; }
    /// <summary>Of those that wait: how many stand behind a dead letter of their lane.</summary>
    public long Blocked { get; init; }
    /// <summary>In how many lanes they stand.</summary>
    public long BlockedLanes { get; init; }
    /// <summary>How long the oldest waiting delivery has waited; 0 when none waits.</summary>
    public double OldestWaitingSeconds { get; init; }
    /// <summary>It takes nothing more and empties itself: an operator said so, or it is no longer configured.</summary>
    public bool Draining { get; init; }
    /// <summary>Who holds it, since when and why.</summary>
    public IReadOnlyList<ControlView> Controls { get; init; } = [];
    public required IReadOnlyList<string> Services { get; init; }
    public bool Ordered { get; init; }
}

/// <summary>A message with its deliveries.</summary>
internal sealed record MessageView
{
    public required Guid Id { get; init; }
    public required string Queue { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required IReadOnlyList<DeliveryView> Deliveries { get; init; }
}

/// <summary>One message for one service.</summary>
internal sealed record DeliveryView
{
    public required string Id { get; init; }
    public required string Service { get; init; }
    public required string State { get; init; }
    public bool Blocked { get; init; }
    public required int Generation { get; init; }
    public DateTimeOffset? DueAt { get; init; }
    public required int AttemptCount { get; init; }
    public string? Key { get; init; }
    public string? Kind { get; init; }
    public string? Error { get; init; }
    public string? Decision { get; init; }
    public DateTimeOffset? DeadAt { get; init; }
    public bool Suspect { get; init; }
    public int Priority { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    /// <summary>The history; left out in lists.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<AttemptView>? Attempts { get; init; }
}

/// <summary>One finished try.</summary>
internal sealed record AttemptView
{
    public required int Number { get; init; }
    public required int Generation { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    public long? DurationMs { get; init; }
    public required string Outcome { get; init; }
    public string? Kind { get; init; }
    /// <summary>The HTTP status; null when there was none.</summary>
    public int? Status { get; init; }
    /// <summary>The status or other code as its protocol writes it; null when there was none.</summary>
    public string? Code { get; init; }
    public required string Applied { get; init; }
    public string? Error { get; init; }
    public string? Node { get; init; }
    public string? Decision { get; init; }
}

/// <summary>A dead letter as a list shows it.</summary>
internal record DeadLetterView
{
    public required string Id { get; init; }
    public required Guid MessageId { get; init; }
    public required string Queue { get; init; }
    public required string Service { get; init; }
    public required string Kind { get; init; }
    public required string Category { get; init; }
    public required string Persistence { get; init; }
    public required string Blame { get; init; }
    public string? Error { get; init; }
    public required int AttemptCount { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? DeadAt { get; init; }
    public required int Generation { get; init; }
    /// <summary>It waits for a person: nothing replays it by itself (any more).</summary>
    public required bool Manual { get; init; }
    public string? Decision { get; init; }
    public string? Key { get; init; }
    /// <summary>The id of its group; null while it is not sorted in.</summary>
    public string? Group { get; init; }
    /// <summary>How often its payload was edited.</summary>
    public int Edits { get; init; }
    public string? Assignee { get; init; }
    public string? Note { get; init; }
    /// <summary>Who has it in hand, and until when.</summary>
    public string? TakenBy { get; init; }
    public DateTimeOffset? TakenUntil { get; init; }
    /// <summary>It was settled in another way; the decision says how.</summary>
    public bool Resolved { get; init; }
    /// <summary>How many deliveries of its lane wait for it; counted up to 10,000.</summary>
    public int Holds { get; init; }
}

/// <summary>One dead letter with its history.</summary>
internal sealed record DeadLetterDetailView : DeadLetterView
{
    /// <summary>What people did with it, oldest first.</summary>
    public required IReadOnlyList<LetterActView> Acts { get; init; }
    public required IReadOnlyList<AttemptView> Attempts { get; init; }
    public required string IdempotencyKey { get; init; }
    public string? TraceId { get; init; }
}

/// <summary>What an operator may say with an act.</summary>
internal sealed record ActRequest(string? Reason, string? Actor, string? Key, double? Minutes);

/// <summary>One line of a letter's history.</summary>
internal sealed record LetterActView(DateTimeOffset At, string Actor, string Verb, string? Detail);

/// <summary>Dead letters that died alike.</summary>
internal sealed record GroupView
{
    public required string Id { get; init; }
    public required string Service { get; init; }
    public required string Kind { get; init; }
    public string? Code { get; init; }
    /// <summary>The error with its values taken out.</summary>
    public required string Template { get; init; }
    public string? Sample { get; init; }
    public required long Dead { get; init; }
    /// <summary>All that ever died this way, replayed and discarded ones included.</summary>
    public required long Total { get; init; }
    public required DateTimeOffset FirstSeen { get; init; }
    public required DateTimeOffset LastSeen { get; init; }
}

/// <summary>What is dead now.</summary>
internal sealed record StatsView
{
    public required long Dead { get; init; }
    /// <summary>The bound of the configuration; null for none.</summary>
    public long? MaxSize { get; init; }
    public DateTimeOffset? OldestAt { get; init; }
    public required IReadOnlyDictionary<string, long> ByKind { get; init; }
    public required IReadOnlyDictionary<string, long> ByService { get; init; }
    public required IReadOnlyList<AgeView> ByAge { get; init; }
    /// <summary>Of what is dead now, how many died in the last minute, and in a minute of the last hour on average.</summary>
    public required RateView PerMinute { get; init; }
}

/// <summary>How many died within so many seconds; null is all.</summary>
internal sealed record AgeView(double? WithinSeconds, long Dead);

/// <summary>Deaths in a minute.</summary>
internal sealed record RateView(double LastMinute, double LastHour);

/// <summary>What an edit came to.</summary>
internal sealed record EditView(string Id, string Result, int Edits);

/// <summary>What edits changed; a note instead of lines where lines say nothing.</summary>
internal sealed record DiffView(
    string Id, int Edits, string? Note, DiffSideView Original, DiffSideView Edited, IReadOnlyList<DiffLineView> Lines);

/// <summary>One side of a diff.</summary>
internal sealed record DiffSideView(long Bytes, string? ContentType);

/// <summary>A line: same, added or removed.</summary>
internal sealed record DiffLineView(string Change, string Text);

/// <summary>What an operator's act on a dead letter came to.</summary>
internal sealed record DeadLetterActView(string Id, string Result, string State);

/// <summary>A service as its dispatcher sees it, with what lies before it.</summary>
internal sealed record ServiceView
{
    public required string Name { get; init; }
    /// <summary>closed, half_open, open or isolated; null when the service is no longer configured.</summary>
    public string? Breaker { get; init; }
    public double RetryAfterSeconds { get; init; }
    public int InFlight { get; init; }
    public int MaxConcurrent { get; init; }
    public int ConsecutiveFailures { get; init; }
    /// <summary>What a breaker that is not closed waits for, in words; null when it is closed.</summary>
    public string? BreakerNote { get; init; }
    /// <summary>The last fault of the service since its last success; null when there is none.</summary>
    public string? LastError { get; init; }
    public DateTimeOffset? LastErrorAt { get; init; }
    public long Waiting { get; init; }
    public long Delayed { get; init; }
    public long Leased { get; init; }
    public long Dead { get; init; }
    public long Blocked { get; init; }
    public long BlockedLanes { get; init; }
    /// <summary>Held by an operator: nothing is delivered to it.</summary>
    public bool Paused { get; init; }
    /// <summary>Who holds it, since when and why.</summary>
    public IReadOnlyList<ControlView> Controls { get; init; } = [];
    public string? Importance { get; init; }
    public required IReadOnlyList<string> Queues { get; init; }
}

/// <summary>The process runs.</summary>
internal sealed record LiveView(string Status, string Version);

/// <summary>ready, or degraded: a breaker holds deliveries back; intake works.</summary>
/// <param name="Status">The word.</param>
/// <param name="Store">ok.</param>
/// <param name="DeadLetters">ok, near (80 % of dead_letter_queue.max_size) or full; at full, queues answer 429.</param>
/// <param name="Services">Each service with its breaker.</param>
internal sealed record ReadyView(string Status, string Store, string DeadLetters, IReadOnlyDictionary<string, string> Services);
