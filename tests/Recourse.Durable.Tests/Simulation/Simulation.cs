using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>
/// One schedule, drawn from a seed: the real dispatcher on one thread and a virtual clock, over a store that crashes, refuses, loses
/// answers and repeats commands, with services that fail, senders that ask again and an operator. First everything happens in any order;
/// then the faults end, and all that was accepted has to come to its end.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A process that is killed disposes of nothing.")]
internal sealed partial class Simulation
{
    public const int Permits = 3;
    private const int MessagesMax = 12;
    private const int CalmStepsMax = 60_000;

    private static readonly ServicePolicy[] Services =
    [
        new() { Name = "shop", MaxConcurrent = Permits, FailureThreshold = 3, SuccessThreshold = 1, Timeout = TimeSpan.FromSeconds(10) },
        new() { Name = "bank", MaxConcurrent = Permits, FailureThreshold = 3, SuccessThreshold = 1, Timeout = TimeSpan.FromSeconds(10) },
    ];

    private readonly int _events;
    private readonly Random _random;
    private readonly SimulatedDisk _disk;
    private readonly SimulatedServices _services;
    private readonly SimulatedThread _world = new();
    private readonly List<NewMessage> _toSend = [];
    private readonly Dictionary<string, Guid> _acknowledged = [];
    private readonly List<string> _trail = [];
    private ManualClock _clock = new();
    private SimulatedThread? _process;
    private SimulatedStore? _store;
    private Dispatcher? _dispatcher;
    private Task? _stopping;

    /// <param name="seed">Draws everything.</param>
    /// <param name="events">How many steps with faults; 0 for as many as the seed says.</param>
    /// <param name="defect">What the store does wrong.</param>
    public Simulation(int seed, int events, Defect defect)
    {
        _random = new(seed);
        var drawn = _random.Next(50, 400);
        _events = events > 0 ? events : drawn;
        _disk = new(defect);
        _services = new(_disk, Permits);
    }

    /// <summary>How many messages were claimed with their storing.</summary>
    public int Arrived { get; private set; }

    /// <summary>How many steps with faults it has.</summary>
    public int Events => _events;

    /// <summary>The last steps, for people.</summary>
    public string Trail => string.Join('\n', _trail.TakeLast(60));

    /// <summary>Runs to the end.</summary>
    /// <exception cref="Violation">Something that must always hold did not.</exception>
    public void Run()
    {
        // What the runner of the tests would put continuations on.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            Start();
            for (var step = 0; step < _events; step++)
            {
                Step();
                CheckAlways();
            }
            Settle();
            CheckEnd();
        }
        finally
        {
            _process?.End();
            _world.End();
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private void Note(string what) => _trail.Add(
        string.Create(CultureInfo.InvariantCulture,
            $"{_clock.GetUtcNow():HH:mm:ss.fff} {what} (written {_disk.Written}, synced {_disk.Synced})"));

    private void Start()
    {
        _process = new();
        _store = new(_disk, _clock);
        var opening = _disk.Open(_clock.GetUtcNow());
        _dispatcher = new(_store, _services.CallAsync, Services, new()
        {
            Time = _clock,
            Sample = _random.NextDouble,
            SafetyPoll = TimeSpan.FromMinutes(5),
            ClaimMax = 2,
            Scheduler = _process,
            PolicyOf = queue => new() { MaxAttempts = 3, BlockLaneWhenDead = Shadow.BlocksLane(queue) },
        });
        _dispatcher.Start(opening);
        _stopping = null;
        Note($"opened, {opening}");
    }

    private void Step()
    {
        var ready = _process?.Ready + _world.Ready ?? 0;
        if (ready > 0 && _random.Next(10) < 7)
        {
            RunOne(_random.Next(ready));
            return;
        }
        switch (_random.Next(100))
        {
            case < 12: Send(); break;
            case < 31: Apply(); break;
            case < 44: _store!.Sync(); break;
            case < 62: Answer(); break;
            case < 76: EndCall(faulty: true); break;
            case < 86: AdvanceClock(); break;
            case < 88: JumpWallClock(); break;
            case < 93: Operate(); break;
            case < 97: _store!.ApplyAgain(_random); Note("an earlier outcome arrives again"); break;
            case < 98: Stop(); break;
            default: Crash(); break;
        }
    }

    private void RunOne(int index)
    {
        if (index < _process!.Ready)
            _process.Run(index);
        else
            _world.Run(index - _process.Ready);
    }

    private void Send()
    {
        if (_acknowledged.Count + _toSend.Count < MessagesMax && _random.Next(3) > 0)
        {
            var number = _acknowledged.Count + _toSend.Count + _trail.Count;
            _toSend.Add(new()
            {
                Queue = _random.Next(2) == 0 ? "strict" : "loose",
                Services = _random.Next(3) == 0 ? ["shop", "bank"] : ["shop"],
                Body = BitConverter.GetBytes(number),
                OrderKey = _random.Next(2) == 0 ? $"lane {_random.Next(2)}" : null,
                IdempotencyKey = $"key {number}",
            });
        }
        if (_toSend.Count == 0)
            return;
        var message = _toSend[_random.Next(_toSend.Count)];
        _toSend.Remove(message);
        Note($"send {message.IdempotencyKey} to {message.Queue} {message.OrderKey}");
        _ = Task.Factory.StartNew(() => SendAsync(message), CancellationToken.None, TaskCreationOptions.DenyChildAttach, _world);
    }

    private async Task SendAsync(NewMessage message)
    {
        try
        {
            var command = new EnqueueCommand(message) { IdempotencyWindow = TimeSpan.FromDays(3650) };
            var result = await _store!.HandOver(command, ofSender: true);
            Note($"{message.IdempotencyKey} is acknowledged: {result}");
            if (!_acknowledged.TryAdd(message.IdempotencyKey!, result.MessageId)
                && _acknowledged[message.IdempotencyKey!] != result.MessageId)
                throw new InvalidOperationException("One key, two ids.");
            Arrived += command.IsTaken ? 1 : 0;
            _dispatcher?.Notify(command);
        }
        catch (StoreException)
        {
            // Whether it was stored is not known: ask again under the same key.
            _toSend.Add(message);
        }
    }

    private void Apply()
    {
        if (_store!.HandedOver == 0)
            return;
        _store.ApplyOne(_random, faulty: true);
        Note("a command is applied");
    }

    private void Answer()
    {
        if (!_store!.CanAnswer)
            return;
        _store.AnswerOne(_random);
        Note("a command is answered");
    }

    private void EndCall(bool faulty)
    {
        if (_services.Running.Count > 0)
            Note(_services.EndOne(_random, faulty));
    }

    private void AdvanceClock()
    {
        if (_random.Next(4) == 0)
            _clock.Advance(TimeSpan.FromMilliseconds(_random.Next(30_000)));
        else
            _clock.AdvanceToNextTimer();
        Note("the clock moves");
    }

    private void JumpWallClock()
    {
        _clock.SetWallClock(_clock.GetUtcNow() + TimeSpan.FromMinutes(_random.Next(-60, 61)));
        Note("the wall clock jumps");
    }

    /// <summary>A graceful stop that has all the time that it needs; the next start comes when it has ended, or with a crash.</summary>
    private void Stop()
    {
        if (_stopping is { IsCompleted: true })
        {
            Crash();
            return;
        }
        Note("stops");
        var dispatcher = _dispatcher!;
        _stopping ??= Task.Factory.StartNew(
            () => dispatcher.StopAsync(Timeout.InfiniteTimeSpan), CancellationToken.None, TaskCreationOptions.DenyChildAttach,
                _process!).Unwrap();
    }

    private void Crash()
    {
        _process!.End();
        _services.Abandon(_random);
        var survivors = _random.Next(_disk.Written - _disk.Synced + 1);
        _disk.Crash(survivors);
        CheckActs();
        // The senders learn that nobody answers any more; what comes next is another process with a clock of its own.
        _store!.End();
        _clock = new(_clock.GetUtcNow());
        Note($"crashed; {survivors} unsynced entries survive");
        Start();
    }

    /// <summary>No more faults: everything runs, is stored, answered and called until nothing is left to do.</summary>
    private void Settle()
    {
        Note("calm from here");
        Crash();
        for (var step = 0; step < CalmStepsMax; step++)
        {
            CheckAlways();
            if (_process!.Ready + _world.Ready > 0)
                RunOne(0);
            else if (_store!.HandedOver > 0)
                _store.ApplyOne(_random, faulty: false);
            else if (_store.CanSync)
                _store.Sync();
            else if (_store.CanAnswer)
                _store.AnswerOne(_random);
            else if (_toSend.Count > 0)
                Send();
            else if (_services.Running.Count > 0)
                EndCall(faulty: false);
            else if (_disk.Shadow.Controls.Count > 0)
                Lift(_disk.Shadow.Controls.First());
            else if (_disk.Shadow.Deliveries.FirstOrDefault(delivery => delivery.State is DeliveryState.Dead) is { } dead)
                Operate(new ReplayCommand(dead.Id, "ann", null));
            else if (_disk.Shadow.Deliveries.All(delivery => delivery.State is DeliveryState.Delivered or DeliveryState.Discarded))
                return;
            else
                _clock.AdvanceToNextTimer();
        }
        throw new Violation("the faults have ended, and still not everything is delivered: "
            + string.Join(", ", _disk.Shadow.Deliveries.Where(delivery => delivery.State is not DeliveryState.Delivered)
                .Select(delivery => $"{delivery.Id} is {delivery.State}")));
    }

    private void CheckAlways()
    {
        if (_services.Broken is { } broken)
            throw broken;
        if ((_process!.Left ?? _world.Left) is { } where)
            throw new Violation($"something ran on another thread, so this seed does not repeat itself: {where}");
        foreach (var (key, id) in _acknowledged)
        {
            if (_disk.Shadow[new(id, 0)] is null)
                throw new Violation($"{key} was acknowledged as {id} and is lost");
        }
    }

    private void CheckEnd()
    {
        foreach (var delivery in _disk.Shadow.Deliveries)
        {
            if (delivery.State is DeliveryState.Delivered && _services.EffectsOf(delivery.Id) == 0)
                throw new Violation($"{delivery.Id} stands as delivered and never reached {delivery.Service}");
        }
        var stored = _disk.State.Messages.Count - _disk.Shadow.Imported;
        if (stored != _acknowledged.Count)
            throw new Violation($"{_acknowledged.Count} keys were acknowledged, and {stored} messages are stored");
        _disk.Shadow.CheckEnd(_disk.State);
    }
}
