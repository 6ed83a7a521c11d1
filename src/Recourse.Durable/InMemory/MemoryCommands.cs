namespace Recourse.Durable;

/// <summary>The rules of every command over plain collections. The caller holds the lock.</summary>
internal sealed partial class MemoryCommands(TimeProvider time, Func<DateTimeOffset, Guid>? nextId = null)
{
    private readonly Func<DateTimeOffset, Guid> _nextId = nextId ?? new MessageIds().Next;
    private readonly Dictionary<(string Queue, string Key), MemoryKey> _keys = [];
    private readonly Dictionary<(string Service, string Key), MemoryLane> _lanes = [];
    private long _sequence;
    private long _lease;

    public Dictionary<Guid, MemoryMessage> Messages { get; } = [];

    /// <summary>All deliveries by key: the order in which they were stored.</summary>
    public SortedDictionary<long, MemoryDelivery> Deliveries { get; } = [];

    public SortedDictionary<string, MemoryTotals> Totals { get; } = new(StringComparer.Ordinal);

    public SortedSet<string> Services { get; } = new(StringComparer.Ordinal);

    /// <summary>What waits, of each service by queue and rank, in the order of time.</summary>
    private readonly Dictionary<string, SortedDictionary<(int Rank, string Queue), SortedSet<(long DueAt, long Key)>>> _waiting = [];
    private readonly ClaimTurns _turns = new();

    public long Now => time.NowMicros();

    public void Apply(StoreCommand command)
    {
        switch (command)
        {
            case EnqueueCommand enqueue: enqueue.Result = Enqueue(enqueue); break;
            case ClaimCommand claim: claim.Result = Claim(claim); break;
            case CompleteCommand complete: complete.Result = Complete(complete); break;
            case FailCommand fail: fail.Result = Fail(fail); break;
            case ReleaseCommand release: release.Result = Release(release); break;
            case ReplayCommand replay: replay.Result = Replay(replay); break;
            case DiscardCommand discard: discard.Result = Discard(discard); break;
            case ResolveCommand resolve: resolve.Result = Resolve(resolve); break;
            case EditPayloadCommand edit: edit.Result = Edit(edit); break;
            case AnnotateCommand annotate: annotate.Result = Annotate(annotate); break;
            case TakeCommand take: take.Result = Take(take); break;
            case LetGoCommand letGo: letGo.Result = LetGo(letGo); break;
            case ImportLetterCommand import: import.Result = Import(import); break;
            case IndexLettersCommand index: index.Result = 0; break;
            case PruneCommand prune: prune.Result = Prune(prune); break;
            case ProbeCommand probe: probe.Result = true; break;
            case ExpireCommand expire: expire.Result = Expire(expire); break;
            case ControlCommand control: control.Result = Controls.Apply(control, StoreTime.Time(Now)); break;
            case StartReplayCommand start: start.Result = Start(start); break;
            case ReplayBatchCommand batch: batch.Result = Replay(batch); break;
            case MoveReplayCommand move: move.Result = Move(move); break;
            case PruneReplaysCommand prune: prune.Result = Prune(prune); break;
            case AddKeyCommand add: add.Result = Keep(KeyRules.Apply(add, Keys, StoreTime.Time(Now))); break;
            case RemoveKeyCommand remove: remove.Result = Keep(KeyRules.Apply(remove, Keys, StoreTime.Time(Now))); break;
            case NoteActCommand note: note.Result = true; break;
            case NotePayloadKeyCommand note: note.Result = Keep(note); break;
            case ReplacePayloadCommand replace: replace.Result = Replace(replace); break;
            case PruneAuditCommand prune: prune.Result = Prune(prune); break;
            default: throw new StoreException($"The in-memory store does not know {command.GetType().Name}.", StoreProblem.Other);
        }
        Note(command);
    }

    private EnqueueResult Enqueue(EnqueueCommand command)
    {
        var message = command.Message;
        var now = Now;
        var id = command.Id ?? _nextId(time.GetUtcNow());
        if (message.IdempotencyKey is { } key)
        {
            if (_keys.TryGetValue((message.Queue, key), out var used) && used.ExpiresAt > now)
            {
                var same = command.IsSame(used.Hash);
                return new(same ? EnqueueStatus.Duplicate : EnqueueStatus.KeyConflict, used.MessageId);
            }
            _keys[(message.Queue, key)] = new(command.ContentHash!, id, now + (long)command.IdempotencyWindow.TotalMicroseconds);
        }

        var stored = new MemoryMessage
        {
            Sequence = ++_sequence,
            Id = id,
            Message = message with { Body = message.Body.ToArray(), Headers = HeaderText.Read(HeaderText.Write(message.Headers)) },
            CreatedAt = StoreTime.Time(now),
        };
        Messages.Add(id, stored);
        // What a sender put off is not older for it: its generation begins when it is due.
        var due = message.DeliverAt is { } at ? Math.Max(now, StoreTime.Micros(at)) : now;
        TotalsOf(message.Queue).Accepted += message.Services.Count;
        for (var i = 0; i < message.Services.Count; i++)
        {
            var delivery = new MemoryDelivery
            {
                Message = stored,
                Index = i,
                Service = message.Services[i],
                GenerationAt = due,
                Rank = message.Priority,
                ExpiresAt = message.ExpiresAt is { } expiry ? StoreTime.Micros(expiry) : null,
            };
            stored.Deliveries.Add(delivery);
            Deliveries.Add(delivery.Key, delivery);
            Services.Add(delivery.Service);
            JoinLane(delivery);
            Wait(delivery, due);
        }
        return new(EnqueueStatus.Accepted, id);
    }

    private ClaimedDelivery Take(MemoryDelivery delivery, ClaimCommand command, long lease, long now)
    {
        StopWaiting(delivery);
        delivery.State = DeliveryState.Leased;
        delivery.Lease = lease;
        if (delivery.Lane is { } lane)
            lane.InHand = true;
        delivery.AttemptCount++;
        delivery.ClaimedAt = now;
        delivery.Node = command.Node;
        delivery.Alone = command.Suspects;
        var message = delivery.Message.Message;
        return new()
        {
            Id = delivery.Id,
            Lease = lease,
            Queue = delivery.Queue,
            Service = delivery.Service,
            Attempt = delivery.AttemptCount,
            AttemptInGeneration = delivery.AttemptCount - delivery.AttemptsBefore,
            MessageFaults = delivery.MessageFaults,
            UnknownFaults = delivery.UnknownFaults,
            Generation = delivery.Generation,
            CreatedAt = delivery.Message.CreatedAt,
            GenerationAt = StoreTime.Time(delivery.GenerationAt),
            ClaimedAt = StoreTime.Time(now),
            LastDelayMs = delivery.LastDelayMs,
            Suspect = delivery.Suspect,
            CrashesAlone = delivery.CrashesAlone,
            Bulk = Ranks.IsBulk(delivery.Rank),
            IdempotencyKey = AttemptRules.IdempotencyKey(delivery.Message.Id, delivery.KeyGeneration),
            OrderKey = message.OrderKey,
            ContentType = delivery.Edited is { } edited ? edited.ContentType : message.ContentType,
            Headers = message.Headers,
            TraceParent = message.TraceParent,
            Body = delivery.Edited?.Body ?? message.Body,
        };
    }

    private bool Complete(CompleteCommand command)
    {
        if (Held(command.Id, command.Lease) is not { } delivery)
            return false;
        delivery.Add(AttemptRules.Of(command, delivery.AttemptCount, delivery.Generation));
        EndAttempt(delivery);
        End(delivery, DeliveryState.Delivered);
        delivery.LeaveLane();
        delivery.Replay?.Ended(delivery, ReplayOutcome.Delivered, delivery.EndedAt);
        TotalsOf(delivery.Queue).Delivered++;
        if (!command.KeepHistory && delivery.Message.Deliveries.TrueForAll(each => each.Final))
            Remove(delivery.Message);
        return true;
    }

    private bool Fail(FailCommand command)
    {
        if (Held(command.Id, command.Lease) is not { } delivery)
            return false;
        var attempt = AttemptRules.Of(command, delivery.AttemptCount, delivery.Generation);
        if (!command.KeepHistory)
            delivery.Attempts.Clear();
        delivery.Add(attempt);
        EndAttempt(delivery);
        delivery.MessageFaults += command.Fault.Blame is Blame.Message ? 1 : 0;
        delivery.UnknownFaults += command.Fault.Blame is Blame.Unknown ? 1 : 0;
        delivery.MaybeApplied |= command.Fault.Applied is not Applied.No;
        delivery.LastDelayMs = (long)command.Decision.Delay.TotalMilliseconds;
        delivery.Fault = command.Fault;
        delivery.Kind = attempt.Kind;
        delivery.Error = attempt.Error;
        delivery.Decision = attempt.Decision;
        if (command.Decision.Action is DeliveryAction.Retry)
        {
            Wait(delivery, command.Decision.DueAt is { } due ? StoreTime.Micros(due) : Now);
            return true;
        }
        Die(delivery, attempt.Status);
        if (!command.BlockLane)
            delivery.LeaveLane();
        return true;
    }

    private bool Release(ReleaseCommand command)
    {
        if (Held(command.Id, command.Lease) is not { } delivery)
            return false;
        delivery.AttemptCount--;
        LetGo(delivery);
        Wait(delivery, delivery.DueAt);
        return true;
    }

    private int Prune(PruneCommand command)
    {
        var now = Now;
        var finished = Messages.Values
            .Where(message => (command.Queue is null || command.Queue == message.Message.Queue)
                && message.Deliveries.All(delivery => delivery.Final))
            .Select(message => (Message: message, EndedAt: message.Deliveries.Max(delivery => delivery.EndedAt)))
            .OrderBy(each => each.EndedAt).ThenBy(each => each.Message.Sequence).ToList();
        var before = now - (long)command.OlderThan.TotalMicroseconds;
        if (command.KeepMax is { } most && finished.Count > most)
            before = Math.Max(before, finished[finished.Count - 1 - most].EndedAt);
        var old = finished.Where(each => each.EndedAt <= before).Take(command.Limit).Select(each => each.Message).ToList();
        old.ForEach(Remove);
        foreach (var (key, _) in _keys.Where(used => used.Value.ExpiresAt <= now).OrderBy(used => used.Value.ExpiresAt).Take(command.Limit)
            .ToList())
            _keys.Remove(key);
        return old.Count;
    }

    private void Remove(MemoryMessage message)
    {
        Messages.Remove(message.Id);
        message.Deliveries.ForEach(delivery => Deliveries.Remove(delivery.Key));
    }

    /// <summary>What was in hand is suspect now, or poison when the process has ended too often while it ran alone.</summary>
    /// <param name="blocksLane">See <see cref="MessageStore.BlocksLaneWhenDead"/>.</param>
    /// <param name="whose">Only these leases; null for all.</param>
    public StoreOpening EndLeases(Func<string, bool> blocksLane, Func<MemoryDelivery, bool>? whose = null)
    {
        var now = Now;
        ContinueDeaths();
        _turns.Forget();
        var held = Deliveries.Values.Where(delivery => delivery.State is DeliveryState.Leased && whose?.Invoke(delivery) != false)
            .ToList();
        var poisoned = 0;
        foreach (var delivery in held)
        {
            delivery.CrashesAlone += delivery.Alone ? 1 : 0;
            var attempt = AttemptRules.OfCrash(
                delivery.AttemptCount, delivery.Generation, StoreTime.Time(delivery.ClaimedAt), delivery.Node, delivery.CrashesAlone);
            delivery.Add(attempt);
            LetGo(delivery);
            delivery.Suspect = true;
            delivery.MaybeApplied = true;
            delivery.Fault = null;
            delivery.Kind = attempt.Kind;
            delivery.Error = attempt.Error;
            delivery.Decision = attempt.Decision;
            if (delivery.CrashesAlone < AttemptRules.CrashesAloneMax)
            {
                Wait(delivery, now);
                continue;
            }
            poisoned++;
            Die(delivery, null);
            if (!blocksLane(delivery.Queue))
                delivery.LeaveLane();
        }
        return new(held.Count, poisoned);
    }

    private static void EndAttempt(MemoryDelivery delivery)
    {
        LetGo(delivery);
        delivery.Suspect = false;
        delivery.CrashesAlone = 0;
    }

    private static void LetGo(MemoryDelivery delivery)
    {
        delivery.Lease = 0;
        delivery.Alone = false;
        if (delivery.Lane is { } lane)
            lane.InHand = false;
    }

    private void End(MemoryDelivery delivery, DeliveryState state)
    {
        delivery.State = state;
        delivery.EndedAt = Now;
    }

    private void JoinLane(MemoryDelivery delivery)
    {
        if (delivery.Message.Message.OrderKey is not { } orderKey || delivery.Lane is not null)
            return;
        if (!_lanes.TryGetValue((delivery.Service, orderKey), out var lane))
            _lanes.Add((delivery.Service, orderKey), lane = new());
        delivery.Lane = lane;
        lane.Members.Add(delivery.Key);
    }

    public MemoryDelivery? Find(DeliveryId id) =>
        Messages.TryGetValue(id.MessageId, out var message) ? message.Find(id.Index) : null;

    private MemoryDelivery? Held(DeliveryId id, long lease) =>
        Find(id) is { State: DeliveryState.Leased } delivery && delivery.Lease == lease ? delivery : null;

    private MemoryTotals TotalsOf(string queue)
    {
        if (!Totals.TryGetValue(queue, out var totals))
            Totals.Add(queue, totals = new());
        return totals;
    }
}
