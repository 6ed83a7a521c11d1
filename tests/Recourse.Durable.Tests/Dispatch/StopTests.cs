namespace Recourse.Durable.Tests;

/// <summary>A graceful stop in each phase of a delivery, and the races between a stop and a claim.</summary>
public class StopTests
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task An_idle_dispatcher_stops_at_once_and_claims_nothing_more()
    {
        await using var rig = new DispatchRig();
        rig.Start();
        await rig.QuietAsync();
        await rig.Dispatcher.StopAsync(Grace);
        var claims = rig.Store.Claims.Count();
        await rig.EnqueueAsync();
        rig.Dispatcher.Notify("orders");
        Assert.Equal((claims, TimeSpan.Zero), (rig.Store.Claims.Count(), rig.Clock.Elapsed));
    }

    [Fact]
    public async Task What_is_under_way_may_end_within_the_grace()
    {
        await using var rig = new DispatchRig();
        var id = await rig.EnqueueAsync();
        rig.Start();
        var call = await rig.CallAsync();
        var stopping = rig.Dispatcher.StopAsync(Grace);
        Assert.False(stopping.IsCompleted);
        call.Succeed();
        await stopping;
        Assert.Equal(DeliveryState.Delivered, (await rig.StoredAsync(id)).State);
        Assert.Equal(TimeSpan.Zero, rig.Clock.Elapsed);
    }

    [Fact]
    public async Task What_is_still_under_way_after_the_grace_is_cancelled_and_due_again_at_once()
    {
        await using var rig = new DispatchRig();
        var id = await rig.EnqueueAsync();
        rig.Start();
        (await rig.CallAsync()).HeedToken();
        await rig.QuietAsync();
        var stopping = rig.Dispatcher.StopAsync(Grace);
        rig.Clock.Advance(Grace);
        await rig.ReportAsync();
        await stopping;
        var stored = await rig.StoredAsync(id);
        Assert.Equal((DeliveryState.Waiting, FaultKind.Cancelled), (stored.State, stored.Kind));
        Assert.Equal("retry: stopped during the attempt, retry 1 in 0 s, not counted", stored.Decision);
        Assert.Equal(("closed", 0), (rig.Dispatcher.Status[0].Breaker, rig.Dispatcher.Status[0].ConsecutiveFailures));
    }

    [Fact]
    public async Task A_handler_that_ignores_the_stop_is_abandoned_and_its_lease_ended()
    {
        await using var rig = new DispatchRig();
        var id = await rig.EnqueueAsync();
        rig.Start();
        var stuck = await rig.CallAsync();
        await rig.QuietAsync();
        var stopping = rig.Dispatcher.StopAsync(Grace);
        rig.Clock.Advance(Grace);
        await rig.UntilDueAsync(TimeSpan.FromSeconds(5));
        rig.Clock.Advance(TimeSpan.FromSeconds(5));
        await stopping;
        Assert.Equal((DeliveryState.Waiting, FaultKind.Cancelled), ((await rig.StoredAsync(id)).State, (await rig.StoredAsync(id)).Kind));
        stuck.Succeed();
    }

    [Fact]
    public async Task A_claim_that_is_answered_after_the_stop_is_given_back_uncounted()
    {
        await using var rig = new DispatchRig();
        var id = await rig.EnqueueAsync();
        var (claimed, answer) = (new TaskCompletionSource(), new TaskCompletionSource());
        rig.Store.After = command =>
        {
            if (command is not ClaimCommand) return Task.CompletedTask;
            claimed.TrySetResult();
            return answer.Task;
        };
        rig.Start();
        await claimed.Task;
        var stopping = rig.Dispatcher.StopAsync(Grace);
        answer.SetResult();
        await stopping;
        var stored = await rig.StoredAsync(id);
        Assert.Equal((DeliveryState.Waiting, 0, 0), (stored.State, stored.AttemptCount, rig.CallCount));
        Assert.IsType<ReleaseCommand>(rig.Store.Committed.Last());
    }

    [Fact]
    public async Task A_stop_before_the_claim_leaves_the_delivery_where_it_is()
    {
        await using var rig = new DispatchRig();
        var id = await rig.EnqueueAsync();
        await rig.Dispatcher.StopAsync(Grace);
        Assert.Throws<InvalidOperationException>(() => rig.Start());
        Assert.Empty(rig.Store.Claims);
        Assert.Equal(DeliveryState.Waiting, (await rig.StoredAsync(id)).State);
    }

    [Fact]
    public async Task An_outcome_that_cannot_be_stored_before_the_end_is_logged_by_name()
    {
        await using var rig = new DispatchRig();
        var id = await rig.EnqueueAsync();
        rig.Start();
        var call = await rig.CallAsync();
        rig.Store.Before = _ => throw new StoreException("the disk is gone", StoreProblem.DiskFull);
        call.Succeed();
        await rig.AdvanceUntilAsync(rig.Dispatcher.StopAsync(Grace));
        var line = await rig.LoggedAsync(3);
        Assert.Contains(id.ToString(), line.Text, StringComparison.Ordinal);
        Assert.Equal(DeliveryState.Leased, (await rig.StoredAsync(id)).State);
    }

    [Fact]
    public async Task Stopping_twice_is_stopping_once()
    {
        await using var rig = new DispatchRig();
        rig.Start();
        Assert.Same(rig.Dispatcher.StopAsync(Grace), rig.Dispatcher.StopAsync(TimeSpan.Zero));
    }
}
