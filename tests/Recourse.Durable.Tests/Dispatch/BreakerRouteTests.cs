namespace Recourse.Durable.Tests;

/// <summary>How a route follows its service's breaker.</summary>
public class BreakerRouteTests
{
    private static ServicePolicy OneByOne { get; } = DispatchRig.Orders with { MaxConcurrent = 1 };

    [Fact]
    public async Task An_open_breaker_pauses_the_route_and_nothing_is_claimed()
    {
        await using var rig = new DispatchRig(OneByOne);
        var ids = await rig.EnqueueManyAsync(5);
        rig.Start();
        await FailAsync(rig, 2);
        Assert.Equal("open", rig.Dispatcher.Status[0].Breaker);
        await rig.QuietAsync();
        var claims = rig.Store.Claims.Count();
        rig.Dispatcher.Notify("orders");
        await rig.QuietAsync();
        Assert.Equal(claims, rig.Store.Claims.Count());
        foreach (var id in ids[2..]) Assert.Equal(0, (await rig.StoredAsync(id)).AttemptCount);
        foreach (var id in ids) Assert.NotEqual(DeliveryState.Dead, (await rig.StoredAsync(id)).State);
    }

    [Fact]
    public async Task Probes_are_claimed_by_their_number_and_close_the_breaker_again()
    {
        await using var rig = new DispatchRig(DispatchRig.Orders with { FailureThreshold = 1 });
        await rig.EnqueueManyAsync(8);
        rig.Start();
        foreach (var call in await rig.CallsAsync(3)) call.Fail("500");
        for (var i = 0; i < 3; i++) await rig.ReportAsync();
        await rig.QuietAsync();
        var before = rig.Store.Claims.Count();
        var first = await rig.AdvanceToCallAsync();
        var second = await rig.CallAsync();
        // Two good probes close the breaker, so no third goes before they have ended.
        var claims = rig.Store.Claims.Select(claim => claim.Max).ToList();
        Assert.True(claims[before] == 2, $"Claims were for {string.Join(", ", claims)}; number {before} was to be for 2.");
        await rig.NoCallAsync();
        Assert.Equal("half_open", rig.Dispatcher.Status[0].Breaker);
        first.Succeed();
        await rig.ReportAsync();
        second.Succeed();
        await rig.ReportAsync();
        Assert.Equal("closed", rig.Dispatcher.Status[0].Breaker);
        await rig.CallsAsync(3);
    }

    [Fact]
    public async Task Probes_rotate_over_the_messages()
    {
        await using var rig = new DispatchRig(OneByOne);
        await rig.EnqueueManyAsync(6);
        rig.Start();
        var tried = new List<DeliveryId>();
        for (var i = 0; i < 6; i++)
        {
            var call = await rig.AdvanceToCallAsync();
            tried.Add(call.Delivery.Id);
            call.Fail("503");
            await rig.ReportAsync();
        }

        Assert.Equal(6, tried.Distinct().Count());
    }

    [Fact]
    public async Task Faults_of_messages_do_not_open_the_breaker()
    {
        await using var rig = new DispatchRig(OneByOne);
        await rig.EnqueueManyAsync(5);
        rig.Start();
        for (var i = 0; i < 5; i++)
        {
            (await rig.CallAsync()).Fail("400");
            await rig.ReportAsync();
        }

        Assert.Equal(("closed", 0), (rig.Dispatcher.Status[0].Breaker, rig.Dispatcher.Status[0].ConsecutiveFailures));
    }

    [Fact]
    public async Task Faults_that_nobody_can_name_open_the_breaker_so_that_an_outage_does_not_eat_messages()
    {
        await using var rig = new DispatchRig(OneByOne);
        await rig.EnqueueManyAsync(5);
        rig.Start();
        for (var i = 0; i < 2; i++)
        {
            (await rig.CallAsync()).Fail(FaultKind.Unknown);
            await rig.ReportAsync();
        }

        Assert.Equal("open", rig.Dispatcher.Status[0].Breaker);
    }

    [Fact]
    public async Task The_status_tells_what_was_last_seen()
    {
        await using var rig = new DispatchRig(OneByOne);
        await rig.EnqueueManyAsync(3);
        rig.Start();
        await FailAsync(rig, 2);
        // An attempt is told of before its permit is free again.
        await rig.QuietAsync();
        var status = rig.Dispatcher.Status[0];
        Assert.Equal(("orders", "open", 0, 1, 2, "HTTP 503"),
            (status.Name, status.Breaker, status.InFlight, status.MaxConcurrent, status.ConsecutiveFailures, status.LastError));
        Assert.InRange(status.RetryAfter, TimeSpan.FromSeconds(24), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task An_isolated_service_gets_nothing_until_it_is_reset()
    {
        await using var rig = new DispatchRig(OneByOne);
        await rig.EnqueueAsync();
        Assert.True(rig.Dispatcher.Isolate("orders"));
        rig.Start();
        await rig.QuietAsync();
        Assert.Empty(rig.Store.Claims);
        Assert.Equal("isolated", rig.Dispatcher.Status[0].Breaker);
        Assert.True(rig.Dispatcher.Reset("orders"));
        await rig.CallAsync();
        Assert.False(rig.Dispatcher.Isolate("nobody"));
        Assert.False(rig.Dispatcher.Reset("nobody"));
    }

    [Fact]
    public async Task A_reload_keeps_the_breaker_and_takes_the_new_bounds()
    {
        await using var rig = new DispatchRig(OneByOne);
        await rig.EnqueueManyAsync(6);
        rig.Start();
        await FailAsync(rig, 2);
        rig.Dispatcher.Update([OneByOne with { MaxConcurrent = 4, SuccessThreshold = 1 }, new ServicePolicy { Name = "billing" }]);
        Assert.Equal(["orders", "billing"], rig.Dispatcher.Status.Select(status => status.Name));
        Assert.Equal(("open", 4), (rig.Dispatcher.Status[0].Breaker, rig.Dispatcher.Status[0].MaxConcurrent));
        (await rig.AdvanceToCallAsync()).Succeed();
        await rig.ReportAsync();
        await rig.CallsAsync(4);
        await rig.EnqueueAsync("billing");
        rig.Dispatcher.Notify("billing");
        Assert.Equal("billing", (await rig.CallAsync()).Delivery.Service);
    }

    [Fact]
    public async Task A_service_that_is_taken_away_claims_nothing_more_and_finishes_what_it_has()
    {
        await using var rig = new DispatchRig(OneByOne);
        var ids = await rig.EnqueueManyAsync(2);
        rig.Start();
        var call = await rig.CallAsync();
        rig.Dispatcher.Update([]);
        call.Succeed();
        await rig.ReportAsync();
        Assert.Equal(DeliveryState.Delivered, (await rig.StoredAsync(ids[0])).State);
        await rig.QuietAsync();
        Assert.Equal(DeliveryState.Waiting, (await rig.StoredAsync(ids[1])).State);
        Assert.Equal(1, rig.CallCount);
    }

    private static async Task FailAsync(DispatchRig rig, int times)
    {
        for (var i = 0; i < times; i++)
        {
            (await rig.CallAsync()).Fail("503");
            await rig.ReportAsync();
        }
    }
}
