using System.Collections.Concurrent;

namespace Recourse.Durable.Tests;

/// <summary>A store between the dispatcher and the one in memory: it notes each command and lets a test delay, fail or follow it.</summary>
internal sealed class HookedStore(MessageStore inner) : MessageStore
{
    private int _inHand;

    /// <summary>Runs before each command; what it throws the caller gets, and nothing is committed.</summary>
    internal Func<StoreCommand, Task>? Before { get; set; }

    /// <summary>Runs after each command is committed, before the caller gets the result.</summary>
    internal Func<StoreCommand, Task>? After { get; set; }

    /// <summary>Every committed command, in order.</summary>
    internal ConcurrentQueue<StoreCommand> Committed { get; } = new();

    /// <summary>The most deliveries that were claimed and not ended at any moment.</summary>
    internal int MostInHand { get; private set; }

    internal IEnumerable<ClaimCommand> Claims => Committed.OfType<ClaimCommand>();

    /// <summary>True throws at whoever would read, as a server does that cannot be reached.</summary>
    internal bool Away { get; set; }

    public override StoreQueries Queries =>
        Away ? throw new StoreException("The server cannot be reached.", StoreProblem.Unavailable) : inner.Queries;

    /// <summary>How this process is known to others that share the store; null for as the store itself says.</summary>
    internal StoreNodes? SharedAs { get; set; }

    public override StoreNodes? Nodes => SharedAs ?? inner.Nodes;

    internal override IArrivals? Arrivals
    {
        get => inner.Arrivals;
        set => inner.Arrivals = value;
    }

    public override Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default) => inner.OpenAsync(cancellationToken);

    public override async ValueTask<TResult> CommitAsync<TResult>(StoreCommand<TResult> command,
        CancellationToken cancellationToken = default)
    {
        if (Before is { } before) await before(command);
        var result = await inner.CommitAsync(command, cancellationToken);
        Committed.Enqueue(command);
        lock (Committed)
        {
            _inHand += command is ClaimCommand claim ? claim.Result.Deliveries.Count : 0;
            MostInHand = Math.Max(MostInHand, _inHand);
            _inHand -= command is CompleteCommand or FailCommand or ReleaseCommand ? 1 : 0;
        }

        if (After is { } after) await after(command);
        return result;
    }

    public override ValueTask DisposeAsync() => inner.DisposeAsync();
}
