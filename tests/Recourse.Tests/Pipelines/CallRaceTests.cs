namespace Recourse.Tests;

/// <summary>Races of a call with time, its caller, a reload and the registry: both orders by construction, then threads.</summary>
public class CallRaceTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);
    private readonly ManualClock _clock = new();

    [Theory]
    [InlineData("timeout", true)]
    [InlineData("timeout", false)]
    [InlineData("deadline", true)]
    [InlineData("deadline", false)]
    public async Task A_result_against_the_end_of_the_time_is_never_lost(string limit, bool resultFirst)
    {
        var builder = new PipelineBuilder("t", _clock);
        var pipeline = (limit == "timeout" ? builder.Timeout(Limit) : builder.Deadline(Limit)).Build();
        var work = new TaskCompletionSource<int>();
        var seen = CancellationToken.None;
        var call = pipeline.TryExecuteAsync(token =>
        {
            seen = token;
            return new ValueTask<int>(work.Task);
        });
        if (resultFirst) work.SetResult(1);
        _clock.Advance(Limit);
        // Cooperative: work that does not look at its token keeps its caller, who then gets what it brought.
        Assert.Equal(!resultFirst, seen.IsCancellationRequested);
        if (!resultFirst) work.SetResult(1);
        Assert.Equal(1, (await call).Value);
        Assert.Equal(0, pipeline.Statistics.Timeouts);
        Assert.Equal(0, _clock.ArmedTimers);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_end_of_work_against_its_abandonment_gives_the_permit_back_once(bool workFirst)
    {
        var pipeline = Abandoning();
        var work = new TaskCompletionSource<int>();
        var call = pipeline.TryExecuteAsync(_ => new ValueTask<int>(work.Task));
        if (workFirst) work.SetResult(1);
        _clock.Advance(Limit);
        var outcome = await call;
        Assert.Equal(workFirst, outcome.IsSuccess);
        Assert.Equal(workFirst ? 0 : 1, pipeline.Statistics.AbandonedNow);
        Assert.Equal(workFirst ? 0 : 1, pipeline.Bulkheads.Single().InFlight);
        if (!workFirst) work.SetResult(1);
        SpinWait.SpinUntil(() => pipeline.Statistics.AbandonedNow == 0);
        Assert.Equal(0, pipeline.Bulkheads.Single().InFlight);
    }

    [Fact]
    public async Task T26_Threads_that_end_work_while_it_is_abandoned_lose_no_permit_and_no_outcome()
    {
        for (var round = 0; round < 300; round++)
        {
            var clock = new ManualClock();
            var pipeline = Abandoning(clock);
            var work = new TaskCompletionSource<int>();
            var call = pipeline.TryExecuteAsync(_ => new ValueTask<int>(work.Task)).AsTask();
            RaceThreads.Run(2, number =>
            {
                if (number == 0) work.SetResult(7);
                else clock.Advance(Limit);
            });
            var outcome = await call;
            Assert.True(outcome.IsSuccess ? outcome.Value == 7 : outcome.Exception is TimeoutExceededException { Abandoned: true });
            SpinWait.SpinUntil(() => pipeline.Statistics.AbandonedNow == 0 && pipeline.Bulkheads.Single().InFlight == 0);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_end_of_a_backoff_against_the_caller_who_leaves(bool timeFirst)
    {
        using var leaving = new CancellationTokenSource();
        var script = Script.FailsTimes(1);
        var pipeline = new PipelineBuilder("t", _clock).Retry(3, Backoff.Constant(Limit)).Build();
        var call = pipeline.TryExecuteAsync(script.Run, leaving.Token);
        if (timeFirst) _clock.Advance(Limit);
        await leaving.CancelAsync();
        _clock.Advance(Limit);
        var outcome = await call;
        Assert.Equal(timeFirst, outcome.IsSuccess);
        Assert.Equal(timeFirst ? 2 : 1, script.Count);
        Assert.True(timeFirst || outcome.Exception is OperationCanceledException { InnerException: System.Net.Sockets.SocketException });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task T15_New_strategies_against_a_call(bool reloadFirst)
    {
        var pipeline = new PipelineBuilder("t", _clock).Retry(2, Backoff.Constant(Limit)).CircuitBreaker().Build();
        var breaker = pipeline.CircuitBreakers.Single();
        var next = new PipelineBuilder("t", _clock).Retry(4, Backoff.Constant(Limit)).CircuitBreaker();
        var script = Script.FailsTimes(9);
        if (reloadFirst) pipeline.Reload(next);
        var call = pipeline.TryExecuteAsync(script.Run);
        if (!reloadFirst) pipeline.Reload(next);
        while (_clock.AdvanceToNextTimer())
        {
        }

        await call;
        Assert.Equal(reloadFirst ? 4 : 2, script.Count);
        Assert.Same(breaker, pipeline.CircuitBreakers.Single());
        Assert.Equal(script.Count, breaker.Statistics.Failures);
    }

    [Fact]
    public void T15_Threads_that_call_while_others_reload_keep_their_permits_and_the_breaker()
    {
        static PipelineBuilder Next(int attempts) => new PipelineBuilder()
            .Bulkhead(new BulkheadOptions { MaxConcurrent = 4 + attempts })
            .Retry(new RetryOptions { MaxAttempts = attempts, Backoff = Backoff.Constant(TimeSpan.Zero), UnlimitedBudget = true })
            .CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 1_000_000 });
        var pipeline = Next(1).Build();
        var (breaker, bulkhead) = (pipeline.CircuitBreakers.Single(), pipeline.Bulkheads.Single());
        var runs = 0;
        RaceThreads.Run(4, number =>
        {
            for (var round = 0; round < 2_000; round++)
            {
                if (number == 0) pipeline.Reload(Next(1 + round % 3));
                else pipeline.TryExecute<int, int>((_, _) =>
                {
                    Interlocked.Increment(ref runs);
                    throw Script.Refused();
                }, 0);
            }
        });
        Assert.Same(breaker, pipeline.CircuitBreakers.Single());
        Assert.Same(bulkhead, pipeline.Bulkheads.Single());
        Assert.Equal(0, bulkhead.InFlight);
        Assert.Equal(runs, breaker.Statistics.Failures);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_call_against_the_eviction_of_its_pipeline(bool evictFirst)
    {
        using var registry = new PipelineRegistry(new PipelineRegistryOptions { MaxEntries = 1 }, _clock);
        var pipeline = registry.GetOrAdd("a", _ => new PipelineBuilder("a").Bulkhead().Build());
        var work = new TaskCompletionSource<int>();
        if (evictFirst) registry.GetOrAdd("b", _ => Pipeline.Empty);
        var call = pipeline.ExecuteAsync(_ => new ValueTask<int>(work.Task));
        if (!evictFirst) registry.GetOrAdd("b", _ => Pipeline.Empty);
        Assert.False(registry.TryGet("a", out _));
        work.SetResult(3);
        Assert.Equal(3, await call);
        Assert.Equal(0, pipeline.Bulkheads.Single().InFlight);
    }

    [Fact]
    public void Threads_that_use_a_full_registry_keep_its_bound_and_never_lose_an_open_circuit()
    {
        using var registry = new PipelineRegistry(new PipelineRegistryOptions { MaxEntries = 5 });
        var open = registry.GetOrAdd("open", Made);
        open.CircuitBreakers.Single().Isolate();
        RaceThreads.Run(4, number =>
        {
            var random = new Random(number);
            for (var round = 0; round < 3_000; round++)
            {
                var key = random.Next(40).ToString(System.Globalization.CultureInfo.InvariantCulture);
                Assert.Equal(1, registry.GetOrAdd(key, Made).Execute(static (_, _) => 1, 0));
                Assert.Same(open, registry.GetOrAdd("open", Made));
                Assert.InRange(registry.Count, 1, 5);
            }
        });

        static Pipeline Made(string key) => new PipelineBuilder(key).CircuitBreaker().Build();
    }

    [Fact]
    public async Task T29_An_abandoned_attempt_keeps_its_own_token_and_time_while_the_next_one_runs()
    {
        var tokens = new List<CancellationToken>();
        var works = new[] { new TaskCompletionSource<int>(), new TaskCompletionSource<int>() };
        var pipeline = new PipelineBuilder("t", _clock)
            .Retry(new RetryOptions { MaxAttempts = 2, Repeatable = true, Backoff = Backoff.Constant(TimeSpan.Zero) })
            .Timeout(new TimeoutOptions { Limit = Limit, AbandonAfter = TimeSpan.Zero }).Build();
        var call = pipeline.TryExecuteAsync(token =>
        {
            tokens.Add(token);
            return new ValueTask<int>(works[tokens.Count - 1].Task);
        });
        _clock.Advance(Limit);
        Assert.Equal(2, tokens.Count);
        Assert.True(tokens[0].IsCancellationRequested);
        Assert.False(tokens[1].IsCancellationRequested);
        works[0].SetResult(1);
        SpinWait.SpinUntil(() => pipeline.Statistics.AbandonedNow == 0);
        // The end of the abandoned attempt neither ends the second nor becomes its result.
        Assert.False(call.IsCompleted);
        Assert.False(tokens[1].IsCancellationRequested);
        works[1].SetResult(2);
        Assert.Equal(2, (await call).Value);
    }

    [Fact]
    public void T14_One_exception_thrown_again_and_again_does_not_grow()
    {
        var shared = Script.Refused();
        var pipeline = new PipelineBuilder().Retry(3, Backoff.Constant(TimeSpan.Zero)).CircuitBreaker().Build();
        var lengths = Enumerable.Range(0, 40).Select(_ =>
        {
            Assert.ThrowsAny<Exception>(() => pipeline.Execute<int, int>((_, _) => throw shared, 0));
            pipeline.CircuitBreakers.Single().Reset();
            return shared.StackTrace!.Length;
        }).ToArray();
        Assert.Equal(lengths[2], lengths[^1]);
    }

    private Pipeline Abandoning(ManualClock? clock = null) => new PipelineBuilder("t", clock ?? _clock)
        .Timeout(new TimeoutOptions { Limit = Limit, AbandonAfter = TimeSpan.Zero }).Bulkhead().Build();
}
