namespace Recourse.Durable;

/// <summary>A message in memory.</summary>
internal sealed class MemoryMessage
{
    public required long Sequence { get; init; }
    public required Guid Id { get; init; }
    public required NewMessage Message { get; set; }
    public required DateTimeOffset CreatedAt { get; init; }
    public List<MemoryDelivery> Deliveries { get; } = [];

    /// <summary>The delivery in this place of the message's services; null when there is none, as may be after an import.</summary>
    public MemoryDelivery? Find(int index) => (uint)index < (uint)Deliveries.Count && Deliveries[index].Index == index
        ? Deliveries[index] : Deliveries.Find(delivery => delivery.Index == index);
}

/// <summary>The deliveries of one service with one order key, by sequence. The first of them is the head; nobody else may go.</summary>
internal sealed class MemoryLane
{
    public SortedSet<long> Members { get; } = [];

    /// <summary>True while an attempt at one of its members is under way.</summary>
    public bool InHand { get; set; }

    /// <summary>The first of it, when that one is dead and the others wait for it.</summary>
    public long? DeadHead(SortedDictionary<long, MemoryDelivery> deliveries) =>
        !InHand && Members.Count > 1 && deliveries[Members.Min] is { State: DeliveryState.Dead } head ? head.Key : null;

    public bool MayGo(MemoryDelivery delivery) => !InHand && Members.Min == delivery.Key;
}

/// <summary>A delivery in memory: what the SQL stores keep in one row.</summary>
internal sealed class MemoryDelivery
{
    public required MemoryMessage Message { get; init; }
    public required int Index { get; init; }
    public required string Service { get; init; }
    public MemoryLane? Lane { get; set; }
    public DeliveryState State { get; set; }
    public long DueAt { get; set; }
    public long Lease { get; set; }
    public int AttemptCount { get; set; }
    public int AttemptsBefore { get; set; }
    public int MessageFaults { get; set; }
    public int UnknownFaults { get; set; }
    public long LastDelayMs { get; set; }
    public int Generation { get; set; }
    public long GenerationAt { get; set; }
    public int KeyGeneration { get; set; }
    public bool MaybeApplied { get; set; }
    public bool Suspect { get; set; }
    public bool Alone { get; set; }
    public int CrashesAlone { get; set; }
    public long ClaimedAt { get; set; }
    public string? Node { get; set; }
    public Classification? Fault { get; set; }
    public FaultKind? Kind { get; set; }
    public string? Error { get; set; }
    public string? Decision { get; set; }
    public long EndedAt { get; set; }
    public int Rank { get; set; }
    public long? ExpiresAt { get; set; }

    /// <summary>The job whose replay of it has not ended.</summary>
    public MemoryReplay? Replay { get; set; }
    public List<Attempt> Attempts { get; } = [];
    public long? Group { get; set; }
    public int Edits { get; set; }
    public (int Generation, byte[] Body, string? ContentType)? Edited { get; set; }
    public LetterMarks Marks { get; set; }
    public bool Resolved { get; set; }
    public List<LetterAct> Acts { get; } = [];

    public long Key => DeliveryKey.Of(Message.Sequence, Index);

    public DeliveryId Id => new(Message.Id, Index);

    public string Queue => Message.Message.Queue;

    public bool Final => State is DeliveryState.Delivered or DeliveryState.Discarded or DeliveryState.Expired;

    public DeliveryState StateAt(long now) => State is DeliveryState.Waiting && DueAt > now ? DeliveryState.Delayed : State;

    /// <summary>True when only its time keeps it from being claimed.</summary>
    public bool Claimable => State is DeliveryState.Waiting && Lane?.MayGo(this) != false;

    public void Add(Attempt attempt)
    {
        Attempts.Add(attempt);
        var forgotten = AttemptRules.Forgotten(attempt.Number);
        Attempts.RemoveAll(old => old.Number == forgotten);
    }

    public void Add(long at, string actor, string verb, string? detail)
    {
        Acts.Add(new(StoreTime.Time(at), actor, verb, AttemptRules.Shorten(detail)));
        if (Acts.Count > LetterRules.ActsMax)
            Acts.RemoveAt(0);
    }

    public void LeaveLane()
    {
        Lane?.Members.Remove(Key);
        Lane = null;
    }
}

/// <summary>An idempotency key that was used.</summary>
internal sealed record MemoryKey(byte[] Hash, Guid MessageId, long ExpiresAt);

/// <summary>Totals of a queue that outlive its pruned rows.</summary>
internal sealed class MemoryTotals
{
    public long Accepted { get; set; }
    public long Delivered { get; set; }
    public long Discarded { get; set; }
    public long Expired { get; set; }
}
