namespace Recourse.Durable.Tests;

/// <summary>What is known of a replay job from commands and their answers alone.</summary>
internal sealed class ShadowJob(int deaths)
{
    /// <summary>How many had died when it was made: later deaths are not its own.</summary>
    public int Deaths { get; } = deaths;
    public ReplayState State { get; set; }
    public string? Cursor { get; set; }
    public int Replayed { get; set; }
    public int Delivered { get; set; }
    public int DeadAgain { get; set; }
}

/// <summary>What people do to letters, what comes in from outside, replay jobs, and what operators hold.</summary>
internal sealed partial class Shadow
{
    private readonly Dictionary<Guid, ShadowJob> _jobs = [];
    private readonly HashSet<(ControlKind Kind, string Name)> _held = [];
    private int _deaths;

    /// <summary>How many messages came in as dead letters.</summary>
    public int Imported { get; private set; }

    public IReadOnlyCollection<(ControlKind Kind, string Name)> Controls => _held;

    private bool Holds(ShadowDelivery delivery) =>
        _held.Contains((ControlKind.QueuePaused, delivery.Queue)) || _held.Contains((ControlKind.ServicePaused, delivery.Service));

    private void SawAct(StoreCommand command)
    {
        switch (command)
        {
            case ReplayCommand replay: OnDead(replay.Id, replay.Result, delivery => Replayed(delivery, null)); break;
            case DiscardCommand discard: OnDead(discard.Id, discard.Result, Discarded); break;
            case ResolveCommand resolve: OnDead(resolve.Id, resolve.Result, Discarded); break;
            case EditPayloadCommand edit: OnDead(edit.Id, edit.Result, delivery => delivery.Body = edit.Body.ToArray()); break;
            case AnnotateCommand annotate: OnDead(annotate.Id, annotate.Result, delivery => delivery.Note = annotate.Note); break;
            case ImportLetterCommand import: Saw(import); break;
            case StartReplayCommand { Result: true } start: _jobs.Add(start.Id, new(_deaths)); break;
            case ReplayBatchCommand batch: Saw(batch); break;
            case MoveReplayCommand move: Saw(move); break;
            case ControlCommand { Result: true } control:
                if (control.Excludes is { } other)
                    _held.Remove((other, control.Name));
                if (!(control.On ? _held.Add((control.Kind, control.Name)) : _held.Remove((control.Kind, control.Name))))
                    throw new Violation($"{control.Kind} {control.Name} was set to what it was");
                break;
        }
    }

    private void OnDead(DeliveryId id, DeadLetterOutcome outcome, Action<ShadowDelivery> change)
    {
        var dead = this[id] is { State: DeliveryState.Dead };
        if (dead != outcome is DeadLetterOutcome.Done)
            throw new Violation($"{id}: an act was answered with {outcome}; it is {this[id]?.State.ToString() ?? "not there"}");
        if (dead)
            change(_deliveries[id]);
    }

    private void Died(ShadowDelivery delivery)
    {
        delivery.Death = ++_deaths;
        if (delivery.Job is { } job)
            job.DeadAgain++;
        delivery.Job = null;
    }

    private static void Delivered(ShadowDelivery delivery)
    {
        if (delivery.Job is { } job)
            job.Delivered++;
        delivery.Job = null;
    }

    private static void Replayed(ShadowDelivery delivery, ShadowJob? job)
    {
        delivery.State = DeliveryState.Waiting;
        (delivery.Suspect, delivery.CrashesAlone) = (false, 0);
        delivery.InLane = delivery.Lane is not null;
        delivery.Job = job;
    }

    private void Saw(ImportLetterCommand command)
    {
        var (letter, there) = (command.Letter, this[command.Letter.Id] is not null);
        if (there != command.Result is ImportOutcome.Duplicate)
            throw new Violation($"{letter.Id}: the import was answered with {command.Result}; it was {(there ? "" : "not ")}there");
        if (there)
            return;
        Imported++;
        var lane = letter.OrderKey is { } key ? $"{letter.Service}/{key}" : null;
        var delivery = new ShadowDelivery(letter.Id, letter.Queue, letter.Service, lane, _deliveries.Count, command.Original.Body.ToArray())
        {
            State = DeliveryState.Dead,
            Attempts = letter.AttemptCount,
            Note = letter.Note,
            InLane = false,
        };
        _deliveries.Add(letter.Id, delivery);
        Died(delivery);
    }

    private void Saw(ReplayBatchCommand command)
    {
        var job = _jobs.GetValueOrDefault(command.Id);
        var due = job is { State: ReplayState.Running } && job.Cursor == command.Cursor;
        if (due != command.Result is not null)
            throw new Violation($"a batch at {command.Cursor} was {(due ? "refused" : "taken")}; the job is {job?.State} at {job?.Cursor}");
        if (!due)
            return;
        var sent = 0;
        foreach (var id in command.Letters.Distinct())
        {
            if (this[id] is not { State: DeliveryState.Dead } delivery || delivery.Death > job!.Deaths)
                continue;
            Replayed(delivery, job);
            sent++;
        }
        if (sent != command.Result!.Replayed)
            throw new Violation($"a batch sent {command.Result.Replayed} letters; {sent} were to be sent");
        (job!.Cursor, job.Replayed) = (command.Next, job.Replayed + sent);
    }

    private void Saw(MoveReplayCommand command)
    {
        var there = _jobs.TryGetValue(command.Id, out var job) && job.State == command.From;
        if (there != command.Result)
            throw new Violation($"a job was moved from {command.From}: {command.Result}; it is {job?.State}");
        if (there)
            job!.State = command.To;
    }

    private void CheckJobs(MemoryCommands state)
    {
        foreach (var replay in state.Replays)
        {
            var (job, known) = (replay.Job, _jobs[replay.Job.Id]);
            if ((job.Replayed, job.Delivered, job.DeadAgain) != (known.Replayed, known.Delivered, known.DeadAgain))
                throw new Violation($"a job counts {job.Replayed} sent, {job.Delivered} delivered, {job.DeadAgain} dead again; "
                    + $"known are {known.Replayed}, {known.Delivered}, {known.DeadAgain}");
        }
    }

    /// <summary>When all has come to its end: notes are what was noted, and jobs have nothing open.</summary>
    public void CheckEnd(MemoryCommands state)
    {
        foreach (var delivery in state.Deliveries.Values)
        {
            if (delivery.Marks.Note != _deliveries[delivery.Id].Note)
                throw new Violation($"{delivery.Id}: its note is '{delivery.Marks.Note}' instead of '{_deliveries[delivery.Id].Note}'");
        }
        foreach (var job in _jobs.Values)
        {
            if (job.Delivered + job.DeadAgain != job.Replayed)
                throw new Violation($"a job sent {job.Replayed}, and {job.Delivered} and {job.DeadAgain} came to their end");
        }
    }
}
