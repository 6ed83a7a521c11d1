using System.Collections.Concurrent;
using Recourse.Durable;

namespace Recourse.StoreBench;

/// <summary>Something that keeps messages and hands them out: a store, or the floor it is measured against.</summary>
internal abstract class Subject : IAsyncDisposable
{
    public abstract string Name { get; }

    public abstract Task OpenAsync();

    public abstract Task EnqueueAsync(ReadOnlyMemory<byte> body);

    /// <summary>Claims up to so many, handles them (which takes no time) and ends them; how many there were.</summary>
    public abstract Task<int> HandleAsync(int max);

    public abstract ValueTask DisposeAsync();
}

/// <summary>
/// A store of Recourse, with everything on: books, fences, and the history unless it is told otherwise. As a dispatcher with free permits
/// does, it takes what is stored at once where the store offers it, and claims the rest; or it claims all, as when work is piled up.
/// </summary>
internal sealed class StoreSubject(string name, Func<MessageStore> create, bool history = true, bool apart = false) : Subject, IArrivals
{
    private static readonly string[] Services = ["service"];
    private readonly MessageStore _store = create();
    private readonly ConcurrentQueue<ClaimedDelivery> _arrived = new();
    private int _waiting;

    public override string Name { get; } = name;

    public override async Task OpenAsync()
    {
        await _store.OpenAsync();
        _store.Arrivals = apart ? null : this;
    }

    public override async Task EnqueueAsync(ReadOnlyMemory<byte> body)
    {
        var command = new EnqueueCommand(
            new() { Queue = "queue", Services = Services, Body = body, ContentType = "application/json" });
        await _store.CommitAsync(command);
        if (!command.IsTaken)
            Interlocked.Increment(ref _waiting);
    }

    public override async Task<int> HandleAsync(int max)
    {
        var deliveries = new List<ClaimedDelivery>();
        while (deliveries.Count < max && _arrived.TryDequeue(out var arrived))
            deliveries.Add(arrived);
        if (deliveries.Count == 0 && Volatile.Read(ref _waiting) > 0)
        {
            deliveries.AddRange((await _store.CommitAsync(new ClaimCommand("service", max, "bench"))).Deliveries);
            Interlocked.Add(ref _waiting, -deliveries.Count);
        }
        var ends = new Task[deliveries.Count];
        for (var i = 0; i < ends.Length; i++)
        {
            var claimed = deliveries[i];
            var attempt = new Attempt
            {
                Number = claimed.Attempt,
                StartedAt = claimed.ClaimedAt,
                DurationMs = 1,
                Outcome = "delivered",
                Status = "200",
                Node = "bench",
            };
            ends[i] = _store.CommitAsync(new CompleteCommand(claimed.Id, claimed.Lease, attempt) { KeepHistory = history }).AsTask();
        }
        await Task.WhenAll(ends);
        return ends.Length;
    }

    ArrivalRoom? IArrivals.Reserve(string service, int count) => new Room(count, _arrived);

    public override ValueTask DisposeAsync() => _store.DisposeAsync();

    private sealed class Room(int count, ConcurrentQueue<ClaimedDelivery> arrived) : ArrivalRoom
    {
        public override int Count => count;

        public override string Node => "bench";

        public override void Begin(ClaimedDelivery delivery) => arrived.Enqueue(delivery);

        public override void Dispose()
        {
        }
    }
}
