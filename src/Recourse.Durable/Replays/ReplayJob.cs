namespace Recourse.Durable;

/// <summary>Where a replay job is. Stored as numbers that never change their meaning.</summary>
public enum ReplayState
{
    /// <summary>Letters are sent back.</summary>
    Running = 0,
    /// <summary>The canary was sent; the rest waits for its outcome.</summary>
    Canary = 1,
    /// <summary>Stopped, by an operator or by a canary that failed; it goes on when it is resumed.</summary>
    Paused = 2,
    /// <summary>Every letter had its turn; outcomes of the last ones may still come. Final.</summary>
    Completed = 3,
    /// <summary>Ended by an operator; what was sent back stays sent. Final.</summary>
    Cancelled = 4,
}

/// <summary>What became of a letter of a replay job.</summary>
public enum ReplayOutcome
{
    /// <summary>Sent back; not ended yet.</summary>
    Pending = 0,
    /// <summary>The service has it.</summary>
    Delivered = 1,
    /// <summary>It died again.</summary>
    Dead = 2,
    /// <summary>
    /// Left alone: when its turn came, somebody else had replayed or discarded it, or had it in hand, or it had died again.
    /// </summary>
    Skipped = 3,
}

/// <summary>A replay job with its progress; every count was changed in the same commit as what it counts.</summary>
public sealed record ReplayJob
{
    /// <summary>The job, a UUID of version 7.</summary>
    public required Guid Id { get; init; }
    /// <summary>What it was asked to do.</summary>
    public required ReplayRequest Request { get; init; }
    /// <summary>Where it is.</summary>
    public required ReplayState State { get; init; }
    /// <summary>Why it is there, in words; null while it simply runs.</summary>
    public string? StateReason { get; init; }
    /// <summary>When it was made. What died later is not touched.</summary>
    public required DateTimeOffset MadeAt { get; init; }
    /// <summary>When it was completed or cancelled; null before.</summary>
    public DateTimeOffset? EndedAt { get; init; }
    /// <summary>How many letters matched when it was made.</summary>
    public long Matched { get; init; }
    /// <summary>How many it sent back.</summary>
    public long Replayed { get; init; }
    /// <summary>How many it left alone, because they were no longer dead or somebody had them in hand.</summary>
    public long Skipped { get; init; }
    /// <summary>Of those sent back, how many were delivered.</summary>
    public long Delivered { get; init; }
    /// <summary>Of those sent back, how many died again.</summary>
    public long DeadAgain { get; init; }
    /// <summary>The canary has had its verdict, good or bad; a resumed job does not wait for another.</summary>
    public bool CanaryJudged { get; init; }

    /// <summary>The place in the list of letters after which it goes on.</summary>
    internal string? Cursor { get; init; }

    /// <summary>Of those sent back, how many have not ended.</summary>
    public long Pending => Replayed - Delivered - DeadAgain;

    /// <summary>Neither completed nor cancelled.</summary>
    public bool IsOpen => State is ReplayState.Running or ReplayState.Canary or ReplayState.Paused;
}

/// <summary>One letter of a replay job.</summary>
/// <param name="Id">The delivery.</param>
/// <param name="Generation">The generation that the replay began; for a letter left alone, the one that it had.</param>
/// <param name="At">When its turn came.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="EndedAt">When that was known; null while it is pending.</param>
public sealed record ReplayItem(DeliveryId Id, int Generation, DateTimeOffset At, ReplayOutcome Outcome, DateTimeOffset? EndedAt)
{
    /// <summary>Why it was left alone; null when it was not.</summary>
    public string? Reason { get; init; }
}

/// <summary>What a replay would do, before it is started.</summary>
/// <param name="Matched">How many letters match, at most the request's limit.</param>
/// <param name="Sample">The first ones, in the order in which they would go.</param>
public sealed record ReplayPreview(long Matched, IReadOnlyList<DeliverySummary> Sample);
