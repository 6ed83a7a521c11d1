namespace Recourse.Tests.CircuitBreaking;

/// <summary>A probe of a half-open circuit and the time limits around and inside its breaker.</summary>
public sealed class ProbeCutShortTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly ManualClock _clock = new();
    private readonly CircuitBreaker _breaker;

    public ProbeCutShortTests() => _breaker = new CircuitBreaker(
        new CircuitBreakerOptions { FailureThreshold = 1, SuccessThreshold = 1, OpenTime = TimeSpan.FromSeconds(10), PermittedProbes = 1 },
        _clock);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_limit_around_the_breaker_that_cuts_a_probe_short_gives_its_permit_back_and_decides_nothing(bool deadline)
    {
        var builder = new PipelineBuilder("probe", _clock);
        var pipeline = (deadline ? builder.Deadline(Limit) : builder.Timeout(Limit)).CircuitBreaker(_breaker).Build();
        HalfOpen();
        var probe = pipeline.TryExecuteAsync(Obeys);
        _clock.Advance(Limit);
        Assert.IsType<TimeoutExceededException>((await probe).Exception);
        Assert.Equal(CircuitState.HalfOpen, _breaker.State);
        Assert.Equal(42, await pipeline.ExecuteAsync(_ => new ValueTask<int>(42)));
        Assert.Equal(CircuitState.Closed, _breaker.State);
    }

    [Fact]
    public async Task A_probe_that_fails_before_the_limit_around_it_passes_opens_the_circuit_again()
    {
        var pipeline = new PipelineBuilder("probe", _clock).Timeout(Limit).CircuitBreaker(_breaker).Build();
        HalfOpen();
        var service = new TaskCompletionSource<int>();
        var probe = pipeline.TryExecuteAsync(_ => new ValueTask<int>(service.Task));
        service.SetException(Script.Refused());
        await probe;
        _clock.Advance(Limit);
        Assert.Equal(CircuitState.Open, _breaker.State);
    }

    [Fact]
    public async Task A_probe_that_fails_by_itself_after_the_limit_opens_the_circuit_again()
    {
        var pipeline = new PipelineBuilder("probe", _clock).Timeout(Limit).CircuitBreaker(_breaker).Build();
        HalfOpen();
        var service = new TaskCompletionSource<int>();
        var probe = pipeline.TryExecuteAsync(_ => new ValueTask<int>(service.Task));
        _clock.Advance(Limit);
        service.SetException(Script.Refused());
        await probe;
        Assert.Equal(CircuitState.Open, _breaker.State);
    }

    [Fact]
    public async Task A_limit_inside_the_breaker_is_the_time_the_service_has_so_its_end_is_a_failure_of_the_probe()
    {
        var pipeline = new PipelineBuilder("probe", _clock).CircuitBreaker(_breaker).Timeout(Limit).Build();
        HalfOpen();
        var probe = pipeline.TryExecuteAsync(Obeys);
        _clock.Advance(Limit);
        await probe;
        Assert.Equal(CircuitState.Open, _breaker.State);
    }

    [Fact]
    public async Task A_closed_circuit_counts_what_a_limit_around_it_cut_short_or_a_hanging_service_would_never_open_it()
    {
        var pipeline = new PipelineBuilder("probe", _clock).Timeout(Limit).CircuitBreaker(_breaker).Build();
        var call = pipeline.TryExecuteAsync(Obeys);
        _clock.Advance(Limit);
        await call;
        Assert.Equal(CircuitState.Open, _breaker.State);
    }

    private void HalfOpen()
    {
        _breaker.Fail();
        _clock.Advance(TimeSpan.FromSeconds(12));
        Assert.Equal(CircuitState.HalfOpen, _breaker.State);
    }

    private static async ValueTask<int> Obeys(CancellationToken token) => await new TaskCompletionSource<int>().Task.WaitAsync(token);
}
