using Recourse.Durable.Tests.Messaging;
using Recourse.Tests;

#pragma warning disable xUnit1051 // What is tested runs to its end; the token of the test ends only the waiting.
namespace Recourse.Durable.Tests;

/// <summary>What one of several nodes does for all: the others leave it alone until it falls to them.</summary>
public sealed class HousekeepingTests
{
    private static readonly DeliveryDecision Dead = new(DeliveryAction.DeadLetter, null, "no");

    private readonly ManualClock _clock = new();

    [Fact]
    public async Task Only_the_node_that_keeps_house_works_on_replay_jobs()
    {
        await using var store = new SharedStore(_clock);
        await store.OpenAsync();
        var held = await HeldAsync(store);
        await store.CommitAsync(new FailCommand(held.Id, held.Lease, AttemptOf(held, "failed"), Classification.Unknown, Dead));
        await using var runner = new ReplayRunner(store, time: _clock);
        runner.Start();
        var job = await runner.StartJobAsync(new() { Filter = new() { Queue = "orders" }, Actor = "anna" });
        for (var look = 0; look < 3; look++)
        {
            await UntilAsync(() => Task.FromResult(runner.IsAsleep));
            _clock.Advance(TimeSpan.FromSeconds(5));
        }
        await UntilAsync(() => Task.FromResult(runner.IsAsleep));
        Assert.Equal(0, (await store.Queries.ReplayAsync(job.Id))!.Replayed);

        store.KeepsHouse = true;
        await store.PulseAsync();
        await UntilAsync(async () =>
        {
            _clock.Advance(TimeSpan.FromSeconds(5));
            return (await store.Queries.ReplayAsync(job.Id))!.Replayed == 1;
        });
    }

    [Fact]
    public async Task Only_the_node_that_keeps_house_removes_messages_of_an_application()
    {
        await using var store = new SharedStore(_clock);
        await using var rig = await BusRig.StartAsync(messages => messages
            .Queue("orders", new() { KeepDelivered = new(TimeSpan.Zero, 1) }).Handle<Order, BillOrder>("orders"), store, _clock);
        var held = await HeldAsync(store);
        await store.CommitAsync(new CompleteCommand(held.Id, held.Lease, AttemptOf(held, "delivered")));
        // What is held is looked at with each tick, and one of fifteen looks at old messages too.
        for (var tick = 0; tick < 20; tick++)
        {
            var on = tick % 2 == 0;
            await store.CommitAsync(new ControlCommand(ControlKind.QueuePaused, "orders", on, "anna", null));
            await UntilAsync(() =>
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(rig.Bus.Controls.Count == (on ? 1 : 0));
            });
        }
        Assert.NotNull(await store.Queries.MessageAsync(held.Id.MessageId));

        store.KeepsHouse = true;
        await store.PulseAsync();
        await UntilAsync(async () =>
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            return await store.Queries.MessageAsync(held.Id.MessageId) is null;
        });
    }

    private static Attempt AttemptOf(ClaimedDelivery held, string outcome) =>
        new() { Number = 1, StartedAt = held.ClaimedAt, Outcome = outcome };

    private static async Task<ClaimedDelivery> HeldAsync(MessageStore store)
    {
        await store.CommitAsync(new EnqueueCommand(new() { Queue = "orders", Services = ["bill-order"], Body = "{}"u8.ToArray() }));
        return Assert.Single((await store.CommitAsync(new ClaimCommand("bill-order", 1, "node"))).Deliveries);
    }

    private static async Task UntilAsync(Func<Task<bool>> look)
    {
        while (!await look())
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
