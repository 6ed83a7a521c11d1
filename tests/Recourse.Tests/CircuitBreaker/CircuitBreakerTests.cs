namespace Recourse.Tests.CircuitBreaking;

public class CircuitBreakerTests
{
    private readonly ManualClock _clock = new();
    private readonly List<CircuitTransition> _transitions = [];

    private CircuitBreaker Breaker(CircuitBreakerOptions? options = null, double sample = 0) =>
        new((options ?? new() { OpenTimeJitter = 0 }) with { OnTransition = _transitions.Add }, _clock) { Samples = () => sample };

    private static readonly CircuitBreakerOptions Steady = new() { OpenTimeJitter = 0 };

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
        Assert.Equal(1, breaker.Statistics.Rejected);
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
    public void Closes_after_as_many_good_probes_as_it_asks_for()
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
    public void Lets_as_many_probes_in_at_once_as_permitted()
    {
        var breaker = Breaker();
        breaker.Trip();
        _clock.Advance(TimeSpan.FromSeconds(5));
        for (var probe = 0; probe < 3; probe++)
            Assert.True(breaker.Enter().IsProbe);
        Assert.False(breaker.TryEnter(out _));
        Assert.Equal(3, breaker.Statistics.ProbesInFlight);
    }

    [Fact]
    public void Tells_each_change_once_with_its_reason()
    {
        var breaker = Breaker();
        for (var failure = 0; failure < 5; failure++)
            breaker.Fail();
        _clock.Advance(TimeSpan.FromSeconds(5));
        breaker.Fail();
        _clock.Advance(TimeSpan.FromSeconds(10));
        breaker.Succeed();
        breaker.Succeed();
        breaker.Isolate();
        breaker.Isolate();
        breaker.Reset();
        breaker.Reset();
        Assert.Equal(
            [
                (CircuitState.Closed, CircuitState.Open, CircuitReason.ConsecutiveFailures, 5),
                (CircuitState.Open, CircuitState.HalfOpen, CircuitReason.OpenTimeElapsed, 0),
                (CircuitState.HalfOpen, CircuitState.Open, CircuitReason.ProbesFailed, 10),
                (CircuitState.Open, CircuitState.HalfOpen, CircuitReason.OpenTimeElapsed, 0),
                (CircuitState.HalfOpen, CircuitState.Closed, CircuitReason.ProbesSucceeded, 0),
                (CircuitState.Closed, CircuitState.Isolated, CircuitReason.Isolated, 0),
                (CircuitState.Isolated, CircuitState.Closed, CircuitReason.Reset, 0),
            ],
            _transitions.Select(change => (change.From, change.To, change.Reason, (int)change.OpenFor.TotalSeconds)));
        Assert.Equal(_transitions.Select(change => change.Generation).Order(), _transitions.Select(change => change.Generation));
    }

    [Fact]
    public void The_open_time_doubles_up_to_its_maximum()
    {
        var breaker = Breaker();
        breaker.Trip();
        var times = new List<double>();
        for (var opening = 0; opening < 6; opening++)
        {
            times.Add(breaker.RetryAfter.TotalSeconds);
            _clock.Advance(breaker.RetryAfter);
            breaker.Fail();
        }
        Assert.Equal([5, 10, 20, 40, 60, 60], times);
    }

    [Fact]
    public void The_growth_ends_only_when_the_circuit_stays_closed_as_long_as_it_was_open()
    {
        var breaker = Breaker(Steady with { SuccessThreshold = 1, FailureThreshold = 1 });
        breaker.Fail();
        _clock.Advance(TimeSpan.FromSeconds(5));
        breaker.Succeed();
        breaker.Fail();
        Assert.Equal(TimeSpan.FromSeconds(10), breaker.RetryAfter);
        _clock.Advance(TimeSpan.FromSeconds(10));
        breaker.Succeed();
        _clock.Advance(TimeSpan.FromSeconds(10));
        breaker.Fail();
        Assert.Equal(TimeSpan.FromSeconds(5), breaker.RetryAfter);
    }

    [Theory]
    [InlineData(0.0, 60)]
    [InlineData(0.5, 54)]
    [InlineData(0.999999, 48)]
    public void Jitter_shortens_the_open_time_at_its_maximum_too(double sample, int seconds)
    {
        var breaker = Breaker(new() { OpenTime = TimeSpan.FromMinutes(1), OpenTimeMax = TimeSpan.FromSeconds(1) }, sample);
        breaker.Trip();
        Assert.Equal(seconds, breaker.RetryAfter.TotalSeconds, 3);
    }

    [Fact]
    public void A_thousand_openings_in_a_row_do_not_overflow_the_open_time()
    {
        var breaker = Breaker(Steady with { OpenTimeGrowth = 100 });
        breaker.Restore(new() { State = CircuitState.HalfOpen, OpeningsInRow = int.MaxValue });
        breaker.Fail();
        Assert.Equal(TimeSpan.FromSeconds(60), breaker.RetryAfter);
        Assert.Equal(int.MaxValue, breaker.Statistics.OpeningsInRow);
    }

    [Fact]
    public void More_than_one_probe_may_fail_if_the_options_say_so()
    {
        var breaker = Breaker(Steady with { ProbeFailureThreshold = 2 });
        breaker.Trip();
        _clock.Advance(TimeSpan.FromSeconds(5));
        breaker.Fail();
        Assert.Equal(CircuitState.HalfOpen, breaker.State);
        breaker.Fail();
        Assert.Equal(CircuitState.Open, breaker.State);
    }

    [Fact]
    public void Five_failures_among_the_last_ten_calls_open_it()
    {
        var breaker = Breaker(Steady with { Mode = CircuitMode.CountWindow, WindowSize = 10, FailuresInWindow = 5, FailureRate = 1 });
        for (var pair = 0; pair < 4; pair++)
        {
            breaker.Fail();
            breaker.Succeed();
        }
        Assert.Equal(CircuitState.Closed, breaker.State);
        breaker.Fail();
        Assert.Equal((CircuitState.Open, CircuitReason.FailureCount), (breaker.State, _transitions[^1].Reason));
    }

    [Fact]
    public void A_count_window_forgets_what_it_no_longer_holds()
    {
        var breaker = Breaker(Steady with { Mode = CircuitMode.CountWindow, WindowSize = 3, FailureRate = 0.7 });
        breaker.Fail();
        breaker.Fail();
        breaker.Succeed();
        breaker.Succeed();
        breaker.Fail();
        Assert.Equal((CircuitState.Closed, 3, 1), (breaker.State, breaker.Statistics.Calls, breaker.Statistics.Failures));
        Assert.Equal(1.0 / 3, breaker.Statistics.FailureRate);
    }

    [Fact]
    public void A_window_of_one_call_opens_on_the_first_failure()
    {
        var breaker = Breaker(Steady with { Mode = CircuitMode.CountWindow, WindowSize = 1 });
        breaker.Succeed();
        breaker.Fail();
        Assert.Equal(CircuitState.Open, breaker.State);
    }

    [Fact]
    public void A_time_window_forgets_what_is_older_than_it()
    {
        var window = TimeSpan.FromSeconds(10);
        var breaker = Breaker(Steady with { Mode = CircuitMode.TimeWindow, WindowDuration = window, MinimumThroughput = 4 });
        for (var call = 0; call < 3; call++)
            breaker.Fail();
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(0, breaker.Statistics.Calls);
        for (var call = 0; call < 3; call++)
            breaker.Fail();
        Assert.Equal(CircuitState.Closed, breaker.State);
        _clock.Advance(TimeSpan.FromSeconds(8));
        breaker.Fail();
        Assert.Equal((CircuitState.Open, CircuitReason.FailureRate), (breaker.State, _transitions[^1].Reason));
    }

    [Fact]
    public void The_smallest_time_window_works()
    {
        var smallest = TimeSpan.FromMilliseconds(100);
        var breaker = Breaker(Steady with { Mode = CircuitMode.TimeWindow, WindowDuration = smallest, MinimumThroughput = 1 });
        breaker.Fail();
        Assert.Equal(CircuitState.Open, breaker.State);
    }

    [Theory]
    [InlineData(CircuitMode.CountWindow)]
    [InlineData(CircuitMode.TimeWindow)]
    public void Too_many_slow_calls_open_it_though_they_work(CircuitMode mode)
    {
        var breaker = Breaker(Steady with { Mode = mode, SlowCallDuration = TimeSpan.FromSeconds(1), MinimumThroughput = 4 });
        Assert.True(breaker.NeedsDuration);
        breaker.Succeed(TimeSpan.FromMilliseconds(999));
        breaker.Succeed();
        breaker.Succeed(TimeSpan.FromSeconds(1));
        Assert.Equal(CircuitState.Closed, breaker.State);
        breaker.Succeed(TimeSpan.FromSeconds(2));
        Assert.Equal((CircuitState.Open, CircuitReason.SlowCallRate), (breaker.State, _transitions[^1].Reason));
    }

    [Fact]
    public void A_slow_call_is_a_failure_in_a_row_and_among_probes()
    {
        var breaker = Breaker(Steady with { SlowCallDuration = TimeSpan.FromSeconds(1), FailureThreshold = 2 });
        breaker.Succeed(TimeSpan.FromSeconds(3));
        breaker.Succeed(TimeSpan.FromSeconds(3));
        Assert.Equal(CircuitState.Open, breaker.State);
        _clock.Advance(TimeSpan.FromSeconds(5));
        breaker.Succeed(TimeSpan.FromSeconds(3));
        Assert.Equal(CircuitState.Open, breaker.State);
    }

    [Fact]
    public void Durations_are_not_asked_for_and_not_looked_at_without_the_option()
    {
        var breaker = Breaker(Steady with { FailureThreshold = 1 });
        Assert.False(breaker.NeedsDuration);
        breaker.Succeed(TimeSpan.MaxValue - TimeSpan.FromTicks(1));
        Assert.Equal(CircuitState.Closed, breaker.State);
    }

    [Fact]
    public void Isolation_ends_by_a_reset_and_by_nothing_else()
    {
        var breaker = Breaker();
        breaker.Isolate();
        breaker.Trip();
        _clock.Advance(TimeSpan.FromDays(400));
        Assert.Equal(CircuitState.Isolated, breaker.State);
        Assert.Equal(TimeSpan.MaxValue, breaker.RetryAfter);
        Assert.False(breaker.TryEnter(out _));
        breaker.Reset();
        Assert.Equal(CircuitState.Closed, breaker.State);
        breaker.Succeed();
    }

    [Fact]
    public void An_open_circuit_that_is_tripped_stays_open_from_then_on()
    {
        var breaker = Breaker();
        breaker.Trip(TimeSpan.FromMinutes(1));
        _clock.Advance(TimeSpan.FromSeconds(50));
        breaker.Trip(TimeSpan.FromMinutes(2));
        Assert.Equal(TimeSpan.FromMinutes(2), breaker.RetryAfter);
        Assert.Single(_transitions);
    }

    [Fact]
    public void Shadow_mode_counts_and_tells_but_lets_every_call_pass()
    {
        var breaker = Breaker(Steady with { ShadowMode = true, FailureThreshold = 2 });
        breaker.Fail();
        breaker.Fail();
        Assert.Equal(CircuitState.Open, breaker.State);
        Assert.Equal(TimeSpan.Zero, breaker.RetryAfter);
        Assert.True(breaker.TryEnter(out var permit));
        Assert.Equal(PermitReport.Stale, breaker.Report(permit, Judgement.Success));
        Assert.Equal(1, breaker.Statistics.Rejected);
        breaker.Isolate();
        Assert.False(breaker.TryEnter(out _));
    }
}
