namespace Recourse.Durable.Tests;

/// <summary>
/// One thing that happened to the store; a command of null is an opening. Of a message, the node that had room for it, if one had.
/// </summary>
internal sealed record DiskEntry(DateTimeOffset At, StoreCommand? Command, string? Node = null)
{
    public Guid Id { get; set; }
    public ClaimedDelivery? Claimed { get; set; }
}

/// <summary>
/// A disk under the rules of the store: what is applied is written, what is synced stays, and at a crash any tail of what was not synced is
/// gone. The state is always what the written commands make of an empty store, so it is built again after a crash. It can be told to be
/// <paramref name="defect"/>ive.
/// </summary>
internal sealed class SimulatedDisk(Defect defect)
{
    private readonly List<DiskEntry> _written = [];
    private readonly ClockOfEntries _clock = new();
    private MemoryCommands _state = null!;
    private int _ids;

    /// <summary>Every outcome that was ever handed over, for those that arrive once more.</summary>
    public List<StoreCommand> Outcomes { get; } = [];

    public int Written => _written.Count;

    /// <summary>How many entries survive whatever happens.</summary>
    public int Synced { get; private set; }

    public Defect Defect => defect;

    public MemoryCommands State => _state ??= Empty();

    /// <summary>What must hold, told of each entry in order.</summary>
    public Shadow Shadow { get; private set; } = new();

    public StoreOpening Open(DateTimeOffset now)
    {
        var opening = Append(new(now, null))!;
        Sync();
        return opening;
    }

    public void Apply(StoreCommand command, DateTimeOffset now) => Append(new(now, command));

    /// <summary>Stores a message for which a node has room; what is claimed with it, if it is.</summary>
    public ClaimedDelivery? Apply(EnqueueCommand command, string node, DateTimeOffset now)
    {
        var entry = new DiskEntry(now, command, node);
        Append(entry);
        return entry.Claimed;
    }

    public void Sync() => Synced = _written.Count;

    /// <summary>The machine stops: so many of the entries that were not synced are still there.</summary>
    public void Crash(int survivors)
    {
        var kept = Synced + survivors;
        var entries = _written[..kept];
        _written.Clear();
        (_state, Shadow) = (Empty(), new());
        foreach (var entry in entries)
            Append(entry);
        Sync();
    }

    private StoreOpening? Append(DiskEntry entry)
    {
        _clock.Now = entry.At;
        _clock.Entry = entry;
        _written.Add(entry);
        if (entry.Command is { } command)
        {
            Mistaken(command, () => State.Apply(command));
            Shadow.Saw(command, State);
            if (entry.Node is { } node)
                Take((EnqueueCommand)command, node, entry);
            return null;
        }
        Shadow.SawOpening();
        if (defect is Defect.LeasesNotEnded)
            return new(0, 0);
        var opening = State.EndLeases(Shadow.BlocksLane);
        if (defect is not Defect.SuspectForgotten)
            return opening;
        foreach (var delivery in State.Deliveries.Values)
            delivery.Suspect = false;
        return new(0, 0);
    }

    private void Take(EnqueueCommand command, string node, DiskEntry entry)
    {
        entry.Claimed = State.TakeArrived(command, node);
        if (entry.Claimed is { } claimed)
            Shadow.Saw(new ClaimCommand(claimed.Service, 1, node) { Result = new([claimed], null) }, State);
    }

    private void Mistaken(StoreCommand command, Action apply)
    {
        switch (defect, command)
        {
            case (Defect.FenceNotCompared, CompleteCommand or FailCommand or ReleaseCommand):
                if (Find(command) is not { State: DeliveryState.Leased } held)
                    goto default;
                var lease = held.Lease;
                held.Lease = Shadow.LeaseOf(command);
                apply();
                if (held.State is DeliveryState.Leased)
                    held.Lease = lease;
                break;
            case (Defect.FollowerBeforeHead, ClaimCommand):
                foreach (var delivery in State.Deliveries.Values.Where(delivery => delivery.State is DeliveryState.Waiting))
                    delivery.LeaveLane();
                goto default;
            case (Defect.AttemptNotCounted, ClaimCommand claim):
                apply();
                foreach (var claimed in claim.Result.Deliveries)
                    State.Messages[claimed.Id.MessageId].Find(claimed.Id.Index)!.AttemptCount--;
                break;
            case (Defect.AttemptNotCounted, CompleteCommand or FailCommand) when Find(command) is { State: DeliveryState.Leased } counted:
                counted.AttemptCount++;
                goto default;
            case (Defect.DiscardNotBooked, DiscardCommand { } discard):
                apply();
                if (discard.Result is DeadLetterOutcome.Done)
                    State.Totals[Shadow.QueueOf(discard.Id)].Discarded--;
                break;
            case (Defect.KeyForgotten, EnqueueCommand enqueue):
                enqueue.ContentHash = BitConverter.GetBytes(_written.Count);
                apply();
                if (enqueue.Result.Status is EnqueueStatus.KeyConflict)
                    enqueue.Result = new(EnqueueStatus.Accepted, NextId(_clock.Now));
                break;
            case (Defect.RetryLost, FailCommand { Decision.Action: DeliveryAction.Retry } fail):
                fail.Result = Find(fail) is { State: DeliveryState.Leased } lost && lost.Lease == fail.Lease;
                break;
            case (Defect.EditLost, EditPayloadCommand edit): edit.Result = IfDead(edit.Id); break;
            case (Defect.NoteLost, AnnotateCommand annotate): annotate.Result = IfDead(annotate.Id); break;
            case (Defect.HoldLost, ControlCommand control):
                control.Result = control.On != Shadow.Controls.Contains((control.Kind, control.Name));
                break;
            case (Defect.ImportNotBooked, ImportLetterCommand import):
                apply();
                if (import.Result is ImportOutcome.Imported)
                    State.Totals[import.Letter.Queue].Accepted--;
                break;
            case (Defect.CursorNotCompared, ReplayBatchCommand batch):
                foreach (var replay in State.Replays.Where(replay => replay.Job.Id == batch.Id))
                    replay.Job = replay.Job with { Cursor = batch.Cursor };
                goto default;
            default:
                apply();
                break;
        }
    }

    private DeadLetterOutcome IfDead(DeliveryId id) => Shadow[id] switch
    {
        null => DeadLetterOutcome.NotFound,
        { State: DeliveryState.Dead } => DeadLetterOutcome.Done,
        _ => DeadLetterOutcome.NotDead,
    };

    /// <summary>Whether a command is still on it.</summary>
    public bool Has(StoreCommand command) => _written.Exists(entry => ReferenceEquals(entry.Command, command));

    private MemoryDelivery? Find(StoreCommand command) => Shadow.IdOf(command) is { } id && State.Messages.TryGetValue(id.MessageId,
        out var message)
        ? message.Find(id.Index) : null;

    private MemoryCommands Empty() => new(_clock, NextId);

    /// <summary>
    /// Ids that rise and never come again, not even when the entry that had one was lost. An entry that is applied again keeps its own.
    /// </summary>
    private Guid NextId(DateTimeOffset now)
    {
        if (_clock.Entry.Id == default)
            _clock.Entry.Id = new Guid(++_ids, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 0);
        return _clock.Entry.Id;
    }

    /// <summary>Shows the time of the entry that is being applied, so that applying it again gives the same.</summary>
    private sealed class ClockOfEntries : TimeProvider
    {
        public DateTimeOffset Now { get; set; }
        public DiskEntry Entry { get; set; } = null!;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
