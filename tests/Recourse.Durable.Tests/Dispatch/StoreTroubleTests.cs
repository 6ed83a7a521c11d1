namespace Recourse.Durable.Tests;

/// <summary>A store that fails, and the races between a loop that looks for work and the work that comes.</summary>
public class StoreTroubleTests
{
    [Fact]
    public async Task A_store_that_is_down_stops_no_loop()
    {
        await using var rig = new DispatchRig();
        await rig.EnqueueAsync();
        var left = 7;
        rig.Store.Before = command => command is ClaimCommand && left-- > 0 ? throw Down : Task.CompletedTask;
        rig.Start();
        (await rig.AdvanceToCallAsync()).Succeed();
        Assert.Equal("delivered", (await rig.ReportAsync()).Attempt.Outcome);
        // Told at once, and then every 10 s at most.
        Assert.InRange(rig.Log.Lines.Count(line => line.Id is 1 or 12), 1, 2);
        await rig.QuietAsync();
        Assert.Equal(0, rig.Dispatcher.Status[0].InFlight);
    }

    [Fact]
    public async Task An_error_that_nobody_expects_stops_no_loop_either()
    {
        await using var rig = new DispatchRig();
        await rig.EnqueueAsync();
        var left = 3;
        rig.Store.Before = command => command is ClaimCommand && left-- > 0 ? throw new InvalidCastException() : Task.CompletedTask;
        rig.Start();
        (await rig.AdvanceToCallAsync()).Succeed();
        Assert.Equal(3, rig.Log.Lines.Count(line => line.Id == 7));
    }

    [Fact]
    public async Task That_it_was_delivered_is_not_forgotten_while_the_store_is_down()
    {
        await using var rig = new DispatchRig();
        var id = await rig.EnqueueAsync();
        rig.Start();
        var call = await rig.CallAsync();
        await rig.QuietAsync();
        var left = 20;
        var refused = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.Store.Before = command =>
        {
            if (command is not CompleteCommand || left-- <= 0) return Task.CompletedTask;
            refused.TrySetResult();
            throw Down;
        };
        call.Succeed();
        // Only then the clock moves: moved before the answer is seen, it would pass the attempt's timeout.
        await refused.Task;
        await rig.AdvanceUntilAsync(rig.ReportAsync());
        Assert.Equal(DeliveryState.Delivered, (await rig.StoredAsync(id)).State);
        Assert.Equal(1, rig.CallCount);
        var told = rig.Log.Lines.Where(line => line.Id is 1 or 12).ToList();
        Assert.Contains("the outcome 'delivered'", told[0].Text);
        Assert.InRange(told.Count, 2, 9);
    }

    [Fact]
    public async Task Work_that_comes_while_the_loop_looks_is_found_without_a_clock()
    {
        await using var rig = new DispatchRig();
        var (looked, answer) = (new TaskCompletionSource(), new TaskCompletionSource());
        rig.Store.After = command =>
        {
            if (command is not ClaimCommand || looked.Task.IsCompleted) return Task.CompletedTask;
            looked.SetResult();
            return answer.Task;
        };
        rig.Start();
        await looked.Task;
        // The loop has found nothing and does not know it yet.
        await rig.EnqueueAsync();
        rig.Dispatcher.Notify("orders");
        answer.SetResult();
        await rig.CallAsync();
        Assert.Equal(TimeSpan.Zero, rig.Clock.Elapsed);
    }

    [Fact]
    public async Task Work_that_comes_while_the_loop_sleeps_wakes_it()
    {
        await using var rig = new DispatchRig();
        rig.Start();
        await rig.QuietAsync();
        await rig.EnqueueAsync();
        rig.Dispatcher.Notify("orders");
        await rig.CallAsync();
        Assert.Equal(TimeSpan.Zero, rig.Clock.Elapsed);
    }

    [Fact]
    public async Task Work_that_nobody_told_of_is_found_by_the_slow_look()
    {
        await using var rig = new DispatchRig();
        rig.Start();
        // Stored by another process.
        rig.Store.Arrivals = null;
        await rig.QuietAsync();
        await rig.EnqueueAsync();
        await rig.AdvanceToCallAsync();
        Assert.Equal(TimeSpan.FromSeconds(5), rig.Clock.Elapsed);
    }

    private static StoreException Down => new("the store is away", StoreProblem.Unavailable);
}
