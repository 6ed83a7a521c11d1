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

/// <summary>A store of Recourse, with everything on: books, fences, and the history unless it is told otherwise.</summary>
internal sealed class StoreSubject(string name, Func<MessageStore> create, bool history = true) : Subject
{
    private static readonly string[] Services = ["service"];
    private readonly MessageStore _store = create();

    public override string Name { get; } = name;

    public override Task OpenAsync() => _store.OpenAsync();

    public override async Task EnqueueAsync(ReadOnlyMemory<byte> body) =>
        await _store.CommitAsync(
            new EnqueueCommand(new() { Queue = "queue", Services = Services, Body = body, ContentType = "application/json" }));

    public override async Task<int> HandleAsync(int max)
    {
        var claim = await _store.CommitAsync(new ClaimCommand("service", max, "bench"));
        var ends = new Task[claim.Deliveries.Count];
        for (var i = 0; i < ends.Length; i++)
        {
            var claimed = claim.Deliveries[i];
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

    public override ValueTask DisposeAsync() => _store.DisposeAsync();
}
