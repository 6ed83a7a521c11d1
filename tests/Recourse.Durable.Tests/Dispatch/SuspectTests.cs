namespace Recourse.Durable.Tests;

/// <summary>What was in hand when a process ended runs alone.</summary>
public class SuspectTests
{
    [Fact]
    public async Task Suspects_run_one_at_a_time_with_nothing_else_in_flight()
    {
        await using var rig = new DispatchRig(DispatchRig.Orders, new ServicePolicy { Name = "billing", MaxConcurrent = 5 });
        var suspects = (await rig.CrashAsync(3)).Concat(await rig.CrashAsync(2, "billing")).ToHashSet();
        await rig.EnqueueManyAsync(6);
        await rig.EnqueueManyAsync(6, "billing");
        rig.Start(suspects: 5);
        var (underWay, alone) = (new List<HandlerCall>(), 0);
        for (var seen = 0; seen < 17;)
        {
            await rig.QuietAsync();
            while (rig.TryCall() is { } call)
            {
                seen++;
                underWay.Add(call);
                Assert.Equal(suspects.Contains(call.Delivery.Id), call.Delivery.Suspect);
            }

            if (underWay.Any(call => call.Delivery.Suspect))
            {
                Assert.Single(underWay);
                alone++;
            }

            underWay.ForEach(call => call.Succeed());
            underWay.Clear();
            await rig.QuietAsync();
            if (seen < 17 && !rig.CallWaits) rig.Clock.AdvanceToNextTimer();
        }

        await rig.QuietAsync();
        Assert.Equal(5, alone);
        foreach (var id in suspects) Assert.Equal((DeliveryState.Delivered, false), await StateAsync(rig, id));
    }

    [Fact]
    public async Task A_suspect_that_fails_is_a_suspect_no_more()
    {
        await using var rig = new DispatchRig();
        var id = (await rig.CrashAsync(1))[0];
        rig.Start(suspects: 1);
        (await rig.CallAsync()).Fail("503");
        await rig.ReportAsync();
        Assert.Equal((DeliveryState.Delayed, false), await StateAsync(rig, id));
        Assert.False((await rig.AdvanceToCallAsync()).Delivery.Suspect);
    }

    [Fact]
    public async Task A_suspect_of_a_service_that_must_not_be_repeated_is_dead_without_a_call()
    {
        await using var rig = new DispatchRig(DispatchRig.Orders with { Repeatable = false });
        var id = (await rig.CrashAsync(1))[0];
        rig.Start(suspects: 1);
        await rig.ReportAsync();
        var stored = await rig.StoredAsync(id);
        Assert.Equal((DeliveryState.Dead, FaultKind.OutcomeUnknown, 0), (stored.State, stored.Kind, rig.CallCount));
        Assert.Equal("closed", rig.Dispatcher.Status[0].Breaker);
    }

    [Fact]
    public async Task Suspects_of_a_service_whose_breaker_is_open_wait_and_hold_nobody_up()
    {
        await using var rig = new DispatchRig(DispatchRig.Orders, new ServicePolicy { Name = "billing" });
        await rig.CrashAsync(1);
        var other = (await rig.CrashAsync(1, "billing"))[0];
        rig.Dispatcher.Isolate("orders");
        rig.Start(suspects: 2);
        var call = await rig.CallAsync();
        Assert.Equal(other, call.Delivery.Id);
        call.Succeed();
        await rig.ReportAsync();
        await rig.EnqueueAsync("billing");
        rig.Dispatcher.Notify("billing");
        (await rig.CallAsync()).Succeed();
        await rig.NoCallAsync();
        rig.Dispatcher.Reset("orders");
        Assert.True((await rig.CallAsync()).Delivery.Suspect);
    }

    [Fact]
    public async Task Ordinary_traffic_goes_on_when_what_is_in_flight_takes_too_long()
    {
        await using var rig = new DispatchRig();
        await rig.CrashAsync(1);
        await rig.EnqueueAsync();
        rig.Start();
        var slow = await rig.CallAsync();
        await rig.QuietAsync();
        await rig.EnqueueAsync();
        rig.Dispatcher.CheckSuspects();
        // The way is closed for 200 ms, then open for as long.
        var ordinary = await rig.AdvanceToCallAsync();
        Assert.False(ordinary.Delivery.Suspect);
        Assert.InRange(rig.Clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        ordinary.Succeed();
        await rig.ReportAsync();
        slow.Succeed();
        await rig.ReportAsync();
        Assert.True((await rig.AdvanceToCallAsync()).Delivery.Suspect);
    }

    private static async Task<(DeliveryState, bool)> StateAsync(DispatchRig rig, DeliveryId id)
    {
        var stored = await rig.StoredAsync(id);
        return (stored.State, stored.Suspect);
    }
}
