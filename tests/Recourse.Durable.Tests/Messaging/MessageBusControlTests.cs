using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Recourse.Tests;

#pragma warning disable xUnit1051 // What is tested runs to its end; the token of the test ends only the waiting.
namespace Recourse.Durable.Tests.Messaging;

/// <summary>What an operator holds in an application, and what its bus does unasked.</summary>
public class MessageBusControlTests
{
    [Theory]
    [InlineData(ControlKind.QueuePaused, "orders")]
    [InlineData(ControlKind.ServicePaused, "bill-order")]
    [InlineData(ControlKind.ServiceIsolated, "bill-order")]
    public async Task What_is_held_takes_messages_in_and_handles_none_until_it_is_released(ControlKind kind, string name)
    {
        await using var rig = await BusRig.StartAsync(messages => messages
            .Handle<Order, BillOrder>("orders").Handle<Order, ShipOrder>("parcels"));
        Assert.True(await rig.Bus.HoldAsync(kind, name, "anna", "the bank is down"));
        Assert.False(await rig.Bus.HoldAsync(kind, name, "bert"));
        var control = Assert.Single(rig.Bus.Controls);
        Assert.Equal((kind, name, "anna", "the bank is down"), (control.Kind, control.Name, control.Actor, control.Reason));

        var held = await rig.Bus.SendAsync("orders", new Order(1));
        // Handled after the other was sent: the way is open for everything else.
        await rig.UntilAsync((await rig.Bus.SendAsync("parcels", new Order(2))).MessageId, DeliveryState.Delivered);
        Assert.Equal(DeliveryState.Waiting, Assert.Single((await rig.Bus.Store.Queries.MessageAsync(held.MessageId))!.Deliveries).State);
        Assert.Empty(rig.Ledger.Contexts);

        Assert.True(await rig.Bus.ReleaseAsync(kind, name, "anna"));
        Assert.False(await rig.Bus.ReleaseAsync(kind, name, "anna"));
        await rig.UntilAsync(held.MessageId, DeliveryState.Delivered);
        Assert.Empty(rig.Bus.Controls);
    }

    [Fact]
    public async Task A_draining_queue_handles_what_it_has_and_says_who_drains_it()
    {
        await using var rig = await BusRig.StartAsync();
        await rig.Bus.HoldAsync(ControlKind.QueuePaused, "orders", "anna");
        var sent = await rig.Bus.SendAsync("orders", new Order(1));
        await rig.Bus.HoldAsync(ControlKind.QueueDraining, "orders", "anna", "moving house");
        await rig.UntilAsync(sent.MessageId, DeliveryState.Delivered);

        var refused = await Assert.ThrowsAsync<QueueDrainingException>(() => rig.Bus.SendAsync("orders", new Order(2)).AsTask());
        Assert.Equal("anna", refused.Control.Actor);
        Assert.StartsWith("Queue 'orders' takes no messages: anna drains it since ", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith("(moving house).", refused.Message, StringComparison.Ordinal);

        await rig.Bus.ReleaseAsync(ControlKind.QueueDraining, "orders", "anna");
        await rig.UntilAsync((await rig.Bus.SendAsync("orders", new Order(2))).MessageId, DeliveryState.Delivered);
    }

    [Theory]
    [InlineData(ControlKind.QueuePaused, "bill-order")]
    [InlineData(ControlKind.ServicePaused, "orders")]
    public async Task A_name_that_is_not_there_is_refused(ControlKind kind, string name)
    {
        await using var rig = await BusRig.StartAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => rig.Bus.HoldAsync(kind, name, "anna").AsTask());
    }

    [Fact]
    public async Task What_another_process_holds_is_followed_within_two_seconds()
    {
        var clock = new ManualClock();
        await using var rig = await BusRig.StartAsync(clock: clock);
        await rig.Bus.Store.CommitAsync(new ControlCommand(ControlKind.ServiceIsolated, "bill-order", true, "anna", null));
        await UntilAsync(async () =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
            return rig.Bus.Handlers.Single().Breaker == "isolated";
        });
        await rig.Bus.Store.CommitAsync(new ControlCommand(ControlKind.ServiceIsolated, "bill-order", false, "anna", null));
        await UntilAsync(async () =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
            return rig.Bus.Handlers.Single().Breaker == "closed";
        });
    }

    [Fact]
    public async Task What_was_held_before_a_start_holds_from_the_first_moment()
    {
        var store = new InMemoryMessageStore();
        await store.OpenAsync();
        await store.CommitAsync(new ControlCommand(ControlKind.ServiceIsolated, "bill-order", true, "anna", null));
        await store.CommitAsync(new ControlCommand(ControlKind.QueueDraining, "orders", true, "anna", null));
        // Its clock stands still, so it looks once: when it starts.
        await using var rig = await BusRig.StartAsync(store: store, clock: new ManualClock());
        Assert.Equal("isolated", rig.Bus.Handlers.Single().Breaker);
        await Assert.ThrowsAsync<QueueDrainingException>(() => rig.Bus.SendAsync("orders", new Order(1)).AsTask());
    }

    [Fact]
    public async Task Messages_that_were_handled_are_removed_when_their_time_is_over()
    {
        var clock = new ManualClock();
        await using var rig = await BusRig.StartAsync(messages => messages
            .Queue("orders", new() { KeepDelivered = new(TimeSpan.FromMinutes(1), 10) }).Handle<Order, BillOrder>("orders"), clock: clock);
        var sent = await rig.Bus.SendAsync("orders", new Order(1));
        await rig.UntilAsync(sent.MessageId, DeliveryState.Delivered);
        await UntilAsync(async () =>
        {
            clock.Advance(TimeSpan.FromSeconds(15));
            return await rig.Bus.Store.Queries.MessageAsync(sent.MessageId) is null;
        });
        Assert.Equal(1, Assert.Single(await rig.Bus.Store.Queries.QueuesAsync()).Delivered);
    }

    [Fact]
    public async Task What_nobody_may_handle_ends_when_its_time_is_over_and_ended_jobs_go_after_theirs()
    {
        var clock = new ManualClock();
        await using var rig = await BusRig.StartAsync(clock: clock);
        async Task LaterAsync(Func<Task<bool>> look) => await UntilAsync(async () =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            return await look();
        });
        await rig.Bus.HoldAsync(ControlKind.QueuePaused, "orders", "anna");
        await rig.Bus.SendAsync("orders", new Order(1), new() { ExpiresAt = clock.GetUtcNow().AddMinutes(1) });
        var job = await rig.Bus.Replays.StartJobAsync(new() { Filter = new() { Queue = "orders" }, Actor = "anna" });
        // The newest job is kept whatever its age.
        await rig.Bus.Replays.StartJobAsync(new() { Filter = new() { Queue = "orders" }, Actor = "anna" });
        await LaterAsync(async () => (await rig.Bus.Store.Queries.ReplayAsync(job.Id))!.State is ReplayState.Completed);
        await LaterAsync(async () => Assert.Single(await rig.Bus.Store.Queries.QueuesAsync()).Expired == 1);
        Assert.NotNull(await rig.Bus.Store.Queries.ReplayAsync(job.Id));
        clock.SetWallClock(clock.GetUtcNow() + StoreUpkeep.KeepReplays);
        await LaterAsync(async () => await rig.Bus.Store.Queries.ReplayAsync(job.Id) is null);
    }

    [Fact]
    public async Task What_people_did_is_forgotten_after_a_year()
    {
        // The store's own clock: the year passes there, without all the ticks of the bus.
        var (clock, ofStore) = (new ManualClock(), new ManualClock());
        await using var rig = await BusRig.StartAsync(store: new InMemoryMessageStore(ofStore), clock: clock);
        await rig.Bus.HoldAsync(ControlKind.QueuePaused, "orders", "ann");
        ofStore.Advance(TimeSpan.FromDays(364));
        await rig.Bus.ReleaseAsync(ControlKind.QueuePaused, "orders", "bob");
        ofStore.Advance(TimeSpan.FromDays(2));
        await UntilAsync(async () =>
        {
            clock.Advance(TimeSpan.FromSeconds(15));
            return (await rig.Bus.Store.Queries.AuditAsync(new())).Items is [{ Actor: "bob" }];
        });
    }

    [Fact]
    public async Task What_befalls_a_node_that_shares_the_store_is_logged_where_the_application_logs()
    {
        var (clock, log) = (new ManualClock(), new NotedLog());
        var store = new HookedStore(new InMemoryMessageStore(clock));
        store.SharedAs = new(store, () => store.Node, clock);
        var services = BusRig.Services(messages => messages.Store(_ => store).Handle<Order, BillOrder>("orders"), clock);
        services.AddSingleton<ILoggerFactory>(new OneLog(log));
        await using var provider = services.BuildServiceProvider();
        await provider.GetRequiredService<MessageBus>().StartAsync(TestContext.Current.CancellationToken);
        Assert.Same(log, store.SharedAs.Logger);
    }

    private sealed class OneLog(ILogger log) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => log;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("There is one log.");

        public void Dispose()
        {
        }
    }

    [Fact]
    public async Task Dead_letters_are_sent_back_by_a_job()
    {
        await using var rig = await BusRig.StartAsync();
        rig.Ledger.OnBill = (_, _, _) => throw new MessageRejectedException("no such customer");
        var ids = new List<Guid>();
        for (var number = 1; number <= 5; number++)
            ids.Add((await rig.Bus.SendAsync("orders", new Order(number))).MessageId);
        foreach (var id in ids)
            await rig.UntilAsync(id, DeliveryState.Dead);

        rig.Ledger.OnBill = (_, _, _) => default;
        var job = await rig.Bus.Replays.StartJobAsync(
            new() { Filter = new() { Queue = "orders" }, Actor = "anna", Reason = "they are there now" });
        foreach (var id in ids)
            await rig.UntilAsync(id, DeliveryState.Delivered);
        await UntilAsync(async () => (await rig.Bus.Store.Queries.ReplayAsync(job.Id))!.State is ReplayState.Completed);
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
