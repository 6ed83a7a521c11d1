namespace Recourse.Tests.CircuitBreaking;

/// <summary>Both orders of each race one after the other, and then real threads.</summary>
public class CircuitBreakerRaceTests
{
    private static readonly CircuitBreakerOptions Steady = new() { OpenTimeJitter = 0, FailureThreshold = 2, SuccessThreshold = 1 };
    private readonly ManualClock _clock = new();

    private CircuitBreaker HalfOpen(CircuitBreakerOptions? options = null)
    {
        var breaker = new CircuitBreaker(options ?? Steady, _clock);
        breaker.Trip(TimeSpan.FromSeconds(5));
        _clock.Advance(TimeSpan.FromSeconds(5));
        return breaker;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Report_of_a_probe_against_the_end_of_its_lease(bool reportFirst)
    {
        var breaker = HalfOpen();
        var probe = breaker.Enter();
        _clock.Advance(Steady.ProbeLease - TimeSpan.FromTicks(reportFirst ? 1 : 0));
        Assert.Equal(reportFirst ? PermitReport.Accepted : PermitReport.Stale, breaker.Report(probe, Judgement.Success));
        Assert.Equal(reportFirst ? CircuitState.Closed : CircuitState.HalfOpen, breaker.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Report_of_the_last_failure_against_a_trip(bool reportFirst)
    {
        var breaker = new CircuitBreaker(Steady, _clock);
        breaker.Fail();
        var permit = breaker.Enter();
        if (!reportFirst)
            breaker.Trip(TimeSpan.FromMinutes(1));
        var report = breaker.Report(permit, Judgement.Failure);
        if (reportFirst)
            breaker.Trip(TimeSpan.FromMinutes(1));
        Assert.Equal(reportFirst ? PermitReport.Accepted : PermitReport.Stale, report);
        Assert.Equal((CircuitState.Open, TimeSpan.FromMinutes(1)), (breaker.State, breaker.RetryAfter));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Good_probe_against_bad_probe(bool goodFirst)
    {
        var breaker = HalfOpen();
        var (good, bad) = (breaker.Enter(), breaker.Enter());
        var first = goodFirst ? breaker.Report(good, Judgement.Success) : breaker.Report(bad, Judgement.Failure);
        var second = goodFirst ? breaker.Report(bad, Judgement.Failure) : breaker.Report(good, Judgement.Success);
        Assert.Equal((PermitReport.Accepted, PermitReport.Stale), (first, second));
        Assert.Equal(goodFirst ? CircuitState.Closed : CircuitState.Open, breaker.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Isolation_against_a_probe_that_would_close(bool isolateFirst)
    {
        var breaker = HalfOpen();
        var probe = breaker.Enter();
        if (isolateFirst)
            breaker.Isolate();
        breaker.Report(probe, Judgement.Success);
        if (!isolateFirst)
            breaker.Isolate();
        Assert.Equal(CircuitState.Isolated, breaker.State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_end_of_the_open_time_against_a_call(bool callFirst)
    {
        var breaker = new CircuitBreaker(Steady, _clock);
        breaker.Trip();
        _clock.Advance(Steady.OpenTime - TimeSpan.FromTicks(callFirst ? 1 : 0));
        Assert.Equal(!callFirst, breaker.TryEnter(out var permit));
        Assert.Equal(!callFirst, permit.IsProbe);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Reset_against_a_success_that_was_under_way(bool resetFirst)
    {
        var breaker = new CircuitBreaker(Steady, _clock);
        breaker.Fail();
        var permit = breaker.Enter();
        if (resetFirst)
            breaker.Reset();
        Assert.Equal(resetFirst ? PermitReport.Stale : PermitReport.Accepted, breaker.Report(permit, Judgement.Success));
        Assert.Equal(0, breaker.Statistics.Failures);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void New_options_against_a_failure_that_was_under_way(bool reloadFirst)
    {
        var breaker = new CircuitBreaker(Steady with { Mode = CircuitMode.CountWindow, MinimumThroughput = 2 }, _clock);
        breaker.Fail();
        var permit = breaker.Enter();
        var wider = breaker.Options with { WindowSize = 7, MinimumThroughput = 3 };
        if (reloadFirst)
            breaker.Reload(wider);
        Assert.Equal(PermitReport.Accepted, breaker.Report(permit, Judgement.Failure));
        Assert.Equal(reloadFirst ? CircuitState.Closed : CircuitState.Open, breaker.State);
    }

    [Fact]
    public void A_reset_between_counting_the_last_failure_and_opening_wins()
    {
        var clock = new InterruptingClock();
        var breaker = new CircuitBreaker(Steady with { Mode = CircuitMode.TimeWindow, MinimumThroughput = 1 }, clock);
        var permit = breaker.Enter();
        // The window reads the clock after the permit was found valid: this is where another thread may come in.
        clock.Next = breaker.Reset;
        Assert.Equal(PermitReport.Accepted, breaker.Report(permit, Judgement.Failure));
        Assert.Equal((CircuitState.Closed, 0), (breaker.State, breaker.Statistics.Calls));
    }

    [Fact]
    public void New_options_between_reading_the_window_and_counting_lose_at_most_that_call()
    {
        var clock = new InterruptingClock();
        var breaker = new CircuitBreaker(Steady with { Mode = CircuitMode.TimeWindow }, clock);
        breaker.Fail();
        var permit = breaker.Enter();
        clock.Next = () => breaker.Reload(breaker.Options with { WindowDuration = TimeSpan.FromSeconds(1) });
        Assert.Equal(PermitReport.Accepted, breaker.Report(permit, Judgement.Failure));
        Assert.Equal(1, breaker.Statistics.Failures);
        breaker.Fail();
        Assert.Equal(2, breaker.Statistics.Failures);
    }

    /// <summary>A clock that does something in the middle of whatever reads it next.</summary>
    private sealed class InterruptingClock : TimeProvider
    {
        internal Action? Next { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp()
        {
            var next = Next;
            Next = null;
            next?.Invoke();
            return 0;
        }
    }

    [Fact]
    public void Several_threads_that_reach_the_threshold_together_open_the_circuit_once()
    {
        for (var round = 0; round < 200; round++)
        {
            var openings = 0;
            var breaker = new CircuitBreaker(Steady with { FailureThreshold = 4, OnTransition = _ => Interlocked.Increment(ref openings) });
            CircuitPermit[] permits = [.. Enumerable.Range(0, 4).Select(_ => breaker.Enter())];
            RaceThreads.Run(4, thread => breaker.Report(permits[thread], Judgement.Failure));
            Assert.Equal((CircuitState.Open, 1, 1L), (breaker.State, openings, breaker.Statistics.Openings));
        }
    }

    [Theory]
    [InlineData(CircuitMode.CountWindow)]
    [InlineData(CircuitMode.TimeWindow)]
    public void No_result_is_lost_between_threads(CircuitMode mode)
    {
        const int threads = 4;
        const int calls = 20_000;
        var breaker = new CircuitBreaker(
            Steady with { Mode = mode, WindowSize = threads * calls, WindowDuration = TimeSpan.FromHours(1), FailureRate = 0.9 }, _clock);
        for (var call = 0; call < 20; call++)
            breaker.Succeed();
        RaceThreads.Run(threads, thread =>
        {
            for (var call = 1; call <= calls - 5; call++)
            {
                var judgement = call % 4 == 0 ? Judgement.Failure : Judgement.Success;
                Assert.Equal(PermitReport.Accepted, breaker.Report(breaker.Enter(), judgement));
            }
        });
        Assert.Equal((threads * calls, threads * ((calls - 5) / 4)), (breaker.Statistics.Calls, breaker.Statistics.Failures));
    }

    [Fact]
    public void Of_four_threads_that_come_together_exactly_as_many_probe_as_permitted()
    {
        const int permitted = 2;
        var breaker = new CircuitBreaker(Steady with { PermittedProbes = permitted, SuccessThreshold = 10_000 }, _clock);
        var (probing, stale) = (0, 0);
        // The even phases make the circuit half-open, the odd ones look while all who got in are still inside.
        using var barrier = new Barrier(4, phases =>
        {
            if (phases.CurrentPhaseNumber % 2 == 1)
            {
                Assert.Equal((permitted, permitted), (probing, breaker.Statistics.ProbesInFlight));
                return;
            }
            Assert.Equal(0, breaker.Statistics.ProbesInFlight);
            probing = 0;
            breaker.Trip(TimeSpan.FromTicks(1));
            _clock.Advance(TimeSpan.FromTicks(1));
        });
        RaceThreads.Run(4, thread =>
        {
            for (var round = 0; round < 500; round++)
            {
                barrier.SignalAndWait(TestContext.Current.CancellationToken);
                var entered = breaker.TryEnter(out var permit);
                if (entered)
                    Interlocked.Increment(ref probing);
                barrier.SignalAndWait(TestContext.Current.CancellationToken);
                // Counted, not asserted: a thread that left here would leave the others waiting for it.
                if (entered && breaker.Report(permit, round % 2 == 0 ? Judgement.Success : Judgement.Neutral) == PermitReport.Stale)
                    Interlocked.Increment(ref stale);
            }
        });
        Assert.Equal(0, stale);
    }

    [Fact]
    public void Under_threads_orders_and_time_never_more_probes_run_than_permitted_and_no_slot_is_lost()
    {
        const int permitted = 2;
        var patient = Steady with { SuccessThreshold = 50, ProbeFailureThreshold = 20, OpenTime = TimeSpan.FromMilliseconds(1) };
        var breaker = new CircuitBreaker(patient with { PermittedProbes = permitted }, _clock);
        breaker.Trip();
        var running = new System.Collections.Concurrent.ConcurrentDictionary<uint, int>();
        var most = 0;
        RaceThreads.Run(4, thread =>
        {
            var random = new Random(thread);
            for (var round = 0; round < 20_000; round++)
            {
                if (thread == 0 && round % 50 == 0)
                    breaker.Trip(TimeSpan.FromTicks(1));
                if (thread == 0)
                    _clock.Advance(TimeSpan.FromTicks(1));
                if (!breaker.TryEnter(out var permit))
                    continue;
                if (permit.IsProbe)
                {
                    // Counted per generation, because slots of a generation that has ended are free again.
                    var now = running.AddOrUpdate(permit.Generation, 1, (_, count) => count + 1);
                    InterlockedMax(ref most, now);
                    // The other threads come to find the slot taken.
                    Thread.Yield();
                    running.AddOrUpdate(permit.Generation, 0, (_, count) => count - 1);
                }
                breaker.Report(permit, random.Next(10) switch { 0 => Judgement.Failure, < 4 => Judgement.Neutral, _ => Judgement.Success });
            }
        });
        Assert.InRange(most, 0, permitted);
        Assert.Equal(0, breaker.Statistics.ProbesInFlight);
        Assert.Equal(0, breaker.Statistics.ExpiredProbes);
        breaker.Trip(TimeSpan.FromTicks(1));
        _clock.Advance(TimeSpan.FromTicks(1));
        for (var probe = 0; probe < permitted; probe++)
            Assert.True(breaker.Enter().IsProbe);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); seen < value; seen = Volatile.Read(ref target))
            Interlocked.CompareExchange(ref target, value, seen);
    }
}
