using System.Text;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>Draws a sequence of commands from a seed and runs it on several stores at once; they must always look the same.</summary>
internal sealed class CommandSequence(int seed, ManualClock clock, IReadOnlyList<SequenceSubject> subjects)
{
    private static readonly string[] Queues = ["a", "b"];
    private static readonly string[] Services = ["x", "y", "z"];
    private static readonly string[] Actors = ["ann", "bob"];
    private static readonly Applied[] AppliedValues = [Applied.No, Applied.Maybe];
    private static readonly Blame[] Blames = [Blame.Service, Blame.Message, Blame.Unknown];
    private static readonly FaultKind[] Kinds = [FaultKind.Timeout, FaultKind.ValidationError, FaultKind.ConnectionReset];

    private static readonly long OfTimeouts = LetterGroups.Fingerprint("x", "timeout", null, "error <*>");

    private readonly Random _random = new(seed);
    private readonly List<string> _log = [];

    public bool WithPruning { get; init; } = true;

    public async Task RunAsync(int steps)
    {
        foreach (var subject in subjects)
            await subject.OpenAsync();
        for (var step = 0; step < steps; step++)
        {
            await SameAsync(Next());
            if (step % 10 == 9)
                await SameAsync(("look", subject => subject.ShowAsync()));
        }
        await SameAsync(("look", subject => subject.ShowAsync()));
    }

    private async Task SameAsync((string Name, Func<SequenceSubject, Task<string>> Run) action)
    {
        _log.Add(action.Name);
        var expected = await action.Run(subjects[0]);
        foreach (var subject in subjects.Skip(1))
        {
            var actual = await action.Run(subject);
            if (actual != expected)
            {
                var from = Math.Max(0, _log.Count - 25);
                Assert.Fail(
                    $"seed {seed}, step {_log.Count} ({action.Name}): {subject.Name} differs from {subjects[0].Name}\n"
                    + $"after: {string.Join("; ", _log[from..])}\n"
                    + $"expected:\n{Apart(expected, actual)}\nactual:\n{Apart(actual, expected)}");
            }
        }
    }

    private static string Apart(string text, string other) => string.Join('\n', text.Split('\n').Except(other.Split('\n')));

    private (string Name, Func<SequenceSubject, Task<string>> Run) Next() => _random.Next(100) switch
    {
        < 26 => Enqueue(),
        < 47 => Claim(),
        < 57 => Complete(),
        < 72 => Fail(),
        < 75 => Release(),
        < 78 => Replay(),
        < 79 => Discard(),
        < 80 => Import(),
        < 84 => Mark(),
        < 85 when WithPruning => Prune(),
        < 86 => Expire(),
        < 88 => Hold(),
        < 90 => StartReplay(),
        < 95 => StepReplay(),
        < 98 => Advance(),
        _ => Restart(),
    };

    private T Any<T>(IReadOnlyList<T> values) => values[_random.Next(values.Count)];

    private (string, Func<SequenceSubject, Task<string>>) Enqueue()
    {
        var services = Services.Where(_ => _random.Next(2) == 0).ToArray();
        var message = new NewMessage
        {
            Queue = Any(Queues),
            Body = Encoding.UTF8.GetBytes($"body {_random.Next(2)}"),
            Services = services.Length == 0 ? ["x"] : services,
            OrderKey = _random.Next(2) == 0 ? null : $"lane {_random.Next(2)}",
            IdempotencyKey = _random.Next(4) == 0 ? $"key {_random.Next(4)}" : null,
            Priority = _random.Next(3) == 0 ? _random.Next(10) : 4,
            DeliverAt = _random.Next(5) == 0 ? clock.GetUtcNow().AddSeconds(_random.Next(-50, 200)) : null,
            ExpiresAt = _random.Next(5) == 0 ? clock.GetUtcNow().AddSeconds(_random.Next(600)) : null,
        };
        var room = _random.Next(3);
        return ($"enqueue {message.Queue} {string.Join(',', message.Services)} {message.OrderKey} {message.IdempotencyKey} {room}",
            subject => subject.EnqueueAsync(message, room));
    }

    private (string, Func<SequenceSubject, Task<string>>) Claim()
    {
        var (service, max, suspects, bulk) = (Any(Services), _random.Next(1, 4), _random.Next(4) == 0, _random.Next(3));
        return ($"claim {service} {max} {bulk} {suspects}", subject => subject.ClaimAsync(new(service, max, "node")
        {
            Suspects = suspects,
            BulkMax = bulk,
        }));
    }

    /// <summary>One of the leases ever given, the latest more often: old ones must be refused alike.</summary>
    private (string, Func<SequenceSubject, Task<string>>) OnHeld(string name, Func<ClaimedDelivery, StoreCommand<bool>> command)
    {
        var count = subjects[0].Held.Count;
        if (count == 0)
            return Claim();
        var index = _random.Next(5) == 0 ? _random.Next(count) : count - 1 - _random.Next(Math.Min(count, 4));
        return ($"{name} {index}", async subject => (await subject.Store.CommitAsync(command(subject.Held[index]))).ToString());
    }

    private (string, Func<SequenceSubject, Task<string>>) Complete()
    {
        // Where nothing is pruned, a message without a history would be.
        var keep = !WithPruning || _random.Next(3) > 0;
        return OnHeld($"complete {keep}", held => new CompleteCommand(
            held.Id, held.Lease, Attempt(held) with { Outcome = "delivered", Status = "200" })
        { KeepHistory = keep });
    }

    private (string, Func<SequenceSubject, Task<string>>) Fail()
    {
        var fault = new Classification
        {
            Kind = Any(Kinds),
            Persistence = Persistence.Transient,
            Scope = RetryScope.Call,
            Applied = Any(AppliedValues),
            Blame = Any(Blames),
            Evidence = "test",
        };
        var dead = _random.Next(3) == 0;
        var delay = TimeSpan.FromSeconds(_random.Next(120));
        var due = clock.GetUtcNow() + delay;
        var (block, keep, error) = (_random.Next(2) == 0, _random.Next(4) > 0, $"error {_random.Next(1000)}");
        return OnHeld(dead ? "kill" : "fail", held => new FailCommand(
            held.Id, held.Lease, Attempt(held) with { Error = error }, fault,
            dead ? new(DeliveryAction.DeadLetter, null, "enough") : new(DeliveryAction.Retry, due, "again", delay))
        { BlockLane = block, KeepHistory = keep });
    }

    private (string, Func<SequenceSubject, Task<string>>) Release() => OnHeld("release", held => new ReleaseCommand(held.Id, held.Lease));

    private static Attempt Attempt(ClaimedDelivery held) =>
        new() { Number = held.Attempt, StartedAt = held.ClaimedAt, DurationMs = 5, Outcome = "failed", Node = "node" };

    private (string, Func<SequenceSubject, Task<string>>) OnAny(string name, Func<DeliveryId, StoreCommand<DeadLetterOutcome>> command)
    {
        if (subjects[0].Messages == 0)
            return Enqueue();
        var (message, index) = (_random.Next(subjects[0].Messages), _random.Next(3));
        return ($"{name} {message}.{index}", async subject =>
            (await subject.Store.CommitAsync(command(subject.Id(message, index)))).ToString());
    }

    private (string, Func<SequenceSubject, Task<string>>) Replay()
    {
        var (actor, key) = (Any(Actors), Any(Enum.GetValues<ReplayKey>()));
        return OnAny($"replay by {actor} {key}", id => new ReplayCommand(id, actor, null) { Key = key });
    }

    /// <summary>What people do to letters; mostly to the latest, which are more often dead.</summary>
    private (string, Func<SequenceSubject, Task<string>>) Mark()
    {
        var (actor, number, duration) = (Any(Actors), _random.Next(4), TimeSpan.FromMinutes(_random.Next(1, 5)));
        return _random.Next(5) switch
        {
            0 => OnAny($"resolve {actor}", id => new ResolveCommand(id, actor, "by hand")),
            1 => OnAny($"edit {actor} {number}", id => new EditPayloadCommand(id, actor, "typo", Encoding.UTF8.GetBytes($"edit {number}"))
            {
                IfEdits = number == 3 ? null : number,
                ContentType = number == 1 ? "text/plain" : null,
            }),
            2 => OnAny($"annotate {actor} {number}", id => new AnnotateCommand(id, actor)
            {
                Assignee = number == 0 ? "" : number == 1 ? "ann" : null,
                Note = number == 2 ? "seen" : null,
                Manual = number == 3 ? true : null,
            }),
            3 => OnAny($"take {actor}", id => new TakeCommand(id, actor, duration)),
            _ => OnAny($"let go {actor}", id => new LetGoCommand(id, actor)),
        };
    }

    private (string, Func<SequenceSubject, Task<string>>) Discard() => OnAny("discard", id => new DiscardCommand(id, "ann", "why not"));

    /// <summary>What an export took a while ago; where nothing was exported, or for a change, exports.</summary>
    private (string, Func<SequenceSubject, Task<string>>) Import()
    {
        var count = subjects[0].Exported.Count;
        if (count == 0 || _random.Next(3) == 0)
            return ("export", subject => subject.ExportAsync());
        var index = _random.Next(count);
        return ($"import {index}", subject => subject.ImportAsync(index));
    }

    private (string, Func<SequenceSubject, Task<string>>) Prune()
    {
        var (age, limit) = (TimeSpan.FromMinutes(_random.Next(20)), _random.Next(1, 5));
        return ($"prune {age} {limit}", async subject => (await subject.Store.CommitAsync(new PruneCommand(age, limit))).ToString());
    }

    private (string, Func<SequenceSubject, Task<string>>) Expire()
    {
        var limit = _random.Next(1, 5);
        return ($"expire {limit}", async subject => (await subject.Store.CommitAsync(new ExpireCommand(limit))).ToString());
    }

    private (string, Func<SequenceSubject, Task<string>>) Hold()
    {
        var kind = Any(Enum.GetValues<ControlKind>());
        var name = kind is ControlKind.QueuePaused or ControlKind.QueueDraining ? Any(Queues) : Any(Services);
        // Mostly taken back: a store where everything is held shows nothing.
        var on = _random.Next(3) == 0;
        return ($"{kind} {name} {on}", async subject =>
            (await subject.Store.CommitAsync(new ControlCommand(kind, name, on, "ann", null))).ToString());
    }

    private (string, Func<SequenceSubject, Task<string>>) StartReplay()
    {
        var request = new ReplayRequest
        {
            Filter = _random.Next(6) switch
            {
                0 or 1 => new() { Queue = Any(Queues) },
                2 or 3 => new() { Kind = Any(Kinds) },
                4 => new() { Text = "or 1", Since = clock.GetUtcNow().AddMinutes(-5) },
                _ => new() { AttemptsMin = 2, VisibleTo = "bob", Group = LetterGroups.Id(OfTimeouts) },
            },
            Actor = Any(Actors),
            Canary = _random.Next(3) == 0 ? 2 : 0,
            CanaryShare = 0.5,
            Limit = _random.Next(2) == 0 ? null : _random.Next(1, 9),
            Key = Any(Enum.GetValues<ReplayKey>()),
        };
        return ($"replays {request}", subject => subject.StartReplayAsync(request));
    }

    private (string, Func<SequenceSubject, Task<string>>) StepReplay()
    {
        var count = subjects[0].Jobs.Count;
        if (count == 0)
            return StartReplay();
        var index = count - 1 - _random.Next(Math.Min(count, 3));
        return ($"step {index}", subject => subject.StepReplayAsync(index));
    }

    private (string, Func<SequenceSubject, Task<string>>) Advance()
    {
        var by = TimeSpan.FromSeconds(_random.Next(1, 200));
        clock.Advance(by);
        return ($"advance {by}", _ => Task.FromResult(""));
    }

    private static (string, Func<SequenceSubject, Task<string>>) Restart() => ("restart", async subject =>
    {
        await subject.Store.DisposeAsync();
        return await subject.OpenAsync();
    }
    );
}
