namespace Recourse.Tests.CircuitBreaking;

public class CircuitBreakerAllocationTests
{
    [Theory]
    [InlineData(CircuitMode.Consecutive)]
    [InlineData(CircuitMode.CountWindow)]
    [InlineData(CircuitMode.TimeWindow)]
    public void A_call_through_a_closed_circuit_allocates_nothing(CircuitMode mode)
    {
        var breaker = new CircuitBreaker(new() { Mode = mode, FailureRate = 1 });
        Assert.Equal(0, Allocations.Of(() =>
        {
            breaker.TryEnter(out var good);
            breaker.Report(good, Judgement.Success);
            breaker.TryEnter(out var bad);
            breaker.Report(bad, Judgement.Failure);
            breaker.TryEnter(out var ignored);
            breaker.Report(ignored, Judgement.Neutral);
        }));
        Assert.True(breaker.Statistics.Failures > 0);
        Assert.Equal(CircuitState.Closed, breaker.State);
    }

    [Fact]
    public void A_rejection_allocates_nothing()
    {
        var breaker = new CircuitBreaker();
        breaker.Trip(TimeSpan.FromDays(1));
        var rejected = 0;
        Assert.Equal(0, Allocations.Of(() => rejected += breaker.TryEnter(out _) || breaker.RetryAfter == TimeSpan.Zero ? 0 : 1));
        Assert.Equal(5_000, rejected);
    }

    [Fact]
    public void A_probe_and_a_look_at_the_state_allocate_nothing()
    {
        var clock = new ManualClock();
        var breaker = new CircuitBreaker(new() { SuccessThreshold = 1_000_000 }, clock);
        breaker.Trip(TimeSpan.FromSeconds(1));
        clock.Advance(TimeSpan.FromSeconds(1));
        var probes = 0;
        Assert.Equal(0, Allocations.Of(() =>
        {
            probes += breaker.TryEnter(out var probe) && probe.IsProbe && breaker.Statistics.ProbesInFlight == 1 ? 1 : 0;
            breaker.Report(probe, Judgement.Success);
            probes += breaker.State == CircuitState.HalfOpen ? 0 : 1;
        }));
        Assert.Equal(5_000, probes);
    }

    [Theory]
    [InlineData(CircuitMode.Consecutive, 240)]
    [InlineData(CircuitMode.TimeWindow, 380)]
    [InlineData(CircuitMode.CountWindow, 420)]
    public void A_breaker_that_has_seen_only_successes_is_small(CircuitMode mode, int budget)
    {
        var options = new CircuitBreakerOptions { Mode = mode };
        var kept = new CircuitBreaker[6_000];
        var next = 0;
        var bytes = Allocations.Of(() =>
        {
            var breaker = kept[next++] = new CircuitBreaker(options);
            breaker.TryEnter(out var permit);
            breaker.Report(permit, Judgement.Success);
        });
        TestContext.Current.TestOutputHelper?.WriteLine($"{mode}: {bytes} B");
        Assert.InRange(bytes, 100, budget);
        Assert.All(kept.Take(5), breaker => Assert.Equal(CircuitState.Closed, breaker.State));
    }
}
