using System.Text;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>A mistake that the model can be given, to see that the simulation notices it.</summary>
public enum NodeDefect
{
    None,
    /// <summary>A takeover ends the leases of those it strikes off, and forgets what nobody registered holds.</summary>
    OrphansForgotten,
    /// <summary>An outcome counts whatever lease it names.</summary>
    FenceNotCompared,
}

/// <summary>The database that nodes share, over the rules of the store in memory: registrations, holders of leases, duties.</summary>
internal sealed class SimulatedDatabase(ManualClock clock, NodeDefect defect)
{
    private readonly MemoryCommands _commands = new(clock);
    private readonly Dictionary<long, long> _holders = [];
    private long _number;
    private long? _housekeeper;

    public SortedDictionary<long, long> Nodes { get; } = [];
    public Dictionary<long, DateTimeOffset> PulsedAt { get; } = [];
    public MemoryCommands Commands => _commands;

    public long HolderOf(long lease) => _holders[lease];

    public Pulse Pulse(PulseCommand command)
    {
        var id = command.Id;
        if (!Nodes.ContainsKey(id))
            Nodes.Add(id = ++_number, 0);
        Nodes[id]++;
        PulsedAt[id] = clock.GetUtcNow();
        if (_housekeeper is not { } keeper || !Nodes.ContainsKey(keeper))
            _housekeeper = id;
        var orphans = defect is not NodeDefect.OrphansForgotten && HasOrphans();
        return new(id, [.. Nodes.Select(node => new NodeBeat(node.Key, node.Value))], orphans,
            _housekeeper == id, [], new Dictionary<string, long>());
    }

    public StoreOpening TakeOver(TakeOverCommand command)
    {
        var struck = command.Dead
            .Where(dead => Nodes.TryGetValue(dead.Id, out var beats) && beats == dead.Beats)
            .Select(dead => dead.Id).ToHashSet();
        foreach (var node in struck)
        {
            var silence = clock.GetUtcNow() - PulsedAt[node];
            Violation.Unless(silence > TimeSpan.FromSeconds(5),
                $"node {node} was struck off {silence.TotalSeconds:0.0} s after its last pulse");
            Nodes.Remove(node);
        }
        return _commands.EndLeases(_ => true, delivery => defect is NodeDefect.OrphansForgotten
            ? struck.Contains(_holders[delivery.Lease]) : !Nodes.ContainsKey(_holders[delivery.Lease]));
    }

    public ClaimResult Claim(ClaimCommand command, long node)
    {
        // The defect is found only because such a node may claim while it does not know that it was struck off.
        if (!Nodes.ContainsKey(node) && defect is not NodeDefect.OrphansForgotten)
            return new([], null);
        _commands.Apply(command);
        foreach (var claimed in command.Result.Deliveries)
            _holders[claimed.Lease] = node;
        return command.Result;
    }

    /// <summary>Stores a message; what is claimed with it by a node that has room, if it is.</summary>
    public ClaimedDelivery? Store(EnqueueCommand command, long? node)
    {
        _commands.Apply(command);
        if (node is not { } taker || !command.MayBeTaken || !Nodes.ContainsKey(taker) && defect is not NodeDefect.OrphansForgotten
            || _commands.TakeArrived(command, "node") is not { } claimed)
            return null;
        _holders[claimed.Lease] = taker;
        return claimed;
    }

    public bool Complete(CompleteCommand command)
    {
        if (defect is NodeDefect.FenceNotCompared && _commands.Messages[command.Id.MessageId].Deliveries[0].Lease is > 0 and var lease)
            command = new(command.Id, lease, command.Attempt);
        _commands.Apply(command);
        return command.Result;
    }

    private bool HasOrphans() => _commands.Deliveries.Values.Any(
        delivery => delivery.State is DeliveryState.Leased && !Nodes.ContainsKey(_holders[delivery.Lease]));
}

/// <summary>A process on a clock of its own: it can be frozen, cut off from the database, or killed.</summary>
internal sealed class SimulatedNode(SimulatedDatabase database, double rate) : MessageStore
{
    private readonly ManualClock _clock = new();
    private StoreNodes? _nodes;

    public List<ClaimedDelivery> InHand { get; } = [];
    /// <summary>It takes what it stores.</summary>
    public bool HasRoom { get; set; }
    public bool Cut { get; set; }
    public TimeSpan FrozenFor { get; set; }
    public TimeSpan UntilPulse { get; set; }
    public bool Alive => _nodes is not null;
    public override StoreNodes? Nodes => _nodes;
    public override StoreQueries Queries =>
        throw new NotSupportedException("A simulated node only writes; what the database holds, the schedule reads there.");

    public void Advance(TimeSpan time)
    {
        _clock.Advance(time * rate);
        FrozenFor = FrozenFor > time ? FrozenFor - time : TimeSpan.Zero;
        UntilPulse -= time * rate;
    }

    public async Task BeginAsync()
    {
        InHand.Clear();
        (UntilPulse, FrozenFor) = (TimeSpan.FromSeconds(1), TimeSpan.Zero);
        var nodes = new StoreNodes(this, () => Node, _clock);
        await nodes.JoinAsync(beginPulses: false);
        _nodes = nodes;
    }

    public void Kill() => _nodes = null;

    public override ValueTask<TResult> CommitAsync<TResult>(StoreCommand<TResult> command, CancellationToken cancellationToken = default)
    {
        if (Cut)
            return ValueTask.FromException<TResult>(new StoreException("Simulated: cut off.", StoreProblem.Unavailable));
        switch (command)
        {
            case PulseCommand pulse: pulse.Result = database.Pulse(pulse); break;
            case TakeOverCommand takeOver: takeOver.Result = database.TakeOver(takeOver); break;
            case ClaimCommand claim: claim.Result = database.Claim(claim, _nodes!.Id); break;
            case CompleteCommand complete: complete.Result = database.Complete(complete); break;
            case EnqueueCommand enqueue:
                EnqueueChecks.Prepare(enqueue);
                if (database.Store(enqueue, HasRoom ? _nodes!.Id : null) is { } claimed)
                    InHand.Add(claimed);
                break;
            default: database.Commands.Apply(command); break;
        }
        return ValueTask.FromResult(command.Result);
    }

    public override Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("A simulated node has no store of its own to open; it begins with BeginAsync.");

    public override ValueTask DisposeAsync() => default;
}

/// <summary>One schedule of several nodes: who acts, who is frozen, cut off or killed, and for how long, is drawn from the seed.</summary>
internal sealed class NodeSchedule(int seed, NodeDefect defect)
{
    private const int Count = 3;
    private const int Permits = 7;
    private const string Service = "shop";
    private static readonly TimeSpan TakeoverMax = TimeSpan.FromSeconds(9);

    private readonly Random _random = new(seed);
    private readonly ManualClock _clock = new();
    private readonly List<SimulatedNode> _nodes = [];
    private readonly Dictionary<string, int> _lastOfLane = [];
    private readonly Dictionary<Guid, int> _delivered = [];
    private SimulatedDatabase _database = null!;
    private DateTimeOffset _calmSince;
    private int _sent;

    public int Strikes { get; private set; }

    public async Task RunAsync()
    {
        _database = new(_clock, defect);
        for (var i = 0; i < Count; i++)
        {
            // Clocks that go wrong by a twentieth, and were never set to the same time.
            _nodes.Add(new(_database, 0.95 + (_random.NextDouble() * 0.1)));
            _nodes[i].Advance(TimeSpan.FromMinutes(_random.Next(100)));
            await _nodes[i].BeginAsync();
        }
        _calmSince = _clock.GetUtcNow();
        for (var step = 0; step < 400; step++)
        {
            await DisturbAsync();
            await StepAsync(finish: false);
        }
        await HealAsync();
        for (var step = 0; step < 400 && _delivered.Count < _sent; step++)
            await StepAsync(finish: true);
        Violation.Unless(_delivered.Count == _sent, $"{_sent - _delivered.Count} of {_sent} were never delivered");
    }

    private async Task DisturbAsync()
    {
        if (_random.Next(25) != 0)
            return;
        var node = _nodes[_random.Next(Count)];
        _calmSince = _clock.GetUtcNow();
        switch (_random.Next(4))
        {
            case 0:
                node.FrozenFor = TimeSpan.FromSeconds(_random.Next(1, 20));
                break;
            case 1:
                node.Cut = !node.Cut;
                break;
            case 2 when node.Alive:
                node.Kill();
                break;
            default:
                node.Cut = false;
                if (!node.Alive)
                    await node.BeginAsync();
                break;
        }
    }

    private async Task HealAsync()
    {
        foreach (var node in _nodes)
        {
            (node.Cut, node.FrozenFor) = (false, TimeSpan.Zero);
            if (!node.Alive)
                await node.BeginAsync();
        }
        _calmSince = _clock.GetUtcNow();
    }

    private async Task StepAsync(bool finish)
    {
        var time = TimeSpan.FromMilliseconds(_random.Next(50, 500));
        _clock.Advance(time);
        foreach (var node in _nodes)
        {
            node.Advance(time);
            if (!node.Alive || node.FrozenFor > TimeSpan.Zero)
            {
                _calmSince = _clock.GetUtcNow();
                continue;
            }
            try
            {
                await ActAsync(node, finish);
            }
            catch (StoreException)
            {
                _calmSince = _clock.GetUtcNow();
            }
        }
        Check();
    }

    private async Task ActAsync(SimulatedNode node, bool finish)
    {
        // A node that wakes up does what it was about to do before its next pulse tells it the news.
        if (_random.Next(2) == 0)
            await HandInAsync(node);
        if (!finish && _random.Next(3) == 0)
            await SendAsync(node);
        if (node.UntilPulse <= TimeSpan.Zero)
        {
            node.UntilPulse = TimeSpan.FromSeconds(1);
            var before = node.Nodes!.Id;
            await node.Nodes.PulseAsync();
            Strikes += node.Nodes.Id == before ? 0 : 1;
        }
        if (_random.Next(2) == 0 && node.Nodes!.Share.Of(Permits, Service) > node.InHand.Count)
        {
            var claim = new ClaimCommand(Service, 1, "node") { Suspects = _random.Next(2) == 0 };
            node.InHand.AddRange((await node.CommitAsync(claim)).Deliveries);
        }
        if (finish)
            await HandInAsync(node);
    }

    private async Task SendAsync(SimulatedNode node)
    {
        node.HasRoom = _random.Next(2) == 0 && node.Nodes!.Share.Of(Permits, Service) > node.InHand.Count;
        await node.CommitAsync(new EnqueueCommand(new()
        {
            Queue = "orders",
            Services = [Service],
            Body = Encoding.UTF8.GetBytes($"{_sent}"),
            OrderKey = _sent % 3 == 0 ? null : $"lane-{_sent % 2}",
        }));
        _sent++;
    }

    private async Task HandInAsync(SimulatedNode node)
    {
        while (node.InHand is [var claimed, ..])
        {
            var kept = await node.CommitAsync(new CompleteCommand(claimed.Id, claimed.Lease, new()
            {
                Number = claimed.Attempt,
                StartedAt = claimed.ClaimedAt,
                Outcome = "delivered",
            }));
            node.InHand.RemoveAt(0);
            if (!kept)
                continue;
            Violation.Unless(_database.Nodes.ContainsKey(_database.HolderOf(claimed.Lease)),
                $"{claimed.Id} was handed in by a node that had been struck off, and counted");
            var number = int.Parse(Encoding.UTF8.GetString(claimed.Body.Span), System.Globalization.CultureInfo.InvariantCulture);
            Violation.Unless(_delivered.TryAdd(claimed.Id.MessageId, number), $"message {number} counted twice");
            if (claimed.OrderKey is not { } lane)
                continue;
            Violation.Unless(_lastOfLane.GetValueOrDefault(lane, -1) < number, $"message {number} of {lane} came after a later one");
            _lastOfLane[lane] = number;
        }
    }

    private void Check()
    {
        var now = _clock.GetUtcNow();
        if (now - _calmSince < TakeoverMax)
            return;
        // Nobody was disturbed for a while: who does not live was struck off, and the permits are dealt out again, all of them.
        var registered = _nodes.Where(node => node.Alive).Select(node => node.Nodes!.Id).Order();
        Violation.Unless(_database.Nodes.Keys.SequenceEqual(registered),
            "a node that is gone is still registered, or one that lives is not");
        var permits = _nodes.Where(node => node.Alive).Sum(node => node.Nodes!.Share.Of(Permits, Service));
        Violation.Unless(permits == Permits, $"{permits} of {Permits} permits are dealt out");
        Violation.Unless(_nodes.Count(node => node.Nodes is { Housekeeping: true }) == 1, "not exactly one node keeps house");
    }
}
