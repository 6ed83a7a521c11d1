namespace Recourse.Durable.Tests;

// Messages that are claimed with their storing, where somebody has room for them.
public abstract partial class StoreContract
{
    private ArrivalDesk Desk(int room)
    {
        var desk = new ArrivalDesk(room);
        Store.Arrivals = desk;
        return desk;
    }

    private async Task<EnqueueCommand> StoreAsync(NewMessage message)
    {
        var command = new EnqueueCommand(message);
        await CommitAsync(command);
        return command;
    }

    [Fact]
    public async Task What_is_stored_where_there_is_room_is_claimed_as_a_claim_would()
    {
        var message = Message("a", key: "k") with
        {
            Headers = new Dictionary<string, string> { ["x-tenant"] = "7" },
            TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            Priority = 7,
        };
        await EnqueueAsync(message with { IdempotencyKey = null });
        var claimed = await ClaimOneAsync();
        var desk = Desk(1);
        var command = await StoreAsync(message);
        var begun = Assert.Single(desk.Begun);
        Assert.True(command.IsTaken);
        Assert.Equal(new(command.Result.MessageId, 0), begun.Id);
        Assert.True(begun.Lease > 0);
        Assert.Equal(claimed.Headers, begun.Headers);
        Assert.Equal(claimed.Body.ToArray(), begun.Body.ToArray());
        Assert.Equal(claimed with { Id = begun.Id, Lease = 0, Headers = null, Body = default, IdempotencyKey = begun.IdempotencyKey },
            begun with { Lease = 0, Headers = null, Body = default });
        Assert.Equal(AttemptRules.IdempotencyKey(command.Result.MessageId, 0), begun.IdempotencyKey);
        var stored = await ReadAsync(begun.Id);
        Assert.Equal((DeliveryState.Leased, 1), (stored.State, stored.AttemptCount));
        Assert.Empty((await ClaimAsync()).Deliveries);
        Assert.True(await CompleteAsync(begun));
        Assert.False(await CompleteAsync(begun));
        Assert.Equal((DeliveryState.Delivered, 1), ((await ReadAsync(begun.Id)).State, (await ReadAsync(begun.Id)).AttemptCount));
        Assert.Equal((0, 0), (desk.Free, desk.Open));
    }

    [Fact]
    public async Task What_the_sender_does_with_his_headers_afterwards_changes_nothing()
    {
        var desk = Desk(1);
        var headers = new Dictionary<string, string> { ["x-tenant"] = "7" };
        var body = "hello"u8.ToArray();
        await StoreAsync(Message() with { Headers = headers, Body = body });
        (headers["x-tenant"], body[0]) = ("8", (byte)'H');
        var begun = Assert.Single(desk.Begun);
        Assert.Equal(("7", "hello"), (begun.Headers!["x-tenant"], System.Text.Encoding.UTF8.GetString(begun.Body.Span)));
    }

    [Fact]
    public async Task Whoever_fails_to_begin_costs_the_others_nothing()
    {
        var desk = Desk(3);
        desk.Refuses = delivery => System.Text.Encoding.UTF8.GetString(delivery.Body.Span) == "bad";
        var commands = new[] { "a", "bad", "b" }.Select(body => new EnqueueCommand(Message(body))).ToList();
        await Task.WhenAll(commands.Select(command => CommitAsync(command)));
        Assert.Equal([true, false, true], commands.Select(command => command.IsTaken));
        Assert.Equal((2, 0), (desk.Begun.Count, desk.Open));
        foreach (var delivery in desk.Begun)
            Assert.True(await CompleteAsync(delivery));
        // It is not lost: a suspect, or given back by a store that can.
        await RestartAsync();
        var left = (await ClaimAsync()).Deliveries.Concat((await ClaimAsync(suspects: true)).Deliveries);
        Assert.Equal(commands[1].Result.MessageId, Assert.Single(left).Id.MessageId);
    }

    [Fact]
    public async Task What_waits_for_anything_is_not_claimed_with_its_storing()
    {
        var desk = Desk(9);
        NewMessage[] messages =
        [
            Message(orderKey: "lane"), Message(services: [Service, "mail"]), Message() with { DeliverAt = Clock.GetUtcNow().AddMinutes(1) },
            Message() with { ExpiresAt = Clock.GetUtcNow().AddMinutes(1) },
        ];
        foreach (var message in messages)
            Assert.False((await StoreAsync(message)).IsTaken);
        Assert.Equal((0, 9, 0), (desk.Begun.Count, desk.Free, desk.Open));
        Assert.Equal(3, (await ClaimAsync()).Deliveries.Count);
    }

    [Theory]
    [InlineData(ControlKind.QueuePaused, Queue)]
    [InlineData(ControlKind.ServicePaused, Service)]
    public async Task What_is_held_waits_and_the_room_is_given_back(ControlKind kind, string name)
    {
        var desk = Desk(1);
        await ControlAsync(kind, name);
        Assert.False((await StoreAsync(Message())).IsTaken);
        Assert.Equal((0, 1, 0), (desk.Begun.Count, desk.Free, desk.Open));
        Assert.Equal(1, (await CountsAsync()).Waiting);
        await ControlAsync(kind, name, on: false);
        Assert.True((await StoreAsync(Message())).IsTaken);
        Assert.Equal((1, 1), ((await CountsAsync()).Waiting, (await CountsAsync()).Leased));
        Assert.Single((await ClaimAsync()).Deliveries);
    }

    [Fact]
    public async Task A_repeated_message_is_not_claimed_again_and_its_room_is_free()
    {
        var desk = Desk(5);
        var first = await StoreAsync(Message("a", key: "k"));
        var again = await StoreAsync(Message("a", key: "k"));
        var other = await StoreAsync(Message("b", key: "k"));
        Assert.Equal((true, false, false), (first.IsTaken, again.IsTaken, other.IsTaken));
        Assert.Equal((EnqueueStatus.Duplicate, EnqueueStatus.KeyConflict), (again.Result.Status, other.Result.Status));
        Assert.Equal((1, 4, 0), (desk.Begun.Count, desk.Free, desk.Open));
    }

    [Fact]
    public async Task What_was_claimed_with_its_storing_can_be_given_back_and_fail_as_any_other()
    {
        var desk = Desk(2);
        await StoreAsync(Message("a"));
        await StoreAsync(Message("b"));
        var (first, second) = (desk.Begun.First(), desk.Begun.Last());
        Assert.True(await CommitAsync(new ReleaseCommand(first.Id, first.Lease)));
        var again = await ClaimOneAsync();
        Assert.Equal((first.Id, 1), (again.Id, again.Attempt));
        Assert.True(again.Lease > first.Lease);
        Assert.False(await CompleteAsync(first));
        Assert.True(await CompleteAsync(again));
        Assert.True(await RetryAsync(second, TimeSpan.FromSeconds(5)));
        Assert.Empty((await ClaimAsync()).Deliveries);
        Clock.Advance(TimeSpan.FromSeconds(5));
        var retried = await ClaimOneAsync();
        Assert.Equal((second.Id, 2), (retried.Id, retried.Attempt));
        Assert.True(retried.Lease > second.Lease);
        Assert.True(await KillAsync(retried));
        Assert.Equal((0, 0, 1, 1),
            ((await CountsAsync()).Waiting, (await CountsAsync()).Leased, (await CountsAsync()).Dead, (await CountsAsync()).Delivered));
    }

    [Fact]
    public async Task What_was_claimed_with_its_storing_is_suspect_after_a_crash()
    {
        var desk = Desk(1);
        await StoreAsync(Message());
        var begun = Assert.Single(desk.Begun);
        Assert.Equal(1, (await RestartAsync()).Suspects);
        Assert.Empty((await ClaimAsync()).Deliveries);
        var suspect = await ClaimOneAsync(suspects: true);
        Assert.Equal((begun.Id, true, 2), (suspect.Id, suspect.Suspect, suspect.Attempt));
        Assert.True(suspect.Lease > begun.Lease);
        Assert.False(await CompleteAsync(begun));
        Assert.True(await CompleteAsync(suspect));
    }

    [Fact]
    public async Task Many_senders_fill_the_room_and_the_rest_is_claimed_once()
    {
        var desk = Desk(7);
        var commands = Enumerable.Range(0, 40).Select(i => new EnqueueCommand(
            Message($"{i}", queue: i % 4 == 0 ? "other" : Queue, key: i % 5 == 0 ? $"{i}" : null))).ToList();
        await Task.WhenAll(commands.Select(command => CommitAsync(command)));
        var waiting = (await ClaimAsync(99)).Deliveries.Select(delivery => delivery.Id).ToList();
        var begun = desk.Begun.Select(delivery => delivery.Id).ToList();
        Assert.Equal(commands.Where(command => command.IsTaken).Select(command => command.Result.MessageId).Order(),
            begun.Select(id => id.MessageId).Order());
        Assert.Equal(commands.Select(command => command.Result.MessageId).Order(),
            waiting.Concat(begun).Select(id => id.MessageId).Order());
        Assert.Equal((7, 0), (begun.Count + desk.Free, desk.Open));
        foreach (var delivery in desk.Begun)
            Assert.True(await CompleteAsync(delivery));
    }

    [Fact]
    public async Task Sealed_messages_are_opened_for_whom_they_begin()
    {
        await using var store = await SealedAsync("key-1");
        var desk = new ArrivalDesk(1);
        store.Arrivals = desk;
        var command = new EnqueueCommand(Secret());
        await OnAsync(store, command);
        var begun = Assert.Single(desk.Begun);
        Assert.True(command.IsTaken);
        Assert.Equal(("text/secret", "secret Meier", "secret body"),
            (begun.ContentType, begun.Headers!["x-patient"], System.Text.Encoding.UTF8.GetString(begun.Body.Span)));
        await AssertNothingReadableAsync(begun.Id);
        Assert.True(await OnAsync(store, new CompleteCommand(begun.Id, begun.Lease, Attempt(begun))));
    }
}
