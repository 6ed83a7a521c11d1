namespace Recourse.Durable.Tests;

public class DispatcherTests
{
    [Fact]
    public async Task Delivers_what_is_due_and_stores_the_attempt_with_it()
    {
        await using var rig = new DispatchRig();
        var id = await rig.EnqueueAsync();
        rig.Start();
        (await rig.CallAsync()).Succeed();
        var report = await rig.ReportAsync();
        var stored = await rig.StoredAsync(id);
        Assert.Equal(DeliveryState.Delivered, stored.State);
        Assert.Equal(("delivered", "200", 1), (report.Attempt.Outcome, report.Attempt.Status, report.Attempt.Number));
        Assert.Null(report.Decision);
        Assert.Equal(report.Attempt, Assert.Single(stored.Attempts));
    }

    [Fact]
    public async Task A_queue_without_a_history_keeps_nothing_of_what_was_delivered_and_the_last_attempt_of_what_was_not()
    {
        await using var rig = new DispatchRig(
            options => options with { PolicyOf = _ => new() { KeepHistory = false } }, DispatchRig.Orders with { FailureThreshold = 9 });
        var (gone, failing) = (await rig.EnqueueAsync(), await rig.EnqueueAsync());
        rig.Start();
        foreach (var call in await rig.CallsAsync(2))
        {
            if (call.Delivery.Id == gone) call.Succeed();
            else call.Fail("503");
            await rig.ReportAsync();
        }

        Assert.Null(await rig.Store.Queries.MessageAsync(gone.MessageId, TestContext.Current.CancellationToken));
        (await rig.AdvanceToCallAsync()).Fail("503");
        await rig.ReportAsync();
        Assert.Equal(2, Assert.Single((await rig.StoredAsync(failing)).Attempts).Number);
    }

    [Fact]
    public async Task Claims_no_more_than_it_has_permits_for()
    {
        await using var rig = new DispatchRig();
        await rig.EnqueueManyAsync(10);
        rig.Start();
        for (var done = 0; done < 10; done++)
        {
            (await rig.CallAsync()).Succeed();
            await rig.ReportAsync();
        }

        Assert.Equal(3, rig.Store.MostInHand);
        Assert.All(rig.Store.Claims.Where(claim => !claim.Suspects), claim => Assert.InRange(claim.Max, 1, 3));
    }

    [Fact]
    public async Task Claims_again_as_soon_as_one_attempt_ends()
    {
        await using var rig = new DispatchRig();
        await rig.EnqueueManyAsync(4);
        rig.Start();
        var calls = await rig.CallsAsync(3);
        await rig.NoCallAsync();
        calls[1].Succeed();
        await rig.CallAsync();
    }

    [Fact]
    public async Task Counts_the_attempt_at_the_claim()
    {
        await using var rig = new DispatchRig();
        var id = await rig.EnqueueAsync();
        rig.Start();
        await rig.CallAsync();
        var stored = await rig.StoredAsync(id);
        Assert.Equal((DeliveryState.Leased, 1), (stored.State, stored.AttemptCount));
    }

    [Fact]
    public async Task A_failed_attempt_is_due_again_when_the_decision_says()
    {
        await using var rig = new DispatchRig();
        var id = await rig.EnqueueAsync();
        rig.Start();
        (await rig.CallAsync()).Fail("503", TimeSpan.FromSeconds(7));
        var report = await rig.ReportAsync();
        var stored = await rig.StoredAsync(id);
        Assert.Equal(rig.Clock.GetUtcNow().AddSeconds(7), stored.DueAt);
        Assert.Equal("retry: service fault, retry 1 in 7 s, gives up at an age of 24 h", report.Attempt.Decision);
        (await rig.AdvanceToCallAsync()).Succeed();
        Assert.Equal(2, (await rig.ReportAsync()).Attempt.Number);
        Assert.True(rig.Clock.Elapsed >= TimeSpan.FromSeconds(7), $"The second attempt came after {rig.Clock.Elapsed}.");
    }

    [Fact]
    public async Task A_permanent_fault_of_the_message_makes_a_dead_letter_at_once()
    {
        await using var rig = new DispatchRig();
        var id = await rig.EnqueueAsync();
        rig.Start();
        (await rig.CallAsync()).Fail("422");
        await rig.ReportAsync();
        var stored = await rig.StoredAsync(id);
        Assert.Equal((DeliveryState.Dead, FaultKind.ValidationError), (stored.State, stored.Kind));
    }

    [Fact]
    public async Task What_a_handler_throws_is_classified()
    {
        await using var rig = new DispatchRig();
        await rig.EnqueueAsync();
        rig.Start();
        (await rig.CallAsync()).Throw(new FormatException("no number"));
        var report = await rig.ReportAsync();
        Assert.Equal((FaultKind.TypeMismatch, "FormatException: no number"), (report.Fault!.Kind, report.Attempt.Error));
    }

    [Fact]
    public async Task A_handler_that_throws_before_its_first_await_is_no_trouble_for_the_route()
    {
        var clock = new Recourse.Tests.ManualClock();
        await using var store = new InMemoryMessageStore(clock);
        var reported = new TaskCompletionSource<AttemptReport>();
        var options = new DispatcherOptions { Time = clock, OnAttempt = report => reported.TrySetResult(report) };
        await using var dispatcher = new Dispatcher(store, (_, _) =>
            throw new InvalidDataException("at once"), [DispatchRig.Orders], options);
        var message = new NewMessage { Queue = "incoming", Body = default, Services = ["orders"] };
        await store.CommitAsync(new EnqueueCommand(message), TestContext.Current.CancellationToken);
        dispatcher.Start();
        Assert.Equal("InvalidDataException: at once", (await reported.Task).Attempt.Error);
    }

    [Fact]
    public async Task An_observer_that_throws_is_logged_and_changes_nothing()
    {
        await using var rig = new DispatchRig(options =>
        {
            var next = options.OnAttempt!;
            return options with
            {
                OnAttempt = report =>
                {
                    next(report);
                    throw new InvalidOperationException("observer");
                },
            };
        });
        var ids = await rig.EnqueueManyAsync(2);
        rig.Start();
        foreach (var call in await rig.CallsAsync(2)) call.Succeed();
        await rig.ReportAsync();
        await rig.ReportAsync();
        Assert.Equal(DeliveryState.Delivered, (await rig.StoredAsync(ids[1])).State);
        await rig.QuietAsync();
        Assert.Equal(2, rig.Log.Lines.Count(line => line.Id == 6));
    }

    [Fact]
    public async Task A_lane_goes_one_by_one_while_others_pass()
    {
        await using var rig = new DispatchRig();
        var first = await rig.EnqueueAsync(orderKey: "a");
        var second = await rig.EnqueueAsync(orderKey: "a");
        var other = await rig.EnqueueAsync(orderKey: "b");
        rig.Start();
        var calls = await rig.CallsAsync(2);
        Assert.Equal([first, other], calls.Select(call => call.Delivery.Id).Order(Comparer<DeliveryId>.Create(
            (x, y) => string.CompareOrdinal(x.ToString(), y.ToString()))));
        await rig.NoCallAsync();
        calls.Single(call => call.Delivery.Id == first).Succeed();
        Assert.Equal(second, (await rig.CallAsync()).Delivery.Id);
    }

    [Fact]
    public async Task An_outcome_whose_lease_is_lost_changes_nothing_and_is_told_to_nobody()
    {
        await using var rig = new DispatchRig();
        var id = await rig.EnqueueAsync();
        rig.Start();
        var call = await rig.CallAsync();
        // As if another owner had opened the store in the meantime.
        await rig.Store.OpenAsync(TestContext.Current.CancellationToken);
        call.Succeed();
        await rig.QuietAsync();
        Assert.Contains(rig.Log.Lines, line => line.Id == 4);
        var stored = await rig.StoredAsync(id);
        Assert.Equal((DeliveryState.Waiting, true), (stored.State, stored.Suspect));
    }

    [Fact]
    public async Task An_exhausted_retry_budget_postpones_and_never_fails()
    {
        await using var rig = new DispatchRig(
            options => options with { RetryBudget = new() { Ratio = 0, MinimumPerSecond = 0 } });
        var id = await rig.EnqueueAsync();
        rig.Start();
        (await rig.CallAsync()).Fail("500");
        var report = await rig.ReportAsync();
        Assert.EndsWith("retry budget used up", report.Attempt.Decision, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromSeconds(22.5), report.Decision!.Value.Delay);
        Assert.Equal(DeliveryState.Delayed, (await rig.StoredAsync(id)).State);
    }

    [Fact]
    public async Task A_policy_that_cannot_be_had_does_not_keep_the_lease()
    {
        await using var rig = new DispatchRig(options => options with { PolicyOf = _ => throw new KeyNotFoundException() });
        var id = await rig.EnqueueAsync();
        rig.Start();
        (await rig.CallAsync()).Fail("500");
        await rig.ReportAsync();
        Assert.Equal(DeliveryState.Delayed, (await rig.StoredAsync(id)).State);
        Assert.Contains(rig.Log.Lines, line => line.Id == 11);
    }

    [Fact]
    public async Task An_error_text_is_cut_between_characters()
    {
        await using var rig = new DispatchRig();
        await rig.EnqueueAsync();
        rig.Start();
        (await rig.CallAsync()).Throw(new Exception(new string('x', 1_988) + "😀 and more"));
        var error = (await rig.ReportAsync()).Attempt.Error!;
        Assert.Equal(1_999, error.Length);
        Assert.False(char.IsSurrogate(error[^1]));
    }

    [Fact]
    public void A_service_that_is_listed_twice_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new DispatchRig(DispatchRig.Orders, DispatchRig.Orders));
        Assert.Contains("'orders' is listed 2 times", error.Message, StringComparison.Ordinal);
    }
}
