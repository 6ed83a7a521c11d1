namespace Recourse.Durable.Tests;

public abstract partial class StoreContract
{
    private async Task<bool> ControlAsync(ControlKind kind, string name, bool on = true) =>
        await CommitAsync(new ControlCommand(kind, name, on, "ann", "works"));

    private async Task<DeliveryId> PutAsync(NewMessage message) => new((await EnqueueAsync(message)).MessageId, 0);

    [Fact]
    public async Task A_paused_queue_takes_in_and_gives_nothing_out_until_it_is_resumed()
    {
        var held = await PutAsync(Message("a"));
        Assert.True(await ControlAsync(ControlKind.QueuePaused, Queue));
        var other = await PutAsync(Message("b", queue: "other"));
        await PutAsync(Message("c", orderKey: "lane"));
        Assert.Equal(other, Assert.Single((await ClaimAsync()).Deliveries).Id);
        Assert.Null((await ClaimAsync()).NextDueAt);
        await RestartAsync();
        Assert.Empty((await ClaimAsync()).Deliveries);
        Assert.Equal(2, (await CountsAsync()).Waiting);
        Assert.True(await ControlAsync(ControlKind.QueuePaused, Queue, on: false));
        Assert.Contains(held, (await ClaimAsync()).Deliveries.Select(delivery => delivery.Id));
    }

    [Fact]
    public async Task Nothing_is_claimed_for_a_paused_service_suspects_included()
    {
        await PutAsync();
        await ClaimOneAsync();
        await EnqueueAsync(Message(services: ["billing", "mail"]));
        await RestartAsync();
        await ControlAsync(ControlKind.ServicePaused, Service);
        Assert.Empty((await ClaimAsync()).Deliveries);
        Assert.Empty((await ClaimAsync(suspects: true)).Deliveries);
        Assert.Single((await ClaimAsync(9, "mail")).Deliveries);
        await ControlAsync(ControlKind.ServicePaused, Service, on: false);
        Assert.Single((await ClaimAsync(suspects: true)).Deliveries);
    }

    [Fact]
    public async Task Controls_are_kept_once_with_who_said_so_first()
    {
        Assert.True(await ControlAsync(ControlKind.ServiceIsolated, Service));
        Assert.False(await CommitAsync(new ControlCommand(ControlKind.ServiceIsolated, Service, true, "bob", null)));
        Assert.True(await ControlAsync(ControlKind.QueuePaused, Queue));
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(await ControlAsync(ControlKind.QueueDraining, Queue));
        await RestartAsync();
        Assert.Equal(
            [
                new Control(ControlKind.QueueDraining, Queue, "ann", "works", Clock.GetUtcNow()),
                new Control(ControlKind.ServiceIsolated, Service, "ann", "works", Clock.GetUtcNow().AddMinutes(-1)),
            ],
            await Store.Queries.ControlsAsync(TestContext.Current.CancellationToken));
        Assert.False(await ControlAsync(ControlKind.QueuePaused, Queue, on: false));
        Assert.True(await ControlAsync(ControlKind.QueueDraining, Queue, on: false));
        await PutAsync();
        Assert.Single((await ClaimAsync()).Deliveries);
    }

    [Fact]
    public async Task A_delayed_message_waits_for_its_time_and_is_not_older_for_it()
    {
        var due = Clock.GetUtcNow().AddHours(25);
        var id = await PutAsync(Message() with { DeliverAt = due });
        await PutAsync(Message("past") with { DeliverAt = Clock.GetUtcNow().AddHours(-1) });
        Assert.Single((await ClaimAsync()).Deliveries);
        Assert.Equal((DeliveryState.Delayed, due), ((await ReadAsync(id)).State, (await ReadAsync(id)).DueAt));
        Assert.Equal(1, (await CountsAsync()).Delayed);
        Assert.Equal(due, (await ClaimAsync()).NextDueAt);
        Clock.Advance(TimeSpan.FromHours(25));
        Assert.Equal(due, (await CountsAsync()).OldestWaitingAt);
        Assert.Equal(due, (await ClaimOneAsync()).GenerationAt);
    }

    [Fact]
    public async Task What_has_expired_is_passed_over_counted_and_pruned()
    {
        var over = await PutAsync(Message("a") with { ExpiresAt = Clock.GetUtcNow().AddMinutes(1) });
        var lasting = await PutAsync(Message("b"));
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(lasting, Assert.Single((await ClaimAsync(1)).Deliveries).Id);
        var seen = await ReadAsync(over);
        Assert.Equal((DeliveryState.Expired, 0), (seen.State, seen.AttemptCount));
        Assert.Contains("expired", seen.Decision);
        Assert.Equal((1, 1), ((await CountsAsync()).Expired, (await CountsAsync()).Leased));
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, await CommitAsync(new PruneCommand(TimeSpan.FromMinutes(1), 10)));
        Assert.Equal(1, (await CountsAsync()).Expired);
    }

    [Fact]
    public async Task Expiry_finds_what_no_claim_meets_a_slice_at_a_time()
    {
        var expiry = Clock.GetUtcNow().AddMinutes(1);
        for (var i = 0; i < 3; i++)
            await PutAsync(Message($"{i}") with { ExpiresAt = expiry, DeliverAt = expiry.AddHours(1) });
        Assert.Equal(0, await CommitAsync(new ExpireCommand(10)));
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(2, await CommitAsync(new ExpireCommand(2)));
        Assert.Equal(1, await CommitAsync(new ExpireCommand(2)));
        Assert.Equal((3, 0), ((await CountsAsync()).Expired, (await CountsAsync()).Delayed));
    }

    [Fact]
    public async Task An_expired_head_lets_its_lane_go_on()
    {
        await PutAsync(Message("a", orderKey: "k") with { ExpiresAt = Clock.GetUtcNow().AddMinutes(1) });
        var next = await PutAsync(Message("b", orderKey: "k"));
        var middle = await PutAsync(Message("c", orderKey: "k") with { ExpiresAt = Clock.GetUtcNow().AddMinutes(2) });
        var last = await PutAsync(Message("d", orderKey: "k"));
        Clock.Advance(TimeSpan.FromMinutes(1));
        var claimed = await ClaimOneAsync();
        Assert.Equal(next, claimed.Id);
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, await CommitAsync(new ExpireCommand(9)));
        await CompleteAsync(claimed);
        Assert.Equal((DeliveryState.Expired, last), ((await ReadAsync(middle)).State, (await ClaimOneAsync()).Id));
    }

    [Fact]
    public async Task A_replay_lifts_the_expiry()
    {
        var id = await PutAsync(Message() with { ExpiresAt = Clock.GetUtcNow().AddMinutes(1) });
        await KillAsync(await ClaimOneAsync());
        Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal((DeliveryState.Dead, 0), ((await ReadAsync(id)).State, await CommitAsync(new ExpireCommand(9))));
        await CommitAsync(new ReplayCommand(id, "ann", null));
        Assert.Equal(id, (await ClaimOneAsync()).Id);
    }

    [Fact]
    public async Task A_claim_is_filled_with_what_stands_behind_the_expired()
    {
        for (var i = 0; i < 20; i++)
            await PutAsync(Message($"{i}") with { ExpiresAt = Clock.GetUtcNow().AddSeconds(1) });
        Clock.Advance(TimeSpan.FromSeconds(1));
        var ids = new[] { await PutAsync(Message("x")), await PutAsync(Message("y")) };
        Assert.Equal(ids, (await ClaimAsync(2)).Deliveries.Select(delivery => delivery.Id));
        Assert.Equal(20, (await CountsAsync()).Expired);
    }

    [Fact]
    public async Task The_higher_priority_goes_first_retries_included()
    {
        var low = await PutAsync(Message("low") with { Priority = 0 });
        var usual = await PutAsync(Message("usual"));
        var high = await PutAsync(Message("high") with { Priority = 9 });
        var first = await ClaimOneAsync();
        Assert.Equal(high, first.Id);
        await RetryAsync(first, TimeSpan.FromSeconds(1));
        Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([high, usual, low], (await ClaimAsync()).Deliveries.Select(delivery => delivery.Id));
        Assert.Equal(9, (await ReadAsync(high)).Priority);
    }

    [Fact]
    public async Task In_a_lane_order_counts_before_priority_and_delay_holds_those_behind()
    {
        var head = await PutAsync(Message("a", orderKey: "k") with { Priority = 1, DeliverAt = Clock.GetUtcNow().AddMinutes(1) });
        var urgent = await PutAsync(Message("b", orderKey: "k") with { Priority = 9 });
        Assert.Empty((await ClaimAsync()).Deliveries);
        Clock.Advance(TimeSpan.FromMinutes(1));
        var usual = await PutAsync(Message("c"));
        Assert.Equal([usual, head], (await ClaimAsync()).Deliveries.Select(delivery => delivery.Id));
        Assert.False((await ClaimAsync()).Deliveries.Any());
        Assert.True((await ReadAsync(urgent)).Blocked);
    }

    [Fact]
    public async Task A_flood_in_one_queue_does_not_starve_another()
    {
        for (var i = 0; i < 50; i++)
            await PutAsync(Message($"{i}", queue: "flood"));
        Clock.Advance(TimeSpan.FromSeconds(1));
        var small = new List<DeliveryId>();
        for (var i = 0; i < 5; i++)
            small.Add(await PutAsync(Message($"{i}", queue: "small", orderKey: i % 2 == 0 ? $"{i}" : null)));
        var taken = new List<ClaimedDelivery>();
        for (var i = 0; i < 10; i++)
            taken.Add(await ClaimOneAsync());
        Assert.Equal(small, taken.Where(delivery => delivery.Queue == "small").Select(delivery => delivery.Id));
        Assert.Equal(["flood", "small", "flood", "small"], taken.Take(4).Select(delivery => delivery.Queue));
    }

    [Fact]
    public async Task Replay_jobs_get_their_share_while_others_are_due_and_all_when_none_are()
    {
        var letters = new List<DeliveryId>();
        for (var i = 0; i < 20; i++)
            letters.Add(await DeadAsync($"{i}"));
        var job = await StartAsync();
        await CommitAsync(new ReplayBatchCommand(job, null, "1", letters));
        Clock.Advance(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 10; i++)
            await PutAsync($"live {i}");
        async Task<(int Bulk, int Live)> TakeAsync(int max, int bulkMax)
        {
            var taken = (await Store.CommitAsync(new ClaimCommand(Service, max, "node") { BulkMax = bulkMax })).Deliveries;
            return (taken.Count(delivery => delivery.Bulk), taken.Count(delivery => !delivery.Bulk));
        }
        Assert.Equal((0, 4), await TakeAsync(4, 0));
        Assert.Equal((1, 3), await TakeAsync(4, 1));
        Assert.Equal((3, 3), await TakeAsync(6, 2));
        Assert.Equal((5, 0), await TakeAsync(5, 1));
    }
}
