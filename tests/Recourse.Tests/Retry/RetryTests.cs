using System.Net.Sockets;

namespace Recourse.Tests;

public class RetryTests
{
    private readonly ManualClock _clock = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_call_that_fails_twice_works_at_the_third_attempt(bool later)
    {
        var script = later ? Script.FailsLater(2) : Script.FailsTimes(2);
        var pipeline = new PipelineBuilder().Retry(NoWait()).Build();
        Assert.Equal(42, await pipeline.ExecuteAsync(script.Run));
        Assert.Equal(3, script.Count);
        Assert.Equal(new PipelineStatistics { Retries = 2, RetriesWorked = 1 }, pipeline.Statistics);
    }

    [Fact]
    public async Task Stops_after_the_last_attempt_and_returns_the_last_failure_with_the_history()
    {
        var failures = new List<Exception>();
        var script = Script.FailsTimes(9, () =>
        {
            failures.Add(Script.Refused());
            return failures[^1];
        });
        var outcome = await new PipelineBuilder().Retry(NoWait(3)).Build().TryExecuteAsync(script.Run);
        Assert.Equal(3, script.Count);
        Assert.Same(failures[2], outcome.Exception);
        Assert.Equal([1, 2, 3], outcome.Attempts.Select(attempt => attempt.Number));
        Assert.Equal(failures, outcome.Attempts.Select(attempt => attempt.Exception));
        Assert.Equal([TimeSpan.Zero, TimeSpan.Zero, null], outcome.Attempts.Select(attempt => attempt.Delay));
    }

    [Fact]
    public async Task A_long_history_keeps_the_first_five_and_the_last_twenty_and_shows_the_gap()
    {
        var pipeline = new PipelineBuilder().Retry(NoWait(100) with { UnlimitedBudget = true }).Build();
        var outcome = await pipeline.TryExecuteAsync(Script.FailsTimes(200).Run);
        Assert.Equal([.. Enumerable.Range(1, 5), .. Enumerable.Range(81, 20)], outcome.Attempts.Select(attempt => attempt.Number));
    }

    [Fact]
    public async Task Waits_as_long_as_the_backoff_says()
    {
        var script = Script.FailsTimes(2);
        var pipeline = new PipelineBuilder("waits", _clock).Retry(3, Backoff.Constant(TimeSpan.FromSeconds(2))).Build();
        var call = pipeline.ExecuteAsync(script.Run);
        Assert.Equal(TimeSpan.FromSeconds(2), _clock.NextDue);
        _clock.Advance(TimeSpan.FromSeconds(1.9));
        Assert.Equal(1, script.Count);
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(2, script.Count);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(42, await call);
    }

    [Theory]
    [InlineData(System.Net.HttpStatusCode.NotFound, 1)]
    [InlineData(System.Net.HttpStatusCode.TooManyRequests, 6)]
    public async Task The_table_decides_how_often_when_nobody_else_does(System.Net.HttpStatusCode status, int attempts)
    {
        var script = Script.FailsTimes(99, () => new HttpRequestException("no", null, status));
        var pipeline = new PipelineBuilder("table", _clock).Retry().Build();
        var call = pipeline.TryExecuteAsync(script.Run).AsTask();
        while (!call.IsCompleted) Assert.True(_clock.AdvanceToNextTimer());
        await call;
        Assert.Equal(attempts, script.Count);
    }

    [Fact]
    public async Task An_effect_that_may_have_happened_is_repeated_only_where_the_caller_allows_it()
    {
        Func<Exception> reset = () => new HttpRequestException(HttpRequestError.ResponseEnded, "cut");
        Assert.Equal(Applied.Maybe, FaultClassifier.Default.Classify(reset()).Applied);
        var guarded = Script.FailsTimes(1, reset);
        var stops = new List<RetryStop>();
        var pipeline = new PipelineBuilder().Retry(NoWait() with { OnGivingUp = stop => stops.Add(stop.Reason) }).Build();
        Assert.False((await pipeline.TryExecuteAsync(guarded.Run)).IsSuccess);
        Assert.Equal(1, guarded.Count);
        Assert.Equal([RetryStop.NotRepeatable], stops);

        Assert.True((await new PipelineBuilder().Retry(NoWait() with { Repeatable = true }).Build().TryExecuteAsync(Script.FailsTimes(1,
            reset).Run)).IsSuccess);
        var allowed = Script.FailsTimes(1, reset);
        var outcome = await pipeline.TryExecuteAsync((script, attempt) =>
            script.Run(attempt.Token), allowed, new RecoveryContext { Repeatable = true });
        Assert.True(outcome.IsSuccess);
    }

    [Fact]
    public async Task Kinds_that_are_named_count_as_repeatable_and_no_others_are_retried()
    {
        var pipeline = new PipelineBuilder().Retry(NoWait() with { RetryOn = [FaultKind.Timeout] }).Build();
        var named = Script.FailsTimes(1, () => new TimeoutException());
        Assert.Equal(42, await pipeline.ExecuteAsync(named.Run));
        var other = Script.FailsTimes(1);
        Assert.False((await pipeline.TryExecuteAsync(other.Run)).IsSuccess);
        Assert.Equal(1, other.Count);
    }

    [Fact]
    public async Task A_kind_can_have_a_policy_of_its_own()
    {
        var pipeline = new PipelineBuilder().Retry(NoWait(2) with
        {
            ByKind = new Dictionary<FaultKind, RetryPolicy> { [FaultKind.ConnectionRefused] = new(5, Backoff.Constant(TimeSpan.Zero)) },
        }).Build();
        var script = Script.FailsTimes(99);
        await pipeline.TryExecuteAsync(script.Run);
        Assert.Equal(5, script.Count);
        var late = Script.FailsTimes(99, () => new TimeoutException());
        await pipeline.TryExecuteAsync((late, attempt) => late.Run(attempt.Token), late, new RecoveryContext { Repeatable = true });
        Assert.Equal(2, late.Count);
    }

    [Fact]
    public async Task The_number_of_attempts_can_be_set_for_one_call()
    {
        var script = Script.FailsTimes(99);
        await new PipelineBuilder().Retry(NoWait(3)).Build().TryExecuteAsync(
            (script, attempt) => script.Run(attempt.Token), script, new RecoveryContext { MaxAttempts = 7 });
        Assert.Equal(7, script.Count);
    }

    [Theory]
    [InlineData(RetryScope.Call, 1)]
    [InlineData(RetryScope.Transaction, 2)]
    public async Task A_deadlock_is_retried_only_where_the_whole_transaction_runs_again(RetryScope scope, int runs)
    {
        var classifier = FaultClassifier.Default;
        Assert.Equal(RetryScope.Transaction, classifier.ForKind(FaultKind.DbDeadlock).Scope);
        var script = Script.FailsTimes(1, () => new RejectedException("deadlock", classifier.ForKind(FaultKind.DbDeadlock)));
        await new PipelineBuilder().Retry(NoWait() with { Scope = scope }).Build().TryExecuteAsync(script.Run);
        Assert.Equal(runs, script.Count);
    }

    [Fact]
    public async Task Results_are_judged_by_the_classifier_and_those_thrown_away_are_disposed_of()
    {
        var handed = new List<Disposable>();
        var pipeline = new PipelineBuilder()
            .Classify(rules => rules.AddResultRule<Disposable>(value => value.Status == 503 ? Busy : null))
            .Retry(NoWait()).Build();
        var last = await pipeline.ExecuteAsync(_ =>
        {
            handed.Add(new Disposable { Status = handed.Count < 2 ? 503 : 200 });
            return new ValueTask<Disposable>(handed[^1]);
        });
        Assert.Equal([true, true, false], handed.Select(value => value.IsDisposed));
        Assert.Equal(200, last.Status);
    }

    [Fact]
    public async Task A_result_that_stays_bad_is_returned_and_the_outcome_says_that_it_is()
    {
        var pipeline = new PipelineBuilder()
            .Classify(rules => rules.AddResultRule<int>(value => value == 503 ? Busy : null)).Retry(NoWait(2)).Build();
        Assert.Equal(503, await pipeline.ExecuteAsync(_ => new ValueTask<int>(503)));
        var outcome = await pipeline.TryExecuteAsync(_ => new ValueTask<int>(503));
        Assert.True(outcome.HasValue);
        Assert.False(outcome.IsSuccess);
        Assert.Equal(FaultKind.DatabaseDown, outcome.Classification!.Kind);
        Assert.Equal(2, outcome.Attempts.Count);
    }

    [Fact]
    public async Task T08_What_an_observer_throws_does_not_replace_the_outcome()
    {
        var pipeline = new PipelineBuilder().Retry(NoWait() with
        {
            OnRetry = _ => throw new InvalidTimeZoneException(),
            OnGivingUp = _ => throw new InvalidTimeZoneException(),
        }).Build();
        Assert.Equal(42, await pipeline.ExecuteAsync(Script.FailsTimes(2).Run));
        Assert.IsType<SocketException>((await pipeline.TryExecuteAsync(Script.FailsTimes(9).Run)).Exception);
    }

    [Fact]
    public async Task A_function_that_throws_has_no_opinion()
    {
        var pipeline = new PipelineBuilder().Retry(NoWait() with
        {
            ShouldRetry = _ => throw new InvalidTimeZoneException(),
            Delay = _ => throw new InvalidTimeZoneException(),
        }).Build();
        Assert.Equal(42, await pipeline.ExecuteAsync(Script.FailsTimes(2).Run));
    }

    [Fact]
    public async Task T19_A_delay_function_and_a_service_cannot_ask_for_more_than_the_maximum()
    {
        var pipeline = new PipelineBuilder("cap", _clock).Retry(new RetryOptions
        {
            MaxAttempts = 2,
            MaxDelay = TimeSpan.FromSeconds(1),
            Delay = _ => TimeSpan.FromHours(5),
        }).Build();
        var call = pipeline.ExecuteAsync(Script.FailsTimes(1).Run);
        Assert.Equal(TimeSpan.FromSeconds(1), _clock.NextDue);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await call;

        var hostile = new RejectedException("later", FaultClassifier.Default.ForKind(FaultKind.RateLimitExceeded),
            TimeSpan.FromSeconds(999_999));
        var honest = new PipelineBuilder("cap", _clock).Retry(NoWait(2) with { MaxRetryAfter = TimeSpan.FromSeconds(20) }).Build();
        call = honest.ExecuteAsync(Script.FailsTimes(1, () => hostile).Run);
        Assert.Equal(TimeSpan.FromSeconds(20), _clock.NextDue);
        _clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(42, await call);
    }

    [Fact]
    public async Task T20_A_cancellation_during_the_backoff_keeps_the_real_failure_inside()
    {
        using var caller = new CancellationTokenSource();
        var failure = Script.Refused();
        var pipeline = new PipelineBuilder("cancel", _clock).Retry(3, Backoff.Constant(TimeSpan.FromMinutes(1))).Build();
        var call = pipeline.ExecuteAsync(Script.FailsTimes(9, () => failure).Run, caller.Token).AsTask();
        await caller.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Same(failure, cancelled.InnerException);
        Assert.Equal(caller.Token, cancelled.CancellationToken);
        Assert.True(call.IsCanceled);
        Assert.Equal(0, _clock.ArmedTimers);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task T20_A_wait_that_an_outer_time_limit_would_end_is_not_begun_and_the_real_failure_is_returned(bool systemClock)
    {
        var failure = Script.Refused();
        var script = Script.FailsTimes(9, () => failure);
        var pipeline = new PipelineBuilder("late", systemClock ? null : _clock)
            .Timeout(TimeSpan.FromSeconds(10)).Retry(3, Backoff.Constant(TimeSpan.FromMinutes(1))).Build();
        Assert.Same(failure, (await pipeline.TryExecuteAsync(script.Run)).Exception);
        Assert.Equal(1, script.Count);
    }

    [Fact]
    public async Task T24_Retries_stop_at_an_open_circuit_and_the_caller_learns_the_real_failure()
    {
        var breaker = new CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 2 }, _clock);
        var failure = Script.Refused();
        var script = Script.FailsTimes(99, () => failure);
        var stops = new List<RetryStop>();
        var pipeline = new PipelineBuilder("open", _clock)
            .Retry(NoWait(10) with { OnGivingUp = stop => stops.Add(stop.Reason) }).CircuitBreaker(breaker).Build();
        var outcome = await pipeline.TryExecuteAsync(script.Run);
        Assert.Equal(2, script.Count);
        Assert.Same(failure, outcome.Exception);
        Assert.Equal(FaultKind.ConnectionRefused, outcome.Classification!.Kind);
        Assert.Equal([FaultKind.ConnectionRefused, FaultKind.ConnectionRefused, FaultKind.CircuitOpen], outcome.Attempts.Select(attempt =>
            attempt.Classification.Kind));
        Assert.Equal([RetryStop.CircuitOpen], stops);

        var refused = await pipeline.TryExecuteAsync(script.Run);
        Assert.Equal(2, script.Count);
        Assert.Equal(FaultKind.CircuitOpen, refused.Classification!.Kind);
        Assert.IsType<CircuitOpenException>(refused.Exception);
    }

    [Fact]
    public async Task Waits_for_an_open_circuit_where_the_deadline_leaves_time_for_it()
    {
        var breaker = new CircuitBreaker(new CircuitBreakerOptions
        {
            FailureThreshold = 1,
            OpenTime = TimeSpan.FromSeconds(5),
            OpenTimeJitter = 0
        }, _clock);
        var script = Script.FailsTimes(1);
        var pipeline = new PipelineBuilder("wait",
            _clock).Deadline(TimeSpan.FromSeconds(30)).Retry(NoWait(3)).CircuitBreaker(breaker).Build();
        var call = pipeline.ExecuteAsync(script.Run);
        _clock.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal(1, script.Count);
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(42, await call);
    }

    [Fact]
    public async Task No_attempt_is_begun_that_the_deadline_would_end()
    {
        var script = Script.FailsTimes(9);
        var pipeline = new PipelineBuilder("deadline", _clock)
            .Deadline(TimeSpan.FromSeconds(10)).Retry(9, Backoff.Constant(TimeSpan.FromSeconds(6))).Build();
        var call = pipeline.TryExecuteAsync(script.Run).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(6));
        var outcome = await call;
        Assert.Equal(2, script.Count);
        Assert.IsType<SocketException>(outcome.Exception);
        Assert.Equal(TimeSpan.FromSeconds(6), _clock.Elapsed);
    }

    [Fact]
    public async Task No_attempt_begins_after_the_total_time()
    {
        var script = Script.FailsTimes(9);
        var pipeline = new PipelineBuilder("total", _clock).Retry(new RetryOptions
        {
            MaxAttempts = 9,
            Backoff = Backoff.Constant(TimeSpan.FromSeconds(4)),
            MaxTotalTime = TimeSpan.FromSeconds(10),
        }).Build();
        var call = pipeline.TryExecuteAsync(script.Run).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(4));
        _clock.Advance(TimeSpan.FromSeconds(4));
        Assert.False((await call).IsSuccess);
        Assert.Equal(3, script.Count);
    }

    [Fact]
    public async Task An_outage_costs_no_more_retries_than_the_budget_has()
    {
        var budget = new RetryBudget(new RetryBudgetOptions { Ratio = 0.2, MinimumPerSecond = 0 }, _clock);
        var pipeline = new PipelineBuilder("budget", _clock).Retry(NoWait(4) with { Budget = budget }).Build();
        var script = Script.FailsTimes(int.MaxValue);
        for (var i = 0; i < 100; i++) await pipeline.TryExecuteAsync(script.Run);
        Assert.Equal(120, script.Count);
    }

    [Fact]
    public async Task T25_One_pipeline_serves_many_calls_and_each_has_all_its_attempts()
    {
        var pipeline = new PipelineBuilder().Retry(NoWait(3)).Build();
        for (var i = 0; i < 3; i++)
        {
            var script = Script.FailsTimes(2);
            Assert.Equal(42, await pipeline.ExecuteAsync(script.Run));
        }
    }

    [Fact]
    public async Task T33_A_synchronous_retry_waits_on_the_callers_thread_for_a_timer_and_nothing_else()
    {
        var script = Script.FailsTimes(1);
        var threads = new List<int>();
        var pipeline = new PipelineBuilder("sync", _clock).Retry(2, Backoff.Constant(TimeSpan.FromSeconds(5))).Build();
        var done = new TaskCompletionSource<(Outcome<int> Result, int Thread)>();
        var caller = new Thread(() => done.SetResult((
            pipeline.TryExecute(
                (threads, token) =>
                {
                    threads.Add(Environment.CurrentManagedThreadId);
                    return script.Run(token).Result;
                },
                threads),
            Environment.CurrentManagedThreadId)));
        caller.Start();
        await _clock.WhenArmed();
        _clock.Advance(TimeSpan.FromSeconds(5));
        var (result, thread) = await done.Task;
        Assert.Equal(42, result.Value);
        Assert.Equal([thread, thread], threads);
    }

    [Fact]
    public void Options_out_of_range_are_named()
    {
        var thrown = Assert.Throws<InvalidOptionsException>(() => new PipelineBuilder().Retry(0));
        Assert.Contains("RetryOptions.MaxAttempts is 0", thrown.Message);
        Assert.Contains("from 1", thrown.Message);
    }

    private static Verdict Busy => Verdict.Failure(FaultClassifier.Default.ForKind(FaultKind.DatabaseDown));

    private static RetryOptions NoWait(int attempts = 3) => new() { MaxAttempts = attempts, Backoff = Backoff.Constant(TimeSpan.Zero) };

    private sealed class Disposable : IDisposable
    {
        public int Status { get; init; }

        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
