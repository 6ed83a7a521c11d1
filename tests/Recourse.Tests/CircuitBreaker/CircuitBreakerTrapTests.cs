using System.Reflection;

namespace Recourse.Tests.CircuitBreaking;

/// <summary>Mistakes that other breakers have made, by the numbers of the list of traps in the project's research.</summary>
public class CircuitBreakerTrapTests
{
    private static readonly TimeSpan OpenTime = TimeSpan.FromSeconds(5);
    private readonly ManualClock _clock = new();
    private readonly List<CircuitTransition> _transitions = [];

    private CircuitBreaker Breaker(Func<CircuitBreakerOptions, CircuitBreakerOptions>? change = null)
    {
        var options = new CircuitBreakerOptions { OpenTime = OpenTime, OpenTimeJitter = 0, OnTransition = _transitions.Add };
        return new(change?.Invoke(options) ?? options, _clock);
    }

    private CircuitBreaker HalfOpen(Func<CircuitBreakerOptions, CircuitBreakerOptions>? change = null)
    {
        var breaker = Breaker(change);
        breaker.Trip(OpenTime);
        _clock.Advance(OpenTime);
        return breaker;
    }

    [Theory]
    [InlineData(Judgement.Success)]
    [InlineData(Judgement.Failure)]
    [InlineData(Judgement.Neutral)]
    public void T01_A_call_admitted_while_closed_decides_nothing_once_the_circuit_has_moved_on(Judgement late)
    {
        var breaker = Breaker(options => options with { SuccessThreshold = 1 });
        var before = breaker.Enter();
        breaker.Trip();
        Assert.Equal(PermitReport.Stale, breaker.Report(before, late));
        _clock.Advance(OpenTime);
        var probe = breaker.Enter();
        Assert.Equal(PermitReport.Stale, breaker.Report(before, late));
        Assert.Equal(CircuitState.HalfOpen, breaker.State);
        Assert.Equal(PermitReport.Accepted, breaker.Report(probe, Judgement.Failure));
        Assert.Equal(CircuitState.Open, breaker.State);
    }

    [Theory]
    [InlineData(CircuitMode.CountWindow)]
    [InlineData(CircuitMode.TimeWindow)]
    public void T01_A_window_takes_no_result_of_an_older_generation(CircuitMode mode)
    {
        var breaker = Breaker(options => options with { Mode = mode, MinimumThroughput = 1 });
        var before = breaker.Enter();
        breaker.Trip();
        Assert.Equal(PermitReport.Stale, breaker.Report(before, Judgement.Failure));
        breaker.Reset();
        Assert.Equal(PermitReport.Stale, breaker.Report(before, Judgement.Failure));
        Assert.Equal((CircuitState.Closed, 0), (breaker.State, breaker.Statistics.Calls));
    }

    [Fact]
    public void T02_A_hung_probe_does_not_keep_the_circuit_open()
    {
        var lease = TimeSpan.FromSeconds(30);
        var breaker = HalfOpen(options => options with { PermittedProbes = 1, SuccessThreshold = 1, ProbeLease = lease });
        var hung = breaker.Enter();
        Assert.False(breaker.TryEnter(out _));
        Assert.Equal(TimeSpan.FromSeconds(30), breaker.RetryAfter);
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(TimeSpan.Zero, breaker.RetryAfter);
        var next = breaker.Enter();
        Assert.Equal(PermitReport.Stale, breaker.Report(hung, Judgement.Failure));
        Assert.Equal(PermitReport.Accepted, breaker.Report(next, Judgement.Success));
        Assert.Equal(CircuitState.Closed, breaker.State);
        Assert.Equal(1, breaker.Statistics.ExpiredProbes);
    }

    [Fact]
    public void T02_The_time_to_wait_is_never_negative_however_late_somebody_asks()
    {
        var breaker = Breaker();
        breaker.Trip();
        _clock.Advance(TimeSpan.FromDays(30));
        Assert.Equal(TimeSpan.Zero, breaker.RetryAfter);
        breaker.Enter();
        _clock.Advance(TimeSpan.FromDays(30));
        Assert.Equal(TimeSpan.Zero, breaker.RetryAfter);
    }

    [Fact]
    public void T03_A_cancelled_probe_is_neither_success_nor_failure()
    {
        var breaker = HalfOpen(options => options with { PermittedProbes = 1, SuccessThreshold = 1 });
        var probe = breaker.Enter();
        Assert.Equal(PermitReport.Accepted, breaker.Report(probe, Judgement.Neutral));
        Assert.Equal(CircuitState.HalfOpen, breaker.State);
        Assert.Equal((0, 0), (breaker.Statistics.ProbesInFlight, breaker.Statistics.ProbeSuccesses));
        Assert.True(breaker.TryEnter(out _));
    }

    [Fact]
    public void T03_A_neutral_result_does_not_end_a_row_of_failures()
    {
        var breaker = Breaker(options => options with { FailureThreshold = 2 });
        breaker.Fail();
        breaker.Report(breaker.Enter(), Judgement.Neutral);
        breaker.Fail();
        Assert.Equal(CircuitState.Open, breaker.State);
    }

    [Fact]
    public void T04_An_observer_that_throws_when_the_circuit_becomes_half_open_leaks_no_slot()
    {
        var breaker = HalfOpen(options => options with
        {
            PermittedProbes = 1,
            SuccessThreshold = 1,
            OnTransition = _ => throw new InvalidOperationException("observer"),
        });
        var probe = breaker.Enter();
        Assert.True(probe.IsProbe);
        Assert.Equal(PermitReport.Accepted, breaker.Report(probe, Judgement.Success));
        Assert.Equal(CircuitState.Closed, breaker.State);
    }

    [Fact]
    public void T05_Setting_the_wall_clock_back_does_not_hold_the_circuit_open()
    {
        var breaker = Breaker();
        breaker.Trip();
        _clock.SetWallClock(_clock.GetUtcNow().AddHours(-1));
        _clock.Advance(OpenTime);
        Assert.Equal(CircuitState.HalfOpen, breaker.State);
        _clock.SetWallClock(_clock.GetUtcNow().AddHours(5));
        breaker.Fail();
        Assert.Equal(CircuitState.Open, breaker.State);
    }

    [Fact]
    public void T06_An_observer_runs_without_the_lock()
    {
        CircuitBreaker? breaker = null;
        var answered = false;
        breaker = Breaker(options => options with
        {
            OnTransition = _ =>
            {
                // Another thread needs the lock of the breaker while the observer still runs.
                var other = new Thread(() => answered = breaker!.Statistics.State == CircuitState.Open);
                other.Start();
                Assert.True(other.Join(TimeSpan.FromSeconds(30)), "the breaker answers nobody while an observer runs");
            },
        });
        breaker.Trip();
        Assert.True(answered);
    }

    [Fact]
    public void T07_An_observer_may_give_the_breaker_orders()
    {
        CircuitBreaker? breaker = null;
        breaker = Breaker(options => options with
        {
            OnTransition = change =>
            {
                _transitions.Add(change);
                if (change.To == CircuitState.Open)
                    breaker!.Isolate();
            },
        });
        breaker.Trip();
        Assert.Equal(CircuitState.Isolated, breaker.State);
        Assert.Equal([CircuitState.Open, CircuitState.Isolated], _transitions.Select(change => change.To));
    }

    [Fact]
    public void T07_Observers_that_answer_every_change_with_a_change_come_to_an_end()
    {
        CircuitBreaker? breaker = null;
        var told = 0;
        breaker = Breaker(options => options with
        {
            Name = nameof(T07_Observers_that_answer_every_change_with_a_change_come_to_an_end),
            OnTransition = change =>
            {
                told++;
                if (change.To == CircuitState.Open)
                    breaker!.Reset();
                else
                    breaker!.Trip();
            },
        });
        var errors = new List<string>();
        void Note(Exception exception)
        {
            if (exception.Message.Contains(breaker!.Name, StringComparison.Ordinal))
                errors.Add(exception.Message);
        }
        ObserverErrors.Raised += Note;
        try
        {
            breaker.Trip();
        }
        finally
        {
            ObserverErrors.Raised -= Note;
        }
        Assert.Equal(8, told);
        Assert.Single(errors);
    }

    [Fact]
    public void T08_What_an_observer_throws_is_told_to_the_log_and_to_nobody_else()
    {
        var thrown = new InvalidOperationException("observer");
        var breaker = Breaker(options => options with { FailureThreshold = 1, OnTransition = _ => throw thrown });
        var logged = new List<Exception>();
        void Note(Exception exception)
        {
            if (exception == thrown)
                logged.Add(exception);
        }
        ObserverErrors.Raised += Note;
        try
        {
            Assert.Equal(PermitReport.Accepted, breaker.Fail());
        }
        finally
        {
            ObserverErrors.Raised -= Note;
        }
        Assert.Equal(CircuitState.Open, breaker.State);
        Assert.Same(thrown, Assert.Single(logged));
    }

    [Fact]
    public void T09_Nothing_is_held_while_a_call_runs()
    {
        var breaker = HalfOpen(options => options with { PermittedProbes = 2, SuccessThreshold = 2 });
        var first = breaker.Enter();
        CircuitPermit second = default;
        var other = new Thread(() =>
        {
            second = breaker.Enter();
            breaker.Report(second, Judgement.Success);
        });
        other.Start();
        Assert.True(other.Join(TimeSpan.FromSeconds(30)), "a second call waits for the first one to end");
        Assert.Equal(PermitReport.Accepted, breaker.Report(first, Judgement.Success));
        Assert.Equal(CircuitState.Closed, breaker.State);
    }

    [Fact]
    public void T10_Reporting_twice_or_from_an_older_generation_frees_no_slot()
    {
        var breaker = HalfOpen(options => options with { PermittedProbes = 1, SuccessThreshold = 9 });
        var first = breaker.Enter();
        Assert.Equal(PermitReport.Accepted, breaker.Report(first, Judgement.Success));
        var second = breaker.Enter();
        Assert.Equal(PermitReport.Stale, breaker.Report(first, Judgement.Success));
        Assert.Equal(PermitReport.Stale, breaker.Report(default, Judgement.Success));
        Assert.False(breaker.TryEnter(out _));
        Assert.Equal(PermitReport.Accepted, breaker.Report(second, Judgement.Success));
        Assert.Equal(2, breaker.Statistics.ProbeSuccesses);
    }

    [Fact]
    public void T11_A_half_open_circuit_decides_with_one_call_at_a_time_and_long_pauses()
    {
        var breaker = HalfOpen(options => options with { PermittedProbes = 1, SuccessThreshold = 3 });
        for (var probe = 0; probe < 3; probe++)
        {
            _clock.Advance(TimeSpan.FromHours(10));
            Assert.Equal(CircuitState.HalfOpen, breaker.State);
            breaker.Succeed();
        }
        Assert.Equal(CircuitState.Closed, breaker.State);
    }

    [Fact]
    public void T11_A_window_smaller_than_the_minimum_throughput_can_still_open()
    {
        var breaker = Breaker(options => options with { Mode = CircuitMode.CountWindow, WindowSize = 4, MinimumThroughput = 20 });
        for (var call = 0; call < 4; call++)
            breaker.Fail();
        Assert.Equal(CircuitState.Open, breaker.State);
    }

    [Fact]
    public void T12_A_probe_that_another_layer_stops_gives_its_slot_back()
    {
        var breaker = HalfOpen(options => options with { PermittedProbes = 1, SuccessThreshold = 1 });
        using var bulkhead = new Bulkhead(new() { MaxConcurrent = 1 }, _clock);
        Assert.True(bulkhead.TryAcquire());
        var probe = breaker.Enter();
        Assert.False(bulkhead.TryAcquire());
        breaker.Report(probe, Judgement.Neutral);
        bulkhead.Release();
        breaker.Succeed();
        Assert.Equal(CircuitState.Closed, breaker.State);
    }

    [Fact]
    public void T13_The_state_is_right_without_traffic()
    {
        var breaker = Breaker();
        breaker.Trip();
        Assert.Equal(CircuitState.Open, breaker.State);
        _clock.Advance(OpenTime - TimeSpan.FromTicks(1));
        Assert.Equal(CircuitState.Open, breaker.State);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(CircuitState.HalfOpen, breaker.State);
        Assert.Equal(CircuitState.HalfOpen, breaker.Statistics.State);
        Assert.Equal(CircuitState.HalfOpen, breaker.Snapshot().State);
    }

    [Fact]
    public void T14_The_breaker_has_nowhere_to_keep_an_exception()
    {
        Type[] parts =
            [typeof(CircuitBreaker), typeof(CircuitCore), typeof(ProbeLeases), typeof(CountWindow), typeof(TimeWindow), typeof(BucketRing)];
        var suspects = from part in parts
                       from field in part.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public)
                       where field.FieldType == typeof(object) || typeof(Exception).IsAssignableFrom(field.FieldType)
                       select $"{part.Name}.{field.Name}";
        Assert.Empty(suspects);
    }

    [Fact]
    public void T15_New_options_leave_an_open_circuit_open_and_a_probe_valid()
    {
        var breaker = Breaker();
        breaker.Trip();
        breaker.Reload(breaker.Options with { FailureThreshold = 3 });
        Assert.Equal((CircuitState.Open, OpenTime), (breaker.State, breaker.RetryAfter));
        _clock.Advance(OpenTime);
        var probe = breaker.Enter();
        breaker.Reload(breaker.Options with { PermittedProbes = 7, SuccessThreshold = 1 });
        Assert.Equal(PermitReport.Accepted, breaker.Report(probe, Judgement.Success));
        Assert.Equal(CircuitState.Closed, breaker.State);
    }

    [Fact]
    public void T15_New_options_keep_the_counts_and_the_permits_of_a_closed_circuit()
    {
        var breaker = Breaker();
        for (var failure = 0; failure < 3; failure++)
            breaker.Fail();
        var underWay = breaker.Enter();
        breaker.Reload(breaker.Options with { FailureThreshold = 4 });
        Assert.Equal(3, breaker.Statistics.Failures);
        Assert.Equal(PermitReport.Accepted, breaker.Report(underWay, Judgement.Failure));
        Assert.Equal(CircuitState.Open, breaker.State);
    }

    // The trap is about ejecting hosts from a set; its kernel is a limit that is compared before the event is counted.
    [Theory]
    [InlineData(7, 100, 0.07)]
    [InlineData(29, 100, 0.29)]
    [InlineData(1, 3, 1.0 / 3)]
    [InlineData(57, 100, 0.57)]
    public void T16_A_rate_is_compared_after_counting_and_without_rounding(int failures, int calls, double rate)
    {
        var breaker = Breaker(options => options with
        {
            Mode = CircuitMode.CountWindow,
            WindowSize = calls,
            MinimumThroughput = calls,
            FailureRate = rate,
        });
        for (var call = 0; call < calls - failures; call++)
            breaker.Succeed();
        for (var failure = 1; failure <= failures; failure++)
        {
            Assert.Equal(CircuitState.Closed, breaker.State);
            breaker.Fail();
        }
        Assert.Equal(CircuitState.Open, breaker.State);
    }
}
