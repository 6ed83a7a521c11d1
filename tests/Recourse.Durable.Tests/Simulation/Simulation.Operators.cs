using System.Globalization;

namespace Recourse.Durable.Tests;

/// <summary>What people and replay jobs do meanwhile.</summary>
internal sealed partial class Simulation
{
    private const int ImportsMax = 3;
    private const int JobsMax = 3;

    private readonly List<StoredDelivery> _letters = [];
    private readonly List<StoreCommand> _acts = [];
    private int _jobs;

    private void Operate()
    {
        switch (_random.Next(10))
        {
            case 0: Import(); break;
            case 1: StartJob(); break;
            case < 5: StepJob(); break;
            case 5: Hold(); break;
            default: ActOnLetter(); break;
        }
    }

    private void ActOnLetter()
    {
        var dead = _disk.Shadow.Deliveries.Where(delivery => delivery.State is DeliveryState.Dead).ToList();
        if (dead.Count == 0)
            return;
        var (id, number) = (dead[_random.Next(dead.Count)].Id, _random.Next(1_000));
        HandOver<DeadLetterOutcome>(_random.Next(10) switch
        {
            0 => new DiscardCommand(id, "ann", null),
            1 => new ResolveCommand(id, "ann", "by hand"),
            2 or 3 => new EditPayloadCommand(id, "ann", null, BitConverter.GetBytes(number)),
            4 or 5 => new AnnotateCommand(id, "ann") { Note = $"note {number}" },
            _ => new ReplayCommand(id, "ann", null),
        });
    }

    /// <summary>A letter of another relay, or one that came in before.</summary>
    private void Import()
    {
        if (_letters.Count < ImportsMax && (_letters.Count == 0 || _random.Next(2) == 0))
        {
            var id = new DeliveryId(new Guid(0x7000_0000 + _letters.Count, 1, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 0), _random.Next(2));
            _letters.Add(new()
            {
                Id = id,
                Queue = _random.Next(2) == 0 ? "strict" : "loose",
                Service = "shop",
                State = DeliveryState.Dead,
                Generation = 0,
                CreatedAt = _clock.GetUtcNow(),
                AttemptCount = 1,
                OrderKey = _random.Next(2) == 0 ? "lane 0" : null,
                Note = _random.Next(2) == 0 ? "imported" : null,
                IdempotencyKey = id.MessageId.ToString("D"),
                Attempts = [new() { Number = 1, StartedAt = _clock.GetUtcNow(), Outcome = "failed" }],
            });
        }
        var letter = _letters[_random.Next(_letters.Count)];
        HandOver(new ImportLetterCommand(letter, new(letter.Id.MessageId.ToByteArray(), null, null), "ann"));
    }

    private void StartJob()
    {
        if (_jobs >= JobsMax)
            return;
        var id = new Guid(++_jobs, 2, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 0);
        var queue = _random.Next(2) == 0 ? "strict" : "loose";
        HandOver(new StartReplayCommand(id, new() { Filter = new() { Queue = queue }, Actor = "job" }, 0));
    }

    /// <summary>What a runner does, and sometimes a second one that has not noticed the first: the next batch, a move, an old
    /// batch.</summary>
    private void StepJob()
    {
        if (_disk.State.Replays.Count == 0)
            return;
        var job = _disk.State.Replays[_random.Next(_disk.State.Replays.Count)].Job;
        if (_random.Next(5) == 0)
        {
            var to = job.State is ReplayState.Running ? ReplayState.Paused : ReplayState.Running;
            HandOver(new MoveReplayCommand(job.Id, job.State, to, null));
            return;
        }
        var at = job.Cursor is null ? 0 : int.Parse(job.Cursor, CultureInfo.InvariantCulture);
        if (at > 0 && _random.Next(5) == 0)
            at--;
        // Some are not dead any more when the batch comes: they are left alone.
        var letters = _disk.Shadow.Deliveries
            .Where(delivery => delivery.Queue == job.Request.Filter.Queue && (delivery.State is DeliveryState.Dead || _random.Next(8) == 0))
            .OrderBy(delivery => delivery.Order).Take(2).Select(delivery => delivery.Id).ToList();
        HandOver(new ReplayBatchCommand(job.Id, at == 0 ? null : Place(at), Place(at + 1), letters));
    }

    private static string Place(int at) => at.ToString(CultureInfo.InvariantCulture);

    private void Hold()
    {
        var queue = _random.Next(2) == 0;
        var (kind, name) = queue ? (ControlKind.QueuePaused, _random.Next(2) == 0 ? "strict" : "loose")
            : (ControlKind.ServicePaused, _random.Next(2) == 0 ? "shop" : "bank");
        HandOver(new ControlCommand(kind, name, !_disk.Shadow.Controls.Contains((kind, name)), "ann", null));
    }

    private void Lift((ControlKind Kind, string Name) held) => HandOver(new ControlCommand(held.Kind, held.Name, false, "ann", null));

    private void Operate(StoreCommand<DeadLetterOutcome> act) => HandOver(act);

    private void HandOver<TResult>(StoreCommand<TResult> act)
    {
        Note(act.GetType().Name);
        _ = _store!.HandOver(act, ofSender: true).ContinueWith(
            done =>
            {
                _ = done.Exception;
                if (done.IsCompletedSuccessfully)
                    _acts.Add(act);
                foreach (var service in Services)
                    _dispatcher?.Notify(service.Name);
            },
            CancellationToken.None, TaskContinuationOptions.None, _world);
    }

    /// <summary>After a crash: what was answered is still written.</summary>
    private void CheckActs()
    {
        if (_acts.Find(act => !_disk.Has(act)) is { } lost)
            throw new Violation($"{lost.GetType().Name} was acknowledged and is lost");
    }
}
