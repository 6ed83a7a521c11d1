namespace Recourse.Durable.Tests;

/// <summary>How the commit of one command ends for its caller.</summary>
internal enum CommitFate
{
    /// <summary>It is answered.</summary>
    Answered,
    /// <summary>It was not committed, and the caller is told.</summary>
    Refused,
    /// <summary>It was committed, and the caller is told that it was not: the answer was lost.</summary>
    Unknown,
}

/// <summary>A command on its way: handed over, then applied, then synced, then answered. Each of these is a step of the
/// simulation.</summary>
internal abstract class PendingCommit(StoreCommand command, bool ofSender)
{
    public StoreCommand Command { get; } = command;
    /// <summary>Asked from outside the process: it outlives a crash of the relay, and learns that the connection is gone.</summary>
    public bool OfSender { get; } = ofSender;
    public CommitFate Fate { get; set; }
    /// <summary>What is to happen with the room that was taken for it, before it is answered.</summary>
    public Action? Arrives { get; set; }
    /// <summary>So much must be synced before it may be answered.</summary>
    public int WrittenAt { get; set; }
    /// <summary>Keeps the result as it was found: a command that is applied once more must not change what was answered.</summary>
    public abstract void Keep();
    public abstract void Answer();
}

internal sealed class PendingCommit<TResult>(StoreCommand<TResult> command, bool ofSender) : PendingCommit(command, ofSender)
{
    private readonly TaskCompletionSource<TResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TResult _result = default!;

    public Task<TResult> Done => _done.Task;

    public override void Keep() => _result = command.Result;

    public override void Answer()
    {
        if (Fate is CommitFate.Answered)
            _done.TrySetResult(_result);
        else
            _done.TrySetException(new StoreException($"Simulated: {Fate}.", StoreProblem.Unavailable));
    }
}

/// <summary>
/// The store as a process sees it, over a disk that outlives the process. Nothing happens by itself: the simulation applies, syncs and
/// answers, in the order and with the losses that the seed says.
/// </summary>
internal sealed class SimulatedStore(SimulatedDisk disk, TimeProvider time) : MessageStore
{
    private readonly List<PendingCommit> _handedOver = [];
    private readonly List<PendingCommit> _applied = [];

    public override StoreQueries Queries => throw new NotSupportedException("The dispatcher asks nothing.");

    public int HandedOver => _handedOver.Count;

    public int Applied => _applied.Count;

    public bool CanAnswer => _applied.Exists(MayAnswer);

    public bool CanSync => disk.Synced < disk.Written;

    public override Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default) => Task.FromResult(disk.Open(
        time.GetUtcNow()));

    public override ValueTask<TResult> CommitAsync<TResult>(StoreCommand<TResult> command, CancellationToken cancellationToken = default) =>
        new(HandOver(command, ofSender: false));

    public Task<TResult> HandOver<TResult>(StoreCommand<TResult> command, bool ofSender)
    {
        if (command is EnqueueCommand enqueue)
            EnqueueChecks.Prepare(enqueue);
        else
            LetterRules.Check(command);
        var pending = new PendingCommit<TResult>(command, ofSender);
        _handedOver.Add(pending);
        return pending.Done;
    }

    /// <summary>Applies one command that was handed over, whichever; they come from different callers.</summary>
    public void ApplyOne(Random random, bool faulty)
    {
        var pending = Take(_handedOver, random.Next(_handedOver.Count));
        var chance = faulty ? random.Next(100) : 100;
        // A claim whose answer is lost holds its leases until the process ends: that is the crash, which is drawn by itself.
        pending.Fate = chance < 4 ? CommitFate.Refused
            : chance < 8 && pending.Command is not ClaimCommand ? CommitFate.Unknown : CommitFate.Answered;
        var room = pending.Command is EnqueueCommand { MayBeTaken: true } plain ? Arrivals?.Reserve(plain.Message.Services[0], 1) : null;
        if (room is not null)
            pending.Arrives = room.Dispose;
        if (pending.Fate is not CommitFate.Refused)
        {
            if (room is null)
                disk.Apply(pending.Command, time.GetUtcNow());
            else if (disk.Apply((EnqueueCommand)pending.Command, room.Node, time.GetUtcNow()) is { } claimed)
                pending.Arrives = () => Arrive(room, claimed, (EnqueueCommand)pending.Command, pending.Fate);
            pending.Keep();
            if (Shadow.IdOf(pending.Command) is not null)
                disk.Outcomes.Add(pending.Command);
        }
        pending.WrittenAt = disk.Written;
        _applied.Add(pending);
    }

    public void Sync() => disk.Sync();

    /// <summary>Answers one of those whose commit is synced, whichever.</summary>
    public void AnswerOne(Random random)
    {
        var ready = _applied.Where(MayAnswer).ToList();
        var pending = ready[random.Next(ready.Count)];
        _applied.Remove(pending);
        pending.Arrives?.Invoke();
        pending.Answer();
    }

    // Of a commit without an answer nobody has anything in hand: it goes back.
    private void Arrive(ArrivalRoom room, ClaimedDelivery claimed, EnqueueCommand command, CommitFate fate)
    {
        using (room)
        {
            if (fate is CommitFate.Answered)
            {
                room.Begin(claimed);
                command.IsTaken = true;
            }
            else
                disk.Apply(new ReleaseCommand(claimed.Id, claimed.Lease), time.GetUtcNow());
        }
    }

    /// <summary>A copy of an earlier outcome arrives again, late: it must change nothing.</summary>
    public void ApplyAgain(Random random)
    {
        if (disk.Outcomes.Count == 0)
            return;
        StoreCommand copy = disk.Outcomes[random.Next(disk.Outcomes.Count)] switch
        {
            CompleteCommand complete => new CompleteCommand(complete.Id, complete.Lease, complete.Attempt),
            FailCommand fail => new FailCommand(fail.Id, fail.Lease, fail.Attempt, fail.Fault,
                fail.Decision)
            { BlockLane = fail.BlockLane },
            ReleaseCommand release => new ReleaseCommand(release.Id, release.Lease),
            var other => throw new InvalidOperationException($"{other} is no outcome."),
        };
        if (disk.Shadow[Shadow.IdOf(copy)!.Value] is not null)
            disk.Apply(copy, time.GetUtcNow());
    }

    /// <summary>The process ends. Its own callers are gone with it; the senders notice.</summary>
    public void End()
    {
        foreach (var pending in _handedOver.Concat(_applied).Where(pending => pending.OfSender))
        {
            pending.Fate = CommitFate.Refused;
            pending.Answer();
        }
        _handedOver.Clear();
        _applied.Clear();
    }

    public override ValueTask DisposeAsync() => default;

    private bool MayAnswer(PendingCommit pending) => disk.Defect is Defect.AcknowledgedBeforeSync || pending.WrittenAt <= disk.Synced;

    private static PendingCommit Take(List<PendingCommit> list, int index)
    {
        var taken = list[index];
        list.RemoveAt(index);
        return taken;
    }
}
