namespace Recourse.Durable;

/// <summary>Makes a replay job. The result is false when a job with this id was made before; then nothing changed.</summary>
/// <param name="id">The id of the job, chosen by the caller, so that asking twice makes one job.</param>
/// <param name="request">What to do; must be checked.</param>
/// <param name="matched">How many letters match now.</param>
public sealed class StartReplayCommand(Guid id, ReplayRequest request, long matched) : StoreCommand<bool>
{
    /// <summary>The id of the job.</summary>
    public Guid Id { get; } = id;
    /// <summary>What to do.</summary>
    public ReplayRequest Request { get; } = request;
    /// <summary>How many letters match.</summary>
    public long Matched { get; } = matched;
}

/// <summary>
/// Sends a batch of letters back and moves the job's cursor, both or neither. The cursor is the fence: a batch that was computed before
/// another one was committed changes nothing, so no letter is replayed twice, whatever was restarted or repeated.
/// </summary>
/// <param name="id">The job.</param>
/// <param name="cursor">Where the job must be; null at the beginning.</param>
/// <param name="next">Where it is afterwards.</param>
/// <param name="letters">The letters in the order of their storing, at most 500; those no longer dead, or dead anew since the job was
/// made, are left alone.</param>
public sealed class ReplayBatchCommand(Guid id, string? cursor, string? next, IReadOnlyList<DeliveryId> letters)
    : StoreCommand<ReplayBatchResult?>
{
    /// <summary>The job.</summary>
    public Guid Id { get; } = id;
    /// <summary>Where the job must be.</summary>
    public string? Cursor { get; } = cursor;
    /// <summary>Where it is afterwards.</summary>
    public string? Next { get; } = next;
    /// <summary>The letters, in order.</summary>
    public IReadOnlyList<DeliveryId> Letters { get; } = letters;
}

/// <summary>What a batch did; null instead of it when the job is not running or not at that place.</summary>
/// <param name="Replayed">How many were sent back.</param>
/// <param name="Skipped">How many were left alone.</param>
public sealed record ReplayBatchResult(int Replayed, int Skipped);

/// <summary>Moves a job from one state to another; false when it is not in the first one, or not at all.</summary>
/// <param name="id">The job.</param>
/// <param name="from">Where it must be.</param>
/// <param name="to">Where it shall be.</param>
/// <param name="reason">Why, in words; null for nothing to say.</param>
public sealed class MoveReplayCommand(Guid id, ReplayState from, ReplayState to, string? reason) : StoreCommand<bool>
{
    /// <summary>The job.</summary>
    public Guid Id { get; } = id;
    /// <summary>Where it must be.</summary>
    public ReplayState From { get; } = from;
    /// <summary>Where it shall be.</summary>
    public ReplayState To { get; } = to;
    /// <summary>Why, in words.</summary>
    public string? Reason { get; } = reason;
    /// <summary>The canary has its verdict with this. Default false: what was so stays so.</summary>
    public bool CanaryJudged { get; init; }
    /// <summary>Who moves it, for the audit. Null (the default) is the job's own way, which is no act of anybody.</summary>
    public string? Actor { get; init; }
}

/// <summary>
/// Removes jobs that ended longer ago than <paramref name="olderThan"/>, with the outcomes of their letters: at most
/// <paramref name="limit"/> rows, oldest job first. The newest job stays, whatever its age. The result is how many rows went.
/// </summary>
/// <param name="olderThan">The age from which an ended job may go.</param>
/// <param name="limit">The most rows to remove in one command, so that others are not held up; at least 1.</param>
public sealed class PruneReplaysCommand(TimeSpan olderThan, int limit) : StoreCommand<int>
{
    /// <summary>The age from which an ended job may go.</summary>
    public TimeSpan OlderThan { get; } = olderThan;
    /// <summary>The most rows to remove.</summary>
    public int Limit { get; } = limit;
}
