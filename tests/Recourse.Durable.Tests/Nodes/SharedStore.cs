using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>A store in memory that this node shares with others, of which a test says what they do; pulses are made by the test.</summary>
internal sealed class SharedStore(ManualClock clock) : MessageStore
{
    public const long Self = 2;

    private readonly InMemoryMessageStore _inner = new(clock);
    private StoreNodes? _nodes;

    public override StoreQueries Queries => _inner.Queries;

    public override StoreNodes? Nodes => _nodes;

    /// <summary>The duty has fallen to this node; before, one that joined earlier has it.</summary>
    public bool KeepsHouse { get; set; }

    /// <summary>The others that live, by number.</summary>
    public List<long> Others { get; } = [1];

    /// <summary>How often operators reset the breaker of each service, on whichever node.</summary>
    public Dictionary<string, long> Resets { get; } = [];

    /// <summary>Another node has died, and what was in hand is nobody's.</summary>
    public bool HasOrphans { get; set; }

    public override async Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default)
    {
        var opening = await _inner.OpenAsync(cancellationToken);
        _nodes = new(this, () => Node, clock);
        await _nodes.JoinAsync(beginPulses: false);
        return opening;
    }

    /// <summary>This node says that it lives, and hears what the others did.</summary>
    public async Task PulseAsync(int times = 1)
    {
        for (var pulse = 0; pulse < times; pulse++)
            await _nodes!.PulseAsync();
    }

    public override async ValueTask<TResult> CommitAsync<TResult>(
        StoreCommand<TResult> command, CancellationToken cancellationToken = default)
    {
        if (command is PulseCommand pulse)
            pulse.Result = new(Self, [.. Others.Append(Self).Order().Select(id => new NodeBeat(id, 1))], HasOrphans, KeepsHouse, [],
                new Dictionary<string, long>(Resets));
        else if (command is TakeOverCommand takeOver)
            (takeOver.Result, HasOrphans) = (await _inner.OpenAsync(cancellationToken), false);
        else
            return await _inner.CommitAsync(command, cancellationToken);
        return command.Result;
    }

    public override ValueTask DisposeAsync() => _inner.DisposeAsync();
}
