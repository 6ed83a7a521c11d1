namespace Recourse.Durable.Tests;

public abstract partial class StoreContract
{
    private async Task<DeliveryId[]> LaneAsync(int count, string orderKey = "k")
    {
        var ids = new DeliveryId[count];
        for (var i = 0; i < count; i++)
            ids[i] = await PutAsync($"{i}", orderKey);
        return ids;
    }

    [Fact]
    public async Task A_lane_gives_one_delivery_at_a_time_in_the_order_of_arrival()
    {
        var ids = await LaneAsync(3);
        foreach (var id in ids)
        {
            var claimed = Assert.Single((await ClaimAsync()).Deliveries);
            Assert.Equal(id, claimed.Id);
            Assert.Empty((await ClaimAsync()).Deliveries);
            Assert.True(await CompleteAsync(claimed));
        }
        Assert.Null((await ClaimAsync()).NextDueAt);
    }

    [Fact]
    public async Task Lanes_do_not_wait_for_each_other_nor_for_other_services()
    {
        await EnqueueAsync(Message("a", orderKey: "1", services: ["billing", "mail"]));
        await EnqueueAsync(Message("b", orderKey: "1", services: ["billing", "mail"]));
        await EnqueueAsync(Message("c", orderKey: "2", services: ["billing", "mail"]));
        Assert.Equal(2, (await ClaimAsync()).Deliveries.Count);
        Assert.Equal(2, (await ClaimAsync(10, "mail")).Deliveries.Count);
    }

    [Fact]
    public async Task Followers_wait_blocked_behind_a_retry()
    {
        var ids = await LaneAsync(2);
        await RetryAsync(await ClaimOneAsync(), TimeSpan.FromSeconds(10));
        var claim = await ClaimAsync();
        Assert.Empty(claim.Deliveries);
        Assert.Equal(Clock.GetUtcNow().AddSeconds(10), claim.NextDueAt);
        var (head, follower) = (await ReadAsync(ids[0]), await ReadAsync(ids[1]));
        Assert.Equal((DeliveryState.Delayed, false), (head.State, head.Blocked));
        Assert.Equal((DeliveryState.Waiting, true), (follower.State, follower.Blocked));
        Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(ids[0], (await ClaimOneAsync()).Id);
    }

    [Fact]
    public async Task A_released_head_goes_first_again()
    {
        var ids = await LaneAsync(2);
        var claimed = await ClaimOneAsync();
        await CommitAsync(new ReleaseCommand(claimed.Id, claimed.Lease));
        Assert.Equal(ids[0], (await ClaimOneAsync()).Id);
    }

    [Fact]
    public async Task A_dead_head_holds_its_followers_until_it_is_discarded()
    {
        var ids = await LaneAsync(2);
        await KillAsync(await ClaimOneAsync());
        Assert.Empty((await ClaimAsync()).Deliveries);
        Assert.True((await ReadAsync(ids[1])).Blocked);
        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new DiscardCommand(ids[0], "ann", null)));
        Assert.Equal(ids[1], (await ClaimOneAsync()).Id);
    }

    [Fact]
    public async Task A_dead_head_holds_later_arrivals_too()
    {
        await LaneAsync(1);
        await KillAsync(await ClaimOneAsync());
        await PutAsync("later", "k");
        Assert.Empty((await ClaimAsync()).Deliveries);
    }

    [Fact]
    public async Task A_replayed_head_goes_first_and_its_followers_after_it()
    {
        var ids = await LaneAsync(3);
        await KillAsync(await ClaimOneAsync());
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new ReplayCommand(ids[0], "ann", null)));
        foreach (var id in ids)
        {
            var claimed = await ClaimOneAsync();
            Assert.Equal(id, claimed.Id);
            await CompleteAsync(claimed);
        }
    }

    [Fact]
    public async Task A_dead_delivery_that_does_not_block_lets_followers_pass_and_rejoins_at_its_place_when_replayed()
    {
        var ids = await LaneAsync(3);
        await KillAsync(await ClaimOneAsync(), blockLane: false);
        var second = await ClaimOneAsync();
        Assert.Equal(ids[1], second.Id);
        await CommitAsync(new ReplayCommand(ids[0], "ann", null));
        Assert.Empty((await ClaimAsync()).Deliveries);
        Assert.True((await ReadAsync(ids[0])).Blocked);
        await CompleteAsync(second);
        var replayed = await ClaimOneAsync();
        Assert.Equal(ids[0], replayed.Id);
        await CompleteAsync(replayed);
        Assert.Equal(ids[2], (await ClaimOneAsync()).Id);
    }

    [Fact]
    public async Task A_replayed_delivery_goes_before_a_dead_head_that_was_stored_later()
    {
        var ids = await LaneAsync(3);
        await KillAsync(await ClaimOneAsync(), blockLane: false);
        await KillAsync(await ClaimOneAsync());
        await CommitAsync(new ReplayCommand(ids[0], "ann", null));
        var replayed = await ClaimOneAsync();
        Assert.Equal(ids[0], replayed.Id);
        await CompleteAsync(replayed);
        Assert.Empty((await ClaimAsync()).Deliveries);
        await CommitAsync(new DiscardCommand(ids[1], "ann", null));
        Assert.Equal(ids[2], (await ClaimOneAsync()).Id);
    }

    [Fact]
    public async Task A_lane_that_ran_empty_starts_anew()
    {
        await LaneAsync(1);
        await CompleteAsync(await ClaimOneAsync());
        var ids = await LaneAsync(2);
        Assert.Equal(ids[0], (await ClaimOneAsync()).Id);
    }

    [Fact]
    public async Task Order_survives_a_restart_with_the_head_in_hand()
    {
        var ids = await LaneAsync(2);
        await ClaimOneAsync();
        await RestartAsync();
        Assert.Empty((await ClaimAsync()).Deliveries);
        var head = await ClaimOneAsync(suspects: true);
        Assert.Equal(ids[0], head.Id);
        await CompleteAsync(head);
        Assert.Equal(ids[1], (await ClaimOneAsync()).Id);
    }

    [Fact]
    public async Task What_waits_behind_a_dead_head_is_counted_and_the_dead_letter_says_how_many()
    {
        var ids = await LaneAsync(4);
        await PutAsync("alone", "other");
        var claimed = (await ClaimAsync()).Deliveries;
        Assert.Equal((0, 0), await BlockedAsync());
        foreach (var each in claimed)
            await KillAsync(each);
        Assert.Equal((3, 1), await BlockedAsync());
        Assert.Equal(3, (await ReadAsync(ids[0])).Holds);
        Assert.Equal(0, (await ReadAsync(ids[1])).Holds);
        Assert.Equal([0, 3], (await ListAsync(new() { State = DeliveryState.Dead })).Items.Select(letter => letter.Holds).Order());
        await CommitAsync(new DiscardCommand(ids[0], "ann", null));
        Assert.Equal((0, 0), await BlockedAsync());
    }

    private async Task<(long, long)> BlockedAsync()
    {
        var queue = await CountsAsync();
        var service = Assert.Single(await Store.Queries.ServicesAsync(TestContext.Current.CancellationToken));
        Assert.Equal((queue.Blocked, queue.BlockedLanes), (service.Blocked, service.BlockedLanes));
        return (queue.Blocked, queue.BlockedLanes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_poison_message_holds_its_lane_as_its_queue_says(bool blocks)
    {
        var ids = await LaneAsync(2);
        await ClaimOneAsync();
        for (var crash = 0; crash < 3; crash++)
        {
            await RestartAsync();
            await ClaimOneAsync(suspects: true);
        }
        BlocksLane = queue => queue != Queue || blocks;
        await RestartAsync();
        Assert.Equal(FaultKind.PoisonMessage, (await ReadAsync(ids[0])).Kind);
        DeliveryId[] expected = blocks ? [] : [ids[1]];
        Assert.Equal(expected, (await ClaimAsync()).Deliveries.Select(delivery => delivery.Id));
    }
}
