namespace Recourse.Tests;

public class TotalAttemptsTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 4)]
    [InlineData(8, 8)]
    [InlineData(100, 9)]
    public async Task Two_layers_of_three_attempts_together_make_no_more_than_the_bound(int most, int runs)
    {
        var script = Script.FailsTimes(99);
        var outer = Retrying(3, builder => builder.TotalAttempts(most));
        var inner = Retrying(3);
        var outcome = await outer.TryExecuteAsync(async token =>
        {
            await Task.Yield();
            return await inner.ExecuteAsync(script.Run, token);
        });
        Assert.False(outcome.IsSuccess);
        Assert.Equal(runs, script.Count);
    }

    [Fact]
    public async Task The_bound_can_be_set_for_one_call_and_the_next_has_its_own()
    {
        var reasons = new List<RetryStop>();
        var pipeline = Retrying(5, onGivingUp: stopped => reasons.Add(stopped.Reason));
        var bounded = new RecoveryContext { MaxTotalAttempts = 2 };
        for (var call = 0; call < 2; call++)
        {
            var script = Script.FailsTimes(99);
            await pipeline.TryExecuteAsync((script, attempt) => script.Run(attempt.Token), script, bounded);
            Assert.Equal(2, script.Count);
        }

        Assert.Equal([RetryStop.TotalAttempts, RetryStop.TotalAttempts], reasons);
        var free = Script.FailsTimes(99);
        await pipeline.TryExecuteAsync(free.Run);
        Assert.Equal(5, free.Count);
    }

    [Fact]
    public async Task It_goes_with_a_deadline_of_the_same_call()
    {
        var script = Script.FailsTimes(99);
        await Retrying(5).TryExecuteAsync((script, attempt) => script.Run(attempt.Token), script,
            new RecoveryContext { MaxTotalAttempts = 3, Deadline = TimeSpan.FromMinutes(1) });
        Assert.Equal(3, script.Count);
    }

    [Fact]
    public async Task An_inner_bound_can_only_be_tighter()
    {
        var script = Script.FailsTimes(99);
        var inner = Retrying(9, builder => builder.TotalAttempts(6));
        await Retrying(9, builder => builder.TotalAttempts(4)).TryExecuteAsync(token => inner.ExecuteAsync(script.Run, token));
        Assert.Equal(4, script.Count);
        script = Script.FailsTimes(99);
        await Retrying(2, builder => builder.TotalAttempts(99)).TryExecuteAsync(token => inner.ExecuteAsync(script.Run, token));
        Assert.Equal(12, script.Count);
    }

    [Fact]
    public async Task The_bound_does_not_stay_behind_in_the_callers_context()
    {
        var script = Script.FailsTimes(99);
        await Retrying(3, builder => builder.TotalAttempts(2)).TryExecuteAsync(Script.FailsLater(9).Run);
        await Retrying(3).TryExecuteAsync(script.Run);
        Assert.Equal(3, script.Count);
    }

    [Fact]
    public async Task Calls_side_by_side_inside_one_call_share_its_bound()
    {
        var runs = 0;
        var inner = Retrying(50);
        await Retrying(1, builder => builder.TotalAttempts(21)).TryExecuteAsync(async token =>
        {
            var calls = Enumerable.Range(0, 4).Select(_ => inner.TryExecuteAsync<int>(async _ =>
            {
                await Task.Yield();
                Interlocked.Increment(ref runs);
                throw Script.Refused();
            }, token).AsTask());
            await Task.WhenAll(calls);
            return 0;
        });
        // Four first attempts, and the twenty retries that the bound leaves to all of them.
        Assert.Equal(24, runs);
    }

    [Fact]
    public async Task T23_An_attempt_that_the_budget_refuses_does_not_use_up_the_bound()
    {
        var empty = new RetryBudget(new RetryBudgetOptions { Ratio = 0, MinimumPerSecond = 0 });
        var poor = new PipelineBuilder()
            .Retry(new RetryOptions { MaxAttempts = 9, Backoff = Backoff.Constant(TimeSpan.Zero), Budget = empty }).Build();
        var script = Script.FailsTimes(99);
        await Retrying(3, builder => builder.TotalAttempts(3)).TryExecuteAsync(token => poor.ExecuteAsync(script.Run, token));
        Assert.Equal(3, script.Count);
    }

    [Fact]
    public async Task T23_A_retry_whose_caller_leaves_during_the_wait_is_given_back_to_the_budget()
    {
        var clock = new ManualClock();
        var budget = new RetryBudget(new RetryBudgetOptions { Ratio = 0, MinimumPerSecond = 1 }, clock);
        var pipeline = new PipelineBuilder("t", clock)
            .Retry(new RetryOptions { MaxAttempts = 3, Backoff = Backoff.Constant(TimeSpan.FromSeconds(5)), Budget = budget }).Build();
        using var leaving = new CancellationTokenSource();
        var call = pipeline.ExecuteAsync(Script.FailsTimes(9).Run, leaving.Token);
        Assert.Equal(1, budget.Statistics.Withdrawn);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await call);
        Assert.Equal(0, budget.Statistics.Withdrawn);
    }

    [Fact]
    public void A_bound_below_one_is_named()
    {
        Assert.Contains("TotalAttempts is 0", Assert.Throws<InvalidOptionsException>(() => new PipelineBuilder().TotalAttempts(0)).Message);
        Assert.Contains("MaxTotalAttempts is 0", Assert.Throws<InvalidOptionsException>(() =>
            Retrying(1).ExecuteAsync((_, _) => new ValueTask<int>(1), 0, new RecoveryContext { MaxTotalAttempts = 0 })).Message);
    }

    private static Pipeline Retrying(
        int attempts, Func<PipelineBuilder, PipelineBuilder>? around = null, Action<RetryStopped>? onGivingUp = null) =>
        (around ?? (builder => builder))(new PipelineBuilder()).Retry(new RetryOptions
        {
            MaxAttempts = attempts,
            Backoff = Backoff.Constant(TimeSpan.Zero),
            UnlimitedBudget = true,
            OnGivingUp = onGivingUp,
        }).Build();
}
