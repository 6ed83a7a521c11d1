namespace Recourse.Durable.Tests;

/// <summary>What a dispatcher does with the news of other nodes.</summary>
public sealed class SharedRouteTests
{
    // A node that joins takes no permits before its third pulse.
    private const int PulsesUntilShare = 3;

    private static async Task<(DispatchRig Rig, SharedStore Store)> StartAsync(params ServicePolicy[] services)
    {
        SharedStore store = null!;
        var rig = new DispatchRig(clock => store = new SharedStore(clock), options => options, services);
        await rig.Store.OpenAsync(TestContext.Current.CancellationToken);
        rig.Start();
        return (rig, store);
    }

    [Fact]
    public async Task Of_the_permits_of_a_service_a_node_takes_its_part_and_all_of_them_when_it_is_alone()
    {
        var (rig, store) = await StartAsync();
        await using var closing = rig;
        await rig.EnqueueManyAsync(9);
        rig.Dispatcher.Notify("orders");
        await rig.NoCallAsync();
        await store.PulseAsync(PulsesUntilShare);
        var part = store.Nodes!.Share.Of(3, "orders");
        Assert.InRange(part, 1, 2);
        await rig.CallsAsync(part);
        await rig.NoCallAsync();
        Assert.Equal(part, rig.Dispatcher.Status[0].MaxConcurrent);

        store.Others.Clear();
        await store.PulseAsync();
        await rig.CallsAsync(3 - part);
        await rig.NoCallAsync();
        Assert.Equal(3, rig.Dispatcher.Status[0].MaxConcurrent);
        // A service that comes in while others live is divided from the beginning.
        store.Others.Add(1);
        await store.PulseAsync();
        rig.Dispatcher.Update([DispatchRig.Orders, DispatchRig.Orders with { Name = "billing", MaxConcurrent = 8 }]);
        Assert.Equal([part, 4], rig.Dispatcher.Status.Select(status => status.MaxConcurrent));
    }

    [Fact]
    public async Task A_probe_asks_for_the_right_to_probe_while_other_nodes_live()
    {
        var policy = DispatchRig.Orders with { FailureThreshold = 1, Timeout = TimeSpan.FromSeconds(5) };
        var (rig, store) = await StartAsync(policy);
        await using var closing = rig;
        await store.PulseAsync(PulsesUntilShare);
        await rig.EnqueueAsync();
        rig.Dispatcher.Notify("orders");
        (await rig.CallAsync()).Fail("503");
        await rig.ReportAsync();
        (await rig.AdvanceToCallAsync()).Fail("503");
        await rig.ReportAsync();
        var met = rig.Store.Claims.Where(claim => claim.Result.Deliveries.Count > 0).Select(claim => claim.ProbeFor).ToList();
        Assert.Equal(2, met.Count);
        Assert.Null(met[0]);
        // As long as an attempt can take at most.
        Assert.InRange(met[1]!.Value, policy.Timeout, TimeSpan.FromMinutes(1));

        store.Others.Clear();
        await store.PulseAsync();
        await rig.AdvanceToCallAsync();
        Assert.Null(rig.Store.Claims.Last(claim => claim.Result.Deliveries.Count > 0).ProbeFor);
    }

    [Fact]
    public async Task What_was_claimed_so_long_ago_that_others_may_have_it_goes_back_unsent()
    {
        var (rig, store) = await StartAsync();
        await using var closing = rig;
        await store.PulseAsync(PulsesUntilShare);
        var frozen = 0;
        rig.Store.After = command =>
        {
            if (command is ClaimCommand { Result.Deliveries.Count: > 0 } && Interlocked.Increment(ref frozen) == 1)
                rig.Clock.Advance(TimeSpan.FromSeconds(6));
            return Task.CompletedTask;
        };
        await rig.EnqueueAsync();
        rig.Dispatcher.Notify("orders");
        Assert.Equal(1, (await rig.AdvanceToCallAsync()).Delivery.Attempt);
        Assert.Single(rig.Store.Committed.OfType<ReleaseCommand>());
        Assert.Equal(2, frozen);
    }

    [Fact]
    public async Task A_breaker_that_was_reset_on_another_node_closes_here_too()
    {
        var (rig, store) = await StartAsync(DispatchRig.Orders with { FailureThreshold = 1 });
        await using var closing = rig;
        await store.PulseAsync(PulsesUntilShare);
        await rig.EnqueueAsync();
        rig.Dispatcher.Notify("orders");
        (await rig.CallAsync()).Fail("503");
        await rig.ReportAsync();
        Assert.Equal("open", rig.Dispatcher.Status[0].Breaker);
        store.Resets["orders"] = 1;
        await store.PulseAsync();
        Assert.Equal("closed", rig.Dispatcher.Status[0].Breaker);
    }

    [Fact]
    public async Task What_a_dead_node_had_in_hand_runs_as_a_suspect_at_once()
    {
        var (rig, store) = await StartAsync();
        await using var closing = rig;
        await store.PulseAsync(PulsesUntilShare);
        // At rest it claims nothing before it is told to.
        await rig.QuietAsync();
        var id = await rig.EnqueueAsync();
        await store.CommitAsync(new ClaimCommand("orders", 1, "dead"), TestContext.Current.CancellationToken);
        store.HasOrphans = true;
        await store.PulseAsync();
        var call = await rig.CallAsync();
        Assert.Equal((id, true, 2), (call.Delivery.Id, call.Delivery.Suspect, call.Delivery.Attempt));
    }
}
