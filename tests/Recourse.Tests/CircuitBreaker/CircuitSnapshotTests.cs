using System.Text.Json;

namespace Recourse.Tests.CircuitBreaking;

public class CircuitSnapshotTests
{
    private static readonly CircuitBreakerOptions Steady = new() { OpenTimeJitter = 0 };
    private readonly ManualClock _clock = new();

    [Fact]
    public void An_open_circuit_goes_on_with_the_time_it_had_left()
    {
        var breaker = new CircuitBreaker(Steady, _clock);
        breaker.Trip();
        _clock.Advance(TimeSpan.FromSeconds(2));
        var snapshot = breaker.Snapshot();
        var later = new ManualClock();
        later.Advance(TimeSpan.FromDays(3));
        var restored = new CircuitBreaker(Steady, later);
        restored.Restore(snapshot);
        Assert.Equal((CircuitState.Open, TimeSpan.FromSeconds(3)), (restored.State, restored.RetryAfter));
        later.Advance(TimeSpan.FromSeconds(3));
        restored.Fail();
        Assert.Equal(TimeSpan.FromSeconds(10), restored.RetryAfter);
    }

    [Theory]
    [InlineData(CircuitMode.Consecutive)]
    [InlineData(CircuitMode.CountWindow)]
    [InlineData(CircuitMode.TimeWindow)]
    public void Counts_survive(CircuitMode mode)
    {
        var options = Steady with { Mode = mode, SlowCallDuration = TimeSpan.FromSeconds(9) };
        var breaker = new CircuitBreaker(options, _clock);
        breaker.Succeed();
        for (var failure = 0; failure < 4; failure++)
            breaker.Fail();
        var restored = new CircuitBreaker(options, _clock);
        restored.Restore(breaker.Snapshot());
        Assert.Equal(breaker.Snapshot(), restored.Snapshot());
        Assert.Equal(4, restored.Statistics.Failures);
        Assert.Equal(mode == CircuitMode.Consecutive ? 0 : 5, restored.Statistics.Calls);
    }

    [Fact]
    public void A_snapshot_survives_JSON()
    {
        var breaker = new CircuitBreaker(Steady, _clock);
        breaker.Trip(TimeSpan.FromSeconds(7));
        var snapshot = breaker.Snapshot();
        Assert.Equal(snapshot, JsonSerializer.Deserialize<CircuitSnapshot>(JsonSerializer.Serialize(snapshot)));
    }

    [Fact]
    public void A_half_open_circuit_keeps_its_successes_but_not_the_probes_of_the_old_process()
    {
        var breaker = new CircuitBreaker(Steady with { SuccessThreshold = 3 }, _clock);
        breaker.Trip();
        _clock.Advance(TimeSpan.FromSeconds(5));
        breaker.Succeed();
        var underWay = breaker.Enter();
        breaker.Restore(breaker.Snapshot());
        Assert.Equal((CircuitState.HalfOpen, 1, 0), (breaker.State, breaker.Statistics.ProbeSuccesses, breaker.Statistics.ProbesInFlight));
        Assert.Equal(PermitReport.Stale, breaker.Report(underWay, Judgement.Failure));
    }

    [Fact]
    public void Restored_failures_alone_do_not_open_a_circuit_but_the_next_one_does()
    {
        var breaker = new CircuitBreaker(Steady with { FailureThreshold = 3 }, _clock);
        breaker.Restore(new() { Failures = 100 });
        Assert.Equal(CircuitState.Closed, breaker.State);
        breaker.Fail();
        Assert.Equal(CircuitState.Open, breaker.State);
    }

    [Fact]
    public void A_snapshot_that_cannot_be_is_refused_by_name()
    {
        var breaker = new CircuitBreaker(Steady, _clock);
        var error = Assert.Throws<InvalidOptionsException>(() => breaker.Restore(new() { OpenRemaining = TimeSpan.FromSeconds(-1) }));
        Assert.Equal("CircuitSnapshot.OpenRemaining is -1 s; it must be from 0 s to 3650 d.", error.Message);
    }
}
