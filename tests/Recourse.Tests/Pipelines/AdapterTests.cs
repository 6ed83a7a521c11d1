namespace Recourse.Tests;

/// <summary>What the pipeline makes of the machines: breaker, bulkhead, rate limit.</summary>
public class AdapterTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public async Task T03_A_cancelled_call_and_a_refusal_further_in_do_not_move_the_breaker()
    {
        using var caller = new CancellationTokenSource();
        await caller.CancelAsync();
        var inner = new CircuitBreaker(new CircuitBreakerOptions { Name = "inner" });
        inner.Isolate();
        var breaker = new CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 1 });
        var pipeline = new PipelineBuilder().CircuitBreaker(breaker).Build();
        await pipeline.TryExecuteAsync(static (_, token) => ValueTask.FromCanceled<int>(token), 0, caller.Token);
        Assert.Equal(CircuitState.Closed, breaker.State);
        await new PipelineBuilder().CircuitBreaker(breaker).CircuitBreaker(inner).Build().TryExecuteAsync(_ => new ValueTask<int>(1));
        Assert.Equal(CircuitState.Closed, breaker.State);
        await pipeline.TryExecuteAsync(Script.FailsTimes(1).Run);
        Assert.Equal(CircuitState.Open, breaker.State);
        Assert.Equal(0, pipeline.Statistics.Rejections);
    }

    [Fact]
    public async Task T04_A_rule_that_throws_replaces_no_outcome_and_gives_the_permit_back()
    {
        var breaker = new CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 1, PermittedProbes = 1, SuccessThreshold = 1 },
            _clock);
        var pipeline = new PipelineBuilder("t", _clock)
            .Classify(rules => rules.ForException<InvalidTimeZoneException>(_ =>
            throw new InvalidOperationException())).CircuitBreaker(breaker).Build();
        breaker.Trip(TimeSpan.FromSeconds(1));
        _clock.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<InvalidTimeZoneException>(async () => await pipeline.ExecuteAsync<int>(_ =>
            throw new InvalidTimeZoneException()));
        Assert.Equal(0, breaker.Statistics.ProbesInFlight);
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(1, await pipeline.ExecuteAsync(_ => new ValueTask<int>(1)));
    }

    [Fact]
    public async Task T14_Each_refused_caller_gets_an_exception_of_its_own_without_that_of_another()
    {
        var breaker = new CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 1 });
        var pipeline = new PipelineBuilder().CircuitBreaker(breaker).Build();
        await pipeline.TryExecuteAsync(Script.FailsTimes(1).Run);
        var first = await Assert.ThrowsAsync<CircuitOpenException>(async () => await pipeline.ExecuteAsync(_ => new ValueTask<int>(1)));
        var second = await Assert.ThrowsAsync<CircuitOpenException>(async () => await pipeline.ExecuteAsync(_ => new ValueTask<int>(1)));
        Assert.NotSame(first, second);
        Assert.Null(first.InnerException);
        Assert.Equal(2, pipeline.Statistics.Rejections);
    }

    [Fact]
    public async Task A_call_that_waits_for_a_permit_gets_it_when_another_ends()
    {
        var pipeline = new PipelineBuilder("b", _clock).Bulkhead(new BulkheadOptions { MaxConcurrent = 1, MaxQueue = 1 }).Build();
        var first = new TaskCompletionSource<int>();
        var running = pipeline.ExecuteAsync(_ => new ValueTask<int>(first.Task));
        var waiting = pipeline.ExecuteAsync(_ => new ValueTask<int>(2)).AsTask();
        Assert.False(waiting.IsCompleted);
        Assert.Equal(FaultKind.BulkheadFull, (await pipeline.TryExecuteAsync(_ => new ValueTask<int>(3))).Classification!.Kind);
        first.SetResult(1);
        Assert.Equal(1, await running);
        Assert.Equal(2, await waiting);
        Assert.Equal(0, _clock.ArmedTimers);
    }

    [Fact]
    public async Task T31_A_call_that_leaves_the_queue_takes_no_permit_with_it()
    {
        var bulkhead = new Bulkhead(new BulkheadOptions { MaxConcurrent = 1, MaxQueue = 2, QueueTimeout = TimeSpan.FromSeconds(5) },
            _clock);
        var pipeline = new PipelineBuilder("b", _clock).Bulkhead(bulkhead).Build();
        using var caller = new CancellationTokenSource();
        var first = new TaskCompletionSource<int>();
        var running = pipeline.ExecuteAsync(_ => new ValueTask<int>(first.Task));
        var late = pipeline.TryExecuteAsync(_ => new ValueTask<int>(2)).AsTask();
        var left = pipeline.TryExecuteAsync(_ => new ValueTask<int>(3), caller.Token).AsTask();
        await caller.CancelAsync();
        Assert.Equal(caller.Token, Assert.IsAssignableFrom<OperationCanceledException>((await left).Exception).CancellationToken);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.True(Assert.IsType<BulkheadFullException>((await late).Exception).TimedOut);
        first.SetResult(1);
        await running;
        Assert.Equal((0, 0), (bulkhead.InFlight, bulkhead.Queued));
        Assert.Equal(4, await pipeline.ExecuteAsync(_ => new ValueTask<int>(4)));
    }

    [Fact]
    public async Task Real_threads_through_a_queue_never_exceed_the_limit_and_lose_no_permit()
    {
        var bulkhead = new Bulkhead(new BulkheadOptions { MaxConcurrent = 2, MaxQueue = 10_000 });
        var pipeline = new PipelineBuilder().Bulkhead(bulkhead).Build();
        var (running, most) = (0, 0);
        var calls = Enumerable.Range(0, 500).Select(_ => Task.Run(async () => await pipeline.ExecuteAsync(async _ =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref running));
            await Task.Yield();
            Interlocked.Decrement(ref running);
            return 1;
        })));
        Assert.Equal(500, (await Task.WhenAll(calls)).Sum());
        Assert.InRange(most, 1, 2);
        Assert.Equal((0, 0), (bulkhead.InFlight, bulkhead.Queued));
    }

    [Fact]
    public async Task Work_runs_on_the_threads_of_a_bulkhead_that_has_its_own()
    {
        using var bulkhead = new Bulkhead(new BulkheadOptions { Name = "own", DedicatedThreads = 1 });
        var pipeline = new PipelineBuilder().Bulkhead(bulkhead).Build();
        Assert.StartsWith("own", await pipeline.ExecuteAsync(_ => new ValueTask<string?>(Thread.CurrentThread.Name)));
        Assert.Equal(0, bulkhead.InFlight);
    }

    [Fact]
    public async Task A_rate_limit_refuses_what_is_too_much_and_a_queue_lets_it_wait()
    {
        using var limit = new RateLimit(new RateLimitOptions { Kind = RateLimitKind.Concurrency, Permits = 1 });
        var pipeline = new PipelineBuilder().RateLimit(limit).Build();
        var first = new TaskCompletionSource<int>();
        var running = pipeline.ExecuteAsync(_ => new ValueTask<int>(first.Task));
        await Assert.ThrowsAsync<RateLimitExceededException>(async () => await pipeline.ExecuteAsync(_ => new ValueTask<int>(2)));
        Assert.Equal(1, pipeline.Statistics.Rejections);
        first.SetResult(1);
        await running;
        Assert.Equal(2, await pipeline.ExecuteAsync(_ => new ValueTask<int>(2)));

        var queued = new PipelineBuilder().RateLimit(new RateLimitOptions
        {
            Kind = RateLimitKind.Concurrency,
            Permits = 1,
            QueueLimit = 1
        }).Build();
        first = new TaskCompletionSource<int>();
        running = queued.ExecuteAsync(_ => new ValueTask<int>(first.Task));
        var waiting = queued.ExecuteAsync(_ => new ValueTask<int>(2));
        first.SetResult(1);
        Assert.Equal(3, await running + await waiting);
    }

    [Theory]
    [InlineData("two retries", "multiply")]
    [InlineData("fallback in breaker", "never opens")]
    [InlineData("fallback in retry", "anything to retry")]
    [InlineData("total too short", "not longer")]
    public void Orders_that_cannot_work_are_refused_with_the_reason(string order, string reason)
    {
        Action<PipelineBuilder> add = order switch
        {
            "two retries" => builder => builder.Retry().Timeout(TimeSpan.FromSeconds(5)).Retry(),
            "fallback in breaker" => builder => builder.CircuitBreaker().Fallback(1),
            "fallback in retry" => builder => builder.Retry().Fallback(1),
            _ => builder => builder.Timeout(TimeSpan.FromSeconds(5)).Retry().Timeout(TimeSpan.FromSeconds(5)),
        };
        var builder = new PipelineBuilder();
        add(builder);
        Assert.Contains(reason, Assert.Throws<InvalidOptionsException>(builder.Build).Message);
        Assert.Single(builder.AllowHazards().Build().Warnings);
    }

    [Fact]
    public void Doubtful_and_sensible_orders_are_built()
    {
        Assert.Contains("outside the retry", Assert.Single(new PipelineBuilder().CircuitBreaker().Retry().Build().Warnings));
        Assert.Empty(new PipelineBuilder().Retry(new RetryOptions { Scope = RetryScope.Transaction }).Retry().Build().Warnings);
        Assert.Empty(new PipelineBuilder().Fallback(1).Timeout(TimeSpan.FromSeconds(9)).Retry().CircuitBreaker()
            .Timeout(TimeSpan.FromSeconds(3)).Build().Warnings);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); value > seen;)
        {
            var before = Interlocked.CompareExchange(ref target, value, seen);
            if (before == seen) return;
            seen = before;
        }
    }
}
