using System.Text;

#pragma warning disable xUnit1051 // What is tested runs to its end; the token of the test ends only the waiting.
namespace Recourse.Durable.Tests.Messaging;

public class MessageBusTests
{
    [Fact]
    public async Task A_message_reaches_its_handler_with_what_the_sender_said()
    {
        await using var rig = await BusRig.StartAsync();
        var sent = await rig.Bus.SendAsync("orders", new Order(7), new() { Headers = new Dictionary<string, string> { ["from"] = "web" } });

        Assert.Equal("billed 7", await rig.Ledger.NextAsync());
        var context = Assert.Single(rig.Ledger.Contexts);
        Assert.Equal((sent.MessageId, "orders", "bill-order", 1), (context.MessageId, context.Queue, context.Handler, context.Attempt));
        Assert.Equal("web", context.Headers["from"]);
        Assert.Equal("""{"number":7,"customer":null}""", Encoding.UTF8.GetString(context.Body.Span));
        await rig.UntilAsync(sent.MessageId, DeliveryState.Delivered);
    }

    [Fact]
    public async Task Each_handler_of_a_queue_has_a_delivery_of_its_own_and_a_scope_that_ends_with_it()
    {
        await using var rig = await BusRig.StartAsync(messages =>
            messages.Handle<Order, BillOrder>("orders").Handle<Order, ShipOrder>("orders", "shipping"));
        rig.Ledger.OnBill = (_, _, _) => throw new MessageRejectedException("no such customer");

        var sent = await rig.Bus.SendAsync("orders", new Order(1));

        Assert.Equal("shipped 1", await rig.Ledger.NextAsync());
        Assert.Equal("scope ended", await rig.Ledger.NextAsync());
        StoredMessage message;
        do
            message = (await rig.Bus.Store.Queries.MessageAsync(sent.MessageId))!;
        while (message.Deliveries.Any(delivery => delivery.State is DeliveryState.Waiting or DeliveryState.Leased));
        Assert.Equal([DeliveryState.Dead, DeliveryState.Delivered], message.Deliveries.Select(delivery => delivery.State));
    }

    [Fact]
    public async Task A_rejected_message_is_dead_at_once_with_its_reason_and_a_replay_brings_it_back()
    {
        await using var rig = await BusRig.StartAsync();
        rig.Ledger.OnBill = (_, _, _) => throw new MessageRejectedException("no such customer", FaultKind.BusinessRuleViolation);
        var sent = await rig.Bus.SendAsync("orders", new Order(1));
        var dead = Assert.Single((await rig.UntilAsync(sent.MessageId, DeliveryState.Dead)).Deliveries);
        Assert.Equal(
            (FaultKind.BusinessRuleViolation, "no such customer", 1), (dead.Kind!.Value, dead.Error, dead.AttemptCount));

        rig.Ledger.OnBill = (_, _, _) => default;
        Assert.Equal(DeadLetterOutcome.Done, await rig.Bus.ReplayAsync(dead.Id, "anna", "the customer is there now"));

        Assert.Equal("billed 1", await rig.Ledger.NextAsync());
        Assert.Equal(1, rig.Ledger.Contexts.Max(context => context.Generation));
        await rig.UntilAsync(sent.MessageId, DeliveryState.Delivered);
    }

    [Theory]
    [InlineData("no json at all", FaultKind.TypeMismatch)]
    [InlineData("{\"number\":\"seven\"}", FaultKind.TypeMismatch)]
    [InlineData("null", FaultKind.MissingField)]
    public async Task A_body_that_the_handler_cannot_read_is_dead_at_once(string body, FaultKind kind)
    {
        await using var rig = await BusRig.StartAsync();
        var sent = await rig.Bus.SendBodyAsync("orders", Encoding.UTF8.GetBytes(body), "application/json");
        var dead = Assert.Single((await rig.UntilAsync(sent.MessageId, DeliveryState.Dead)).Deliveries);
        Assert.Equal((kind, 1), (dead.Kind!.Value, dead.AttemptCount));
        Assert.Empty(rig.Ledger.Contexts);
    }

    [Fact]
    public async Task Messages_with_one_order_key_are_handled_one_after_the_other()
    {
        await using var rig = await BusRig.StartAsync();
        var first = new TaskCompletionSource();
        var running = 0;
        rig.Ledger.OnBill = async (order, _, _) =>
        {
            Assert.Equal(1, Interlocked.Increment(ref running));
            if (order.Number == 1) await first.Task;
            Interlocked.Decrement(ref running);
        };
        for (var number = 1; number <= 5; number++)
            await rig.Bus.SendAsync("orders", new Order(number), new() { OrderKey = "customer-1" });
        first.SetResult();
        for (var number = 1; number <= 5; number++)
            Assert.Equal($"billed {number}", await rig.Ledger.NextAsync());
    }

    [Fact]
    public async Task A_stop_waits_for_the_message_under_way()
    {
        await using var rig = await BusRig.StartAsync();
        var (began, mayEnd) = (new TaskCompletionSource(), new TaskCompletionSource());
        rig.Ledger.OnBill = async (_, _, _) =>
        {
            began.SetResult();
            await mayEnd.Task;
        };
        var sent = await rig.Bus.SendAsync("orders", new Order(1));
        await began.Task;
        var stop = rig.StopAsync();
        Assert.False(stop.IsCompleted);
        mayEnd.SetResult();
        await stop;
        await rig.UntilAsync(sent.MessageId, DeliveryState.Delivered);
    }

    [Fact]
    public async Task The_same_idempotency_key_is_the_same_message()
    {
        await using var rig = await BusRig.StartAsync();
        var options = new SendOptions { IdempotencyKey = "order-1" };
        var first = await rig.Bus.SendAsync("orders", new Order(1), options);
        var second = await rig.Bus.SendAsync("orders", new Order(1), options);
        var other = await rig.Bus.SendAsync("orders", new Order(2), options);
        Assert.Equal((EnqueueStatus.Duplicate, first.MessageId), (second.Status, second.MessageId));
        Assert.Equal(EnqueueStatus.KeyConflict, other.Status);
    }

    [Fact]
    public async Task What_is_set_up_wrongly_is_told_at_once()
    {
        await using var rig = await BusRig.StartAsync();
        var unknown = await Assert.ThrowsAsync<ArgumentException>(() => rig.Bus.SendAsync("parcels", new Order(1)).AsTask());
        Assert.Contains("No handler is added for queue 'parcels'; there are: orders.", unknown.Message, StringComparison.Ordinal);

        var noStore = Assert.Throws<ArgumentException>(() => BusRig.Services(messages => messages.Handle<Order, BillOrder>("orders")));
        Assert.Contains("names no store", noStore.Message, StringComparison.Ordinal);

        var twice = Assert.Throws<ArgumentException>(() => BusRig.Services(messages => messages.Store(_ => new InMemoryMessageStore())
            .Handle<Order, BillOrder>("orders").Handle<Order, BillOrder>("parcels")));
        Assert.Contains("Handler 'bill-order' is added 2 times", twice.Message, StringComparison.Ordinal);

        Assert.Throws<ArgumentException>(() => BusRig.Services(messages => messages.Handle<Order, BillOrder>("No Such Name")));
        Assert.Throws<ArgumentException>(() => BusRig.Services(messages => messages.Store(_ => new InMemoryMessageStore()))
            .AddRecourse(recourse => recourse.AddMessages(messages => messages.Store(_ => new InMemoryMessageStore()))));
    }
}
