namespace Recourse.Durable.Tests;

/// <summary>Live traffic survives a bulk replay.</summary>
public class BulkShareTests
{
    [Fact]
    public void Of_ten_permits_two_are_the_most_at_a_time()
    {
        var share = new BulkShare();
        Assert.Equal(2, share.Allowed(10));
        share.Begin(bulk: true);
        Assert.Equal(1, share.Allowed(10));
        share.Begin(bulk: true);
        Assert.Equal(0, share.Allowed(10));
        share.End();
        Assert.Equal(1, share.Allowed(10));
    }

    [Fact]
    public void With_few_permits_one_goes_after_every_four_others()
    {
        var share = new BulkShare();
        Assert.Equal(0, share.Allowed(2));
        for (var i = 0; i < 4; i++)
            share.Begin(bulk: false);
        Assert.Equal(1, share.Allowed(2));
        share.Begin(bulk: true);
        share.End();
        Assert.Equal(0, share.Allowed(2));
    }

    [Fact]
    public async Task While_others_are_due_a_fifth_of_the_permits_at_most_is_for_replayed_letters()
    {
        await using var rig = new DispatchRig(DispatchRig.Orders with { MaxConcurrent = 10 });
        await BulkAsync(rig, 40);
        await rig.EnqueueManyAsync(100);
        rig.Start();
        var (bulk, live, inHand) = (0, 0, new List<HandlerCall>());
        for (var i = 0; i < 10; i++)
            inHand.Add(await rig.CallAsync());
        while (live < 90)
        {
            Assert.InRange(inHand.Count(call => call.Delivery.Bulk), 0, 2);
            var call = inHand[0];
            inHand.RemoveAt(0);
            (bulk, live) = call.Delivery.Bulk ? (bulk + 1, live) : (bulk, live + 1);
            call.Succeed();
            inHand.Add(await rig.CallAsync());
        }
        Assert.InRange(bulk, 15, 30);
        foreach (var call in inHand)
            call.Succeed();
    }

    [Fact]
    public async Task When_nothing_else_is_due_replayed_letters_get_every_permit()
    {
        await using var rig = new DispatchRig(DispatchRig.Orders with { MaxConcurrent = 10 });
        await BulkAsync(rig, 12);
        rig.Start();
        var calls = await rig.CallsAsync(10);
        Assert.All(calls, call => Assert.True(call.Delivery.Bulk));
        foreach (var call in calls)
            call.Succeed();
        foreach (var call in await rig.CallsAsync(2))
            call.Succeed();
    }

    private static async Task BulkAsync(DispatchRig rig, int count)
    {
        var ids = await rig.EnqueueManyAsync(count);
        foreach (var claimed in (await rig.Store.CommitAsync(new ClaimCommand("orders", count, "node"))).Deliveries)
        {
            var attempt = new Attempt { Number = 1, StartedAt = claimed.ClaimedAt, Outcome = "failed" };
            await rig.Store.CommitAsync(new FailCommand(
                claimed.Id, claimed.Lease, attempt, Classification.Unknown, new(DeliveryAction.DeadLetter, null, "enough")));
        }
        var job = Guid.CreateVersion7();
        await rig.Store.CommitAsync(new StartReplayCommand(job, new() { Filter = new() { Queue = "incoming" }, Actor = "ann" }, count));
        Assert.Equal(count, (await rig.Store.CommitAsync(new ReplayBatchCommand(job, null, "1", ids)))!.Replayed);
    }
}
