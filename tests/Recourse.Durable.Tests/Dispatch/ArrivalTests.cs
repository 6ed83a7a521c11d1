namespace Recourse.Durable.Tests;

/// <summary>How a route takes what is stored while it has room, and when it must not.</summary>
public class ArrivalTests
{
    private static readonly ServicePolicy OneByOne = DispatchRig.Orders with { MaxConcurrent = 1 };

    /// <summary>A rig whose first look has found nothing.</summary>
    private static async Task<DispatchRig> ClearAsync(params ServicePolicy[] services)
    {
        var rig = new DispatchRig(services);
        rig.Start();
        await rig.QuietAsync();
        return rig;
    }

    private static async Task<EnqueueCommand> SendAsync(DispatchRig rig, string? key = null)
    {
        var command = new EnqueueCommand(
            new() { Queue = "incoming", Body = "{}"u8.ToArray(), Services = ["orders"], IdempotencyKey = key });
        await rig.Store.CommitAsync(command);
        rig.Dispatcher.Notify(command);
        return command;
    }

    [Fact]
    public async Task A_message_for_which_there_is_room_begins_with_its_storing_and_without_a_claim()
    {
        await using var rig = await ClearAsync();
        var claims = rig.Store.Claims.Count();
        for (var i = 0; i < 5; i++)
        {
            Assert.True((await SendAsync(rig)).IsTaken);
            var call = await rig.CallAsync();
            Assert.Equal(1, call.Delivery.Attempt);
            call.Succeed();
            Assert.Equal("delivered", (await rig.ReportAsync()).Attempt.Outcome);
        }
        await rig.NoCallAsync();
        Assert.Equal(claims, rig.Store.Claims.Count());
        Assert.Equal(0, rig.Dispatcher.Status[0].InFlight);
    }

    [Fact]
    public async Task Before_the_first_look_everything_waits()
    {
        await using var rig = new DispatchRig();
        Assert.False((await SendAsync(rig)).IsTaken);
        rig.Start();
        (await rig.CallAsync()).Succeed();
        await rig.ReportAsync();
    }

    [Fact]
    public async Task Without_a_permit_a_message_waits_and_comes_before_what_is_stored_behind_it()
    {
        await using var rig = await ClearAsync(OneByOne);
        Assert.True((await SendAsync(rig)).IsTaken);
        var first = await rig.CallAsync();
        var second = await SendAsync(rig);
        Assert.False(second.IsTaken);
        // Its permit is free, and nobody has looked since.
        var looks = new TaskCompletionSource();
        rig.Store.Before = command => command is ClaimCommand ? looks.Task : Task.CompletedTask;
        first.Succeed();
        await rig.ReportAsync();
        var third = await SendAsync(rig);
        Assert.False(third.IsTaken);
        looks.SetResult();
        foreach (var expected in new[] { second, third })
        {
            var call = await rig.CallAsync();
            Assert.Equal(expected.Result.MessageId, call.Delivery.Id.MessageId);
            call.Succeed();
            await rig.ReportAsync();
        }
        await rig.QuietAsync();
        Assert.True((await SendAsync(rig)).IsTaken);
        (await rig.CallAsync()).Succeed();
        await rig.ReportAsync();
    }

    [Fact]
    public async Task A_retry_that_is_due_comes_before_what_is_stored()
    {
        await using var rig = await ClearAsync(OneByOne);
        await SendAsync(rig);
        var failing = await rig.CallAsync();
        failing.Fail("503", TimeSpan.FromSeconds(2));
        await rig.ReportAsync();
        await rig.QuietAsync();
        // Until it is due there is room for others.
        Assert.True((await SendAsync(rig)).IsTaken);
        (await rig.CallAsync()).Succeed();
        await rig.ReportAsync();
        await rig.QuietAsync();
        var looks = new TaskCompletionSource();
        rig.Store.Before = command => command is ClaimCommand ? looks.Task : Task.CompletedTask;
        rig.Clock.Advance(TimeSpan.FromSeconds(4));
        Assert.False((await SendAsync(rig)).IsTaken);
        looks.SetResult();
        var retried = await rig.CallAsync();
        Assert.Equal((failing.Delivery.Id, 2), (retried.Delivery.Id, retried.Delivery.Attempt));
        retried.Succeed();
        (await rig.CallAsync()).Succeed();
    }

    [Fact]
    public async Task Followers_in_a_lane_are_looked_for_after_a_delivery()
    {
        await using var rig = await ClearAsync();
        for (var i = 0; i < 2; i++)
            await rig.EnqueueAsync(orderKey: "lane");
        rig.Dispatcher.Notify("orders");
        (await rig.CallAsync()).Succeed();
        await rig.ReportAsync();
        (await rig.CallAsync()).Succeed();
        await rig.ReportAsync();
    }

    [Fact]
    public async Task Behind_an_open_breaker_messages_wait()
    {
        await using var rig = await ClearAsync();
        rig.Dispatcher.Isolate("orders");
        Assert.False((await SendAsync(rig)).IsTaken);
        await rig.NoCallAsync();
        rig.Dispatcher.Reset("orders");
        (await rig.CallAsync()).Succeed();
        await rig.ReportAsync();
        await rig.QuietAsync();
        Assert.Equal(0, rig.Dispatcher.Status[0].InFlight);
    }

    [Fact]
    public async Task A_stop_takes_nothing_more()
    {
        await using var rig = await ClearAsync();
        await rig.AdvanceUntilAsync(rig.Dispatcher.StopAsync(TimeSpan.Zero));
        Assert.False((await SendAsync(rig)).IsTaken);
    }

    [Fact]
    public async Task The_permit_of_what_was_not_stored_is_free_again()
    {
        await using var rig = await ClearAsync(OneByOne);
        Assert.True((await SendAsync(rig, "key")).IsTaken);
        (await rig.CallAsync()).Succeed();
        await rig.ReportAsync();
        await rig.QuietAsync();
        Assert.Equal(EnqueueStatus.Duplicate, (await SendAsync(rig, "key")).Result.Status);
        Assert.Equal(0, rig.Dispatcher.Status[0].InFlight);
        Assert.True((await SendAsync(rig)).IsTaken);
        (await rig.CallAsync()).Succeed();
        await rig.ReportAsync();
    }

    private static ArrivalRoom? Reserve(DispatchRig rig, int count = 1) => ((IArrivals)rig.Dispatcher).Reserve("orders", count);

    [Fact]
    public async Task Room_that_is_not_used_wakes_who_waited_for_it()
    {
        await using var rig = await ClearAsync(OneByOne);
        await SendAsync(rig);
        (await rig.CallAsync()).Fail("503", TimeSpan.FromSeconds(2));
        await rig.ReportAsync();
        await rig.QuietAsync();
        using (var room = Reserve(rig))
        {
            Assert.Equal(1, room!.Count);
            Assert.Null(Reserve(rig));
            // The retry is due, and there is no permit for it.
            rig.Clock.Advance(TimeSpan.FromSeconds(4));
        }
        var retried = await rig.CallAsync();
        Assert.Equal(2, retried.Delivery.Attempt);
        retried.Succeed();
    }

    [Fact]
    public async Task What_comes_while_a_look_holds_the_permits_is_looked_for_once_more()
    {
        await using var rig = await ClearAsync(OneByOne);
        var looks = new TaskCompletionSource();
        var looking = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rig.Store.After = command =>
        {
            if (command is not ClaimCommand) return Task.CompletedTask;
            looking.TrySetResult();
            return looks.Task;
        };
        rig.Dispatcher.Notify("orders");
        await looking.Task;
        // Nobody tells of it: its sender has gone.
        await rig.EnqueueAsync();
        looks.SetResult();
        (await rig.CallAsync()).Succeed();
        await rig.ReportAsync();
    }

    [Fact]
    public async Task A_breaker_that_probes_gives_no_room()
    {
        await using var rig = await ClearAsync(DispatchRig.Orders with { FailureThreshold = 1, SuccessThreshold = 1 });
        await SendAsync(rig);
        (await rig.CallAsync()).Fail("500");
        await rig.ReportAsync();
        await rig.QuietAsync();
        Assert.Equal("open", rig.Dispatcher.Status[0].Breaker);
        rig.Store.Before = command => command is ClaimCommand ? Task.FromException(new StoreException("away", StoreProblem.Unavailable))
            : Task.CompletedTask;
        rig.Clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Null(Reserve(rig));
        rig.Store.Before = null;
        (await rig.AdvanceToCallAsync()).Succeed();
        await rig.ReportAsync();
        await rig.QuietAsync();
        Assert.Equal(("closed", 0), (rig.Dispatcher.Status[0].Breaker, rig.Dispatcher.Status[0].InFlight));
    }

    [Fact]
    public async Task What_begins_after_a_stop_goes_back_uncounted()
    {
        await using var rig = await ClearAsync();
        var room = Reserve(rig)!;
        rig.Store.Arrivals = null;
        var id = await rig.EnqueueAsync();
        // The stop waits for who has room.
        var claim = await rig.Store.CommitAsync(new ClaimCommand("orders", 1, "local"), TestContext.Current.CancellationToken);
        var stop = rig.Dispatcher.StopAsync(TimeSpan.FromSeconds(30));
        room.Begin(Assert.Single(claim.Deliveries));
        room.Dispose();
        await rig.AdvanceUntilAsync(stop);
        Assert.Equal((DeliveryState.Waiting, 0), ((await rig.StoredAsync(id)).State, (await rig.StoredAsync(id)).AttemptCount));
    }

    [Fact]
    public async Task Nothing_of_who_sends_goes_on_to_the_attempt()
    {
        await using var rig = await ClearAsync();
        var ambient = new AsyncLocal<string?> { Value = "the sender's" };
        var seen = new TaskCompletionSource<string?>();
        rig.OnCall = _ => seen.TrySetResult(ambient.Value);
        Assert.True((await SendAsync(rig)).IsTaken);
        Assert.Null(await seen.Task);
        (await rig.CallAsync()).Succeed();
        await rig.ReportAsync();
    }

    [Fact]
    public async Task Permits_are_never_exceeded_whoever_gives_the_work()
    {
        await using var rig = await ClearAsync();
        var most = 0;
        rig.OnCall = _ => most = Math.Max(most, rig.Dispatcher.Status[0].InFlight);
        var sent = Task.WhenAll(Enumerable.Range(0, 60).Select(_ => Task.Run(() => SendAsync(rig), TestContext.Current.CancellationToken)));
        for (var i = 0; i < 60; i++)
        {
            (await rig.CallAsync()).Succeed();
            await rig.ReportAsync();
        }
        Assert.Contains(await sent, command => command.IsTaken);
        await rig.QuietAsync();
        Assert.InRange(most, 1, 3);
        Assert.Equal(0, rig.Dispatcher.Status[0].InFlight);
    }
}
