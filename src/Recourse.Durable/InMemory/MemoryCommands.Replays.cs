namespace Recourse.Durable;

/// <summary>Replays: of one letter, and by jobs.</summary>
internal sealed partial class MemoryCommands
{
    private readonly Dictionary<Guid, MemoryReplay> _replays = [];

    /// <summary>All replay jobs in the order in which they were made.</summary>
    public List<MemoryReplay> Replays { get; } = [];

    private DeadLetterOutcome Replay(ReplayCommand command)
    {
        if (Letter(command.Id, command.Actor, out var delivery) is not DeadLetterOutcome.Done and var refused)
            return refused;
        Replay(delivery, command.Key, command.Actor, command.Reason);
        return DeadLetterOutcome.Done;
    }

    private void Replay(MemoryDelivery delivery, ReplayKey key, string actor, string? reason)
    {
        var now = Now;
        delivery.KeyGeneration = LetterRules.KeyGeneration(
            key, delivery.KeyGeneration, delivery.Generation, delivery.MaybeApplied, delivery.Edited?.Generation == delivery.Generation);
        Leave(delivery);
        delivery.Generation++;
        delivery.GenerationAt = now;
        delivery.AttemptsBefore = delivery.AttemptCount;
        delivery.MessageFaults = delivery.UnknownFaults = 0;
        delivery.LastDelayMs = 0;
        delivery.Suspect = false;
        delivery.CrashesAlone = 0;
        delivery.EndedAt = 0;
        delivery.ExpiresAt = null;
        delivery.Decision = AttemptRules.Act("replay", actor, reason);
        delivery.Add(now, actor, "replay", LetterRules.Detail(key, reason));
        JoinLane(delivery);
        Wait(delivery, now);
    }

    private bool Start(StartReplayCommand command)
    {
        if (_replays.ContainsKey(command.Id))
            return false;
        var replay = new MemoryReplay(new()
        {
            Id = command.Id,
            Request = command.Request,
            State = ReplayState.Running,
            MadeAt = StoreTime.Time(_lastDeath = LetterRules.MadeAt(Now, _lastDeath)),
            Matched = command.Matched,
        });
        _replays.Add(command.Id, replay);
        Replays.Add(replay);
        return true;
    }

    private ReplayBatchResult? Replay(ReplayBatchCommand command)
    {
        if (!_replays.TryGetValue(command.Id, out var replay))
            return null;
        var job = replay.Job;
        if (job.State is not ReplayState.Running || job.Cursor != command.Cursor)
            return null;
        var now = StoreTime.Time(Now);
        var (replayed, skipped) = (0, 0);
        foreach (var id in command.Letters)
        {
            var found = Letter(id, job.Request.Actor, out var delivery);
            if (found is DeadLetterOutcome.NotFound)
            {
                skipped++;
                continue;
            }
            if (LetterRules.LeftAlone(found, delivery.EndedAt, StoreTime.Micros(job.MadeAt), delivery.Marks.TakenBy) is { } why)
            {
                skipped++;
                replay.Items.TryAdd(delivery.Key, new(id, delivery.Generation, now, ReplayOutcome.Skipped, now) { Reason = why });
                continue;
            }
            replayed++;
            delivery.Rank = Ranks.Bulk(delivery.Rank);
            delivery.Replay = replay;
            Replay(delivery, job.Request.Key, job.Request.Actor, job.Request.Reason);
            replay.Items[delivery.Key] = new(id, delivery.Generation, now, ReplayOutcome.Pending, null);
        }
        replay.Job = job with { Cursor = command.Next, Replayed = job.Replayed + replayed, Skipped = job.Skipped + skipped };
        return new(replayed, skipped);
    }

    private bool Move(MoveReplayCommand command)
    {
        if (!_replays.TryGetValue(command.Id, out var replay) || replay.Job.State != command.From)
            return false;
        replay.Job = replay.Job with
        {
            State = command.To,
            StateReason = AttemptRules.Shorten(command.Reason),
            CanaryJudged = replay.Job.CanaryJudged || command.CanaryJudged,
            EndedAt = command.To is ReplayState.Completed or ReplayState.Cancelled ? StoreTime.Time(Now) : null,
        };
        return true;
    }
}

/// <summary>A replay job in memory, with its letters by key.</summary>
internal sealed class MemoryReplay(ReplayJob job)
{
    public ReplayJob Job { get; set; } = job;

    public SortedDictionary<long, ReplayItem> Items { get; } = [];

    /// <summary>A letter that it sent back was delivered, or died again.</summary>
    public void Ended(MemoryDelivery delivery, ReplayOutcome outcome, long now)
    {
        Items[delivery.Key] = Items[delivery.Key] with { Outcome = outcome, EndedAt = StoreTime.Time(now) };
        Job = outcome is ReplayOutcome.Delivered
            ? Job with { Delivered = Job.Delivered + 1 } : Job with { DeadAgain = Job.DeadAgain + 1 };
    }
}
