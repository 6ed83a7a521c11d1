using System.Text;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>What every store must do. Each store runs all of it by a subclass; the in-memory store is the reference.</summary>
public abstract partial class StoreContract : IAsyncLifetime
{
    protected const string Queue = "orders";
    protected const string Service = "billing";

    protected static readonly Classification ServiceDown = new()
    {
        Kind = FaultKind.ServiceUnavailable,
        Persistence = Persistence.Transient,
        Scope = RetryScope.Call,
        Applied = Applied.No,
        Blame = Blame.Service,
        Evidence = "http 503",
    };

    protected static readonly Classification BadMessage = ServiceDown with
    {
        Kind = FaultKind.ValidationError,
        Persistence = Persistence.Permanent,
        Blame = Blame.Message,
        Evidence = "http 422",
    };

    protected static readonly Classification CutOff = ServiceDown with { Kind = FaultKind.ConnectionReset, Applied = Applied.Maybe };

    protected ManualClock Clock { get; } = new();

    protected MessageStore Store { get; private set; } = null!;

    /// <summary>What a restarted store is told of its queues.</summary>
    protected Func<string, bool> BlocksLane { get; set; } = _ => true;

    /// <summary>Makes the store of this test; called again for the same files after a restart.</summary>
    protected abstract MessageStore Create(ManualClock clock);

    /// <summary>Removes what <see cref="Create"/> made.</summary>
    protected virtual ValueTask CleanAsync() => default;

    public async ValueTask InitializeAsync()
    {
        Store = Create(Clock);
        await Store.OpenAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (Store is not null)
            await Store.DisposeAsync();
        await CleanAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends the store with leases held, as a crash does, and opens it again.</summary>
    protected virtual async Task<StoreOpening> RestartAsync()
    {
        await Store.DisposeAsync();
        Store = Create(Clock);
        Store.BlocksLaneWhenDead = BlocksLane;
        return await Store.OpenAsync();
    }

    protected static NewMessage Message(
        string body = "hello", string? key = null, string? orderKey = null, string queue = Queue, params string[] services) => new()
        {
            Queue = queue,
            Body = Encoding.UTF8.GetBytes(body),
            ContentType = "text/plain",
            Services = services.Length == 0 ? [Service] : services,
            IdempotencyKey = key,
            OrderKey = orderKey,
        };

    protected async Task<EnqueueResult> EnqueueAsync(NewMessage message) => await Store.CommitAsync(new EnqueueCommand(message));

    protected async Task<T> CommitAsync<T>(StoreCommand<T> command) =>
        await Store.CommitAsync(command, TestContext.Current.CancellationToken);

    protected Task<StoredMessage?> MessageAsync(Guid id) => Store.Queries.MessageAsync(id, TestContext.Current.CancellationToken);

    protected Task<Payload?> PayloadAsync(DeliveryId id) => Store.Queries.PayloadAsync(id, TestContext.Current.CancellationToken);

    protected Task<Page<DeliverySummary>> ListAsync(DeliveryFilter filter) =>
        Store.Queries.DeliveriesAsync(filter, TestContext.Current.CancellationToken);

    /// <summary>Stores a message and gives its first delivery.</summary>
    protected async Task<DeliveryId> PutAsync(string body = "hello", string? orderKey = null) =>
        new((await EnqueueAsync(Message(body, orderKey: orderKey))).MessageId, 0);

    protected async Task<ClaimResult> ClaimAsync(int max = 10, string service = Service, bool suspects = false) =>
        await Store.CommitAsync(new ClaimCommand(service, max, "node-1") { Suspects = suspects });

    protected async Task<ClaimedDelivery> ClaimOneAsync(string service = Service, bool suspects = false) =>
        Assert.Single((await ClaimAsync(1, service, suspects)).Deliveries);

    protected static Attempt Attempt(ClaimedDelivery claimed, string? error = null, string? status = null) => new()
    {
        Number = claimed.Attempt,
        Generation = claimed.Generation,
        StartedAt = claimed.ClaimedAt,
        DurationMs = 12,
        Outcome = error is null ? "delivered" : "failed",
        Status = status,
        Error = error,
        Node = "node-1",
    };

    protected async Task<bool> CompleteAsync(ClaimedDelivery claimed) =>
        await Store.CommitAsync(new CompleteCommand(claimed.Id, claimed.Lease, Attempt(claimed, status: "204")));

    protected async Task<bool> RetryAsync(ClaimedDelivery claimed, TimeSpan delay, Classification? fault = null, string error = "it failed")
    {
        var decision = new DeliveryDecision(DeliveryAction.Retry, Clock.GetUtcNow() + delay, "service fault, retry", delay);
        return await Store.CommitAsync(new FailCommand(claimed.Id, claimed.Lease, Attempt(claimed, error), fault ?? ServiceDown, decision));
    }

    protected async Task<bool> KillAsync(
        ClaimedDelivery claimed, Classification? fault = null, string error = "it failed for good", bool blockLane = true)
    {
        var decision = new DeliveryDecision(DeliveryAction.DeadLetter, null, "permanent fault");
        return await Store.CommitAsync(
            new FailCommand(claimed.Id, claimed.Lease, Attempt(claimed, error), fault ?? BadMessage, decision) { BlockLane = blockLane });
    }

    protected async Task<StoredDelivery> ReadAsync(DeliveryId id)
    {
        var found = await Store.Queries.DeliveryAsync(id);
        Assert.NotNull(found);
        return found;
    }

    protected async Task<QueueCounts> CountsAsync(string queue = Queue)
    {
        var counts = Assert.Single(await Store.Queries.QueuesAsync(), counts => counts.Queue == queue);
        AssertBalanced(counts);
        return counts;
    }

    internal static void AssertBalanced(QueueCounts counts) => Assert.Equal(
        counts.Accepted,
        counts.Waiting + counts.Delayed + counts.Leased + counts.Delivered + counts.Dead + counts.Discarded + counts.Expired);
}
