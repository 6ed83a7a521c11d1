namespace Recourse.Tests;

public class RegistryTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void A_key_has_one_pipeline()
    {
        using var registry = new PipelineRegistry(time: _clock);
        var made = 0;
        var first = registry.GetOrAdd("a", key => { made++; return new PipelineBuilder(key).Build(); });
        Assert.Same(first, registry.GetOrAdd("a", _ => throw new InvalidOperationException()));
        Assert.Equal((1, "a"), (made, first.Name));
    }

    [Fact]
    public void The_pipeline_that_was_not_used_for_longest_makes_room_but_never_one_whose_circuit_is_open()
    {
        using var registry = new PipelineRegistry(new PipelineRegistryOptions { MaxEntries = 2 }, _clock);
        var open = registry.GetOrAdd("open", Make);
        open.CircuitBreakers.Single().Isolate();
        _clock.Advance(TimeSpan.FromSeconds(1));
        registry.GetOrAdd("old", Make);
        _clock.Advance(TimeSpan.FromSeconds(1));
        var next = registry.GetOrAdd("new", Make);
        Assert.Equal(["new", "open"], registry.Pipelines.Keys.Order());
        next.CircuitBreakers.Single().Isolate();
        Assert.NotNull(registry.GetOrAdd("not kept", Make));
        Assert.Equal(2, registry.Count);
        Assert.False(registry.TryGet("not kept", out _));
    }

    [Fact]
    public void All_that_are_idle_go_when_room_is_needed()
    {
        using var registry = new PipelineRegistry(new PipelineRegistryOptions { MaxEntries = 3, IdleTime = TimeSpan.FromMinutes(1) },
            _clock);
        foreach (var key in (string[])["a", "b", "c"]) registry.GetOrAdd(key, Make);
        _clock.Advance(TimeSpan.FromMinutes(1));
        registry.TryGet("c", out _);
        registry.GetOrAdd("d", Make);
        Assert.Equal(["c", "d"], registry.Pipelines.Keys.Order());
    }

    [Fact]
    public async Task T15_A_reload_keeps_an_open_circuit_open_and_the_counts()
    {
        var pipeline = Builder(2).Build();
        await pipeline.TryExecuteAsync(Script.FailsTimes(1).Run);
        pipeline.Reload(Builder(5));
        await pipeline.TryExecuteAsync(Script.FailsTimes(1).Run);
        Assert.Equal(CircuitState.Closed, pipeline.CircuitBreakers.Single().State);
        pipeline.CircuitBreakers.Single().Trip();
        pipeline.Reload(Builder(9));
        Assert.Equal(FaultKind.CircuitOpen, (await pipeline.TryExecuteAsync(_ => new ValueTask<int>(1))).Classification!.Kind);
        Assert.Equal(9, pipeline.CircuitBreakers.Single().Options.FailureThreshold);
        Assert.Equal(1, pipeline.Statistics.Rejections);
    }

    [Fact]
    public async Task A_call_in_flight_ends_by_the_strategies_with_which_it_began()
    {
        var pipeline = new PipelineBuilder().Bulkhead(new BulkheadOptions { MaxConcurrent = 1 }).Build();
        var work = new TaskCompletionSource<int>();
        var call = pipeline.ExecuteAsync(_ => new ValueTask<int>(work.Task));
        var bulkhead = pipeline.Bulkheads.Single();
        pipeline.Reload(new PipelineBuilder().Timeout(TimeSpan.FromSeconds(1)));
        Assert.Equal(1, bulkhead.InFlight);
        work.SetResult(3);
        Assert.Equal(3, await call);
        Assert.Equal(0, bulkhead.InFlight);
        Assert.Contains("timeout: 1 s", pipeline.Describe());
    }

    private Pipeline Make(string key) => new PipelineBuilder(key, _clock).CircuitBreaker().Build();

    private PipelineBuilder Builder(int threshold) =>
        new PipelineBuilder("r", _clock).CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = threshold });
}
