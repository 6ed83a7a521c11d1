namespace Recourse.Tests.CircuitBreaking;

public class CircuitBreakerTests
{
    private readonly ManualClock _clock = new();

    private CircuitBreaker Breaker(CircuitBreakerOptions? options = null) =>
        new((options ?? new()) with { OpenTimeJitter = 0 }, _clock);

    [Fact]
    public void Opens_on_the_fifth_failure_in_a_row_and_rejects_the_sixth_call()
    {
        var breaker = Breaker();
        for (var failure = 0; failure < 4; failure++)
            breaker.Fail();
        Assert.Equal(CircuitState.Closed, breaker.State);
        breaker.Fail();
        Assert.Equal(CircuitState.Open, breaker.State);
        Assert.False(breaker.TryEnter(out var permit));
        Assert.Equal(default, permit);
        Assert.Equal(TimeSpan.FromSeconds(5), breaker.RetryAfter);
    }

    [Fact]
    public void A_success_while_closed_forgets_the_failures_before_it()
    {
        var breaker = Breaker();
        for (var failure = 0; failure < 4; failure++)
            breaker.Fail();
        breaker.Succeed();
        for (var failure = 0; failure < 4; failure++)
            breaker.Fail();
        Assert.Equal(CircuitState.Closed, breaker.State);
    }

    [Fact]
    public void Closes_after_as_many_probes_as_it_asks_for()
    {
        var breaker = Breaker();
        breaker.Trip();
        _clock.Advance(TimeSpan.FromSeconds(5));
        breaker.Succeed();
        Assert.Equal(CircuitState.HalfOpen, breaker.State);
        breaker.Succeed();
        Assert.Equal(CircuitState.Closed, breaker.State);
    }

    [Fact]
    public void A_failed_probe_opens_it_again_for_twice_as_long()
    {
        var breaker = Breaker();
        breaker.Trip();
        _clock.Advance(TimeSpan.FromSeconds(5));
        breaker.Fail();
        Assert.Equal(CircuitState.Open, breaker.State);
        Assert.Equal(TimeSpan.FromSeconds(10), breaker.RetryAfter);
    }
}
