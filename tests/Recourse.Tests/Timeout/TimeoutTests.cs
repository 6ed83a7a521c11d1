using System.Net.Sockets;

namespace Recourse.Tests;

public class TimeoutTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);
    private readonly ManualClock _clock = new();

    [Fact]
    public async Task Work_that_obeys_its_token_ends_as_a_timeout()
    {
        var pipeline = new PipelineBuilder("t", _clock).Timeout(Limit).Build();
        var call = pipeline.TryExecuteAsync(Hangs).AsTask();
        _clock.Advance(Limit);
        var outcome = await call;
        var late = Assert.IsType<TimeoutExceededException>(outcome.Exception);
        Assert.Equal(Limit, late.Limit);
        Assert.Equal(FaultKind.Timeout, outcome.Classification!.Kind);
        Assert.Equal(1, pipeline.Statistics.Timeouts);
    }

    [Fact]
    public async Task A_call_that_is_in_time_leaves_no_timer()
    {
        var pipeline = new PipelineBuilder("t", _clock).Timeout(Limit).Build();
        Assert.Equal(1, await pipeline.ExecuteAsync(_ => new ValueTask<int>(1)));
        Assert.Equal(0, _clock.ArmedTimers);
    }

    [Fact]
    public async Task The_callers_cancellation_stays_the_callers()
    {
        using var caller = new CancellationTokenSource();
        var pipeline = new PipelineBuilder("t", _clock).Timeout(Limit).Retry(2).Timeout(Limit / 2).Build();
        var call = pipeline.ExecuteAsync(Hangs, caller.Token).AsTask();
        await caller.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(caller.Token, cancelled.CancellationToken);
        Assert.Equal(0, pipeline.Statistics.Timeouts);
    }

    [Fact]
    public async Task T27_A_cancellation_of_somebody_else_after_the_limit_is_not_taken_for_a_timeout()
    {
        var unrelated = new OperationCanceledException("mine", new CancellationToken(true));
        var pipeline = new PipelineBuilder("t", _clock).Timeout(Limit).Build();
        var call = pipeline.TryExecuteAsync(async token =>
        {
            await Fired(token);
            return unrelated is null ? 1 : throw unrelated;
        }).AsTask();
        _clock.Advance(Limit);
        var outcome = await call;
        Assert.Same(unrelated, outcome.Exception);
        // It came after the limit all the same, so a breaker or a retry sees a timeout.
        Assert.Equal(FaultKind.Timeout, outcome.Classification!.Kind);
    }

    [Fact]
    public async Task T27_The_outer_limit_is_not_blamed_on_the_inner_one()
    {
        var pipeline = new PipelineBuilder("t", _clock).Timeout(TimeSpan.FromSeconds(3)).Retry(5,
            Backoff.Constant(TimeSpan.FromSeconds(1))).Timeout(Limit).Build();
        var runs = 0;
        var call = pipeline.TryExecuteAsync(
            (_, attempt) =>
            {
                runs++;
                return Hangs(attempt.Token);
            },
            0,
            new RecoveryContext { Repeatable = true }).AsTask();
        while (!call.IsCompleted)
        {
            if (!_clock.AdvanceToNextTimer()) await Task.Yield();
        }

        var late = Assert.IsType<TimeoutExceededException>((await call).Exception);
        Assert.Equal(TimeSpan.FromSeconds(3), late.Limit);
        Assert.Equal(2, runs);
    }

    [Fact]
    public async Task T28_A_timer_that_comes_late_does_not_cancel_the_next_call()
    {
        var clock = new ManualClock { FiresAfterDisposal = true };
        var pipeline = new PipelineBuilder("t", clock).Timeout(Limit).Build();
        await pipeline.ExecuteAsync(_ => new ValueTask<int>(1));
        var source = new TaskCompletionSource<int>();
        var token = CancellationToken.None;
        var next = pipeline.ExecuteAsync(given =>
        {
            token = given;
            return new ValueTask<int>(source.Task);
        });
        Assert.Equal(1, clock.FireDisposed());
        Assert.False(token.IsCancellationRequested);
        source.SetResult(2);
        Assert.Equal(2, await next);
    }

    [Fact]
    public void T28_A_pooled_source_that_was_cancelled_is_never_used_again()
    {
        var fired = TimeoutScope.Begin(TimeProvider.System, TimeSpan.FromDays(1), precise: false, CancellationToken.None);
        var due = fired.Due;
        Assert.True(fired.TryFire(due));
        Assert.True(fired.End());
        var next = TimeoutScope.Begin(TimeProvider.System, TimeSpan.FromDays(1), precise: false, CancellationToken.None);
        Assert.NotSame(fired, next);
        Assert.False(next.TryFire(due - 1));
        Assert.False(next.End());
    }

    [Fact]
    public async Task The_shared_timer_ends_work_with_the_system_clock()
    {
        var pipeline = new PipelineBuilder().Timeout(TimeSpan.FromMilliseconds(30)).Build();
        await Assert.ThrowsAsync<TimeoutExceededException>(async () => await pipeline.ExecuteAsync(Hangs));
        var precise = new PipelineBuilder().Timeout(new TimeoutOptions { Limit = TimeSpan.FromMilliseconds(5), Precise = true }).Build();
        await Assert.ThrowsAsync<TimeoutExceededException>(async () => await precise.ExecuteAsync(Hangs));
    }

    [Fact]
    public async Task T26_Work_that_ignores_its_token_is_abandoned_and_holds_its_permit_until_it_ends()
    {
        var bulkhead = new Bulkhead(new BulkheadOptions { MaxConcurrent = 1 }, _clock);
        var passed = new List<TimeoutPassed>();
        var pipeline = new PipelineBuilder("t", _clock)
            .Timeout(new TimeoutOptions { Limit = Limit, AbandonAfter = TimeSpan.Zero, OnTimeout = passed.Add }).Bulkhead(bulkhead).Build();
        var work = new TaskCompletionSource<int>();
        var call = pipeline.TryExecuteAsync(_ => new ValueTask<int>(work.Task)).AsTask();
        _clock.Advance(Limit);
        var outcome = await call;
        Assert.True(Assert.IsType<TimeoutExceededException>(outcome.Exception).Abandoned);
        Assert.Equal([true], passed.Select(timeout => timeout.Abandoned));
        Assert.Equal(1, bulkhead.InFlight);
        Assert.Equal(1, pipeline.Statistics.AbandonedNow);
        Assert.IsType<BulkheadFullException>((await pipeline.TryExecuteAsync(_ => new ValueTask<int>(1))).Exception);
        work.SetResult(1);
        Assert.Equal(0, bulkhead.InFlight);
        Assert.Equal(0, pipeline.Statistics.AbandonedNow);
        Assert.Equal(1, await pipeline.ExecuteAsync(_ => new ValueTask<int>(1)));
    }

    [Fact]
    public async Task Work_that_obeys_within_the_time_of_grace_is_not_abandoned()
    {
        var pipeline = new PipelineBuilder("t", _clock).Timeout(new TimeoutOptions
        {
            Limit = Limit,
            AbandonAfter = TimeSpan.FromSeconds(5)
        }).Build();
        var call = pipeline.TryExecuteAsync(Hangs).AsTask();
        _clock.Advance(Limit);
        var late = Assert.IsType<TimeoutExceededException>((await call).Exception);
        Assert.False(late.Abandoned);
        Assert.Equal(0, pipeline.Statistics.AbandonedNow);
    }

    [Fact]
    public async Task An_abandoning_timeout_passes_results_failures_and_refusals_on()
    {
        var breaker = new CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 1 }, _clock);
        var pipeline = new PipelineBuilder("t", _clock).Timeout(new TimeoutOptions
        {
            Limit = Limit,
            AbandonAfter = TimeSpan.Zero
        }).CircuitBreaker(breaker).Build();
        Assert.Equal(1, await pipeline.ExecuteAsync(_ => new ValueTask<int>(1)));
        var source = new TaskCompletionSource<int>();
        var suspended = pipeline.ExecuteAsync(_ => new ValueTask<int>(source.Task));
        source.SetResult(2);
        Assert.Equal(2, await suspended);
        await Assert.ThrowsAsync<SocketException>(async () => await pipeline.ExecuteAsync(Script.FailsLater(1).Run));
        await Assert.ThrowsAsync<CircuitOpenException>(async () => await pipeline.ExecuteAsync(_ => new ValueTask<int>(1)));
        Assert.Equal(0, _clock.ArmedTimers);
    }

    [Fact]
    public async Task A_caller_who_leaves_does_not_wait_for_work_that_ignores_its_token()
    {
        using var caller = new CancellationTokenSource();
        var pipeline = new PipelineBuilder("t", _clock).Timeout(new TimeoutOptions
        {
            Limit = Limit,
            AbandonAfter = TimeSpan.FromSeconds(2)
        }).Build();
        var work = new TaskCompletionSource<int>();
        var call = pipeline.ExecuteAsync(_ => new ValueTask<int>(work.Task), caller.Token).AsTask();
        await caller.CancelAsync();
        while (!call.IsCompleted)
        {
            if (!_clock.AdvanceToNextTimer()) await Task.Yield();
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        work.SetResult(1);
    }

    [Fact]
    public async Task A_synchronous_call_can_be_abandoned_too()
    {
        var pipeline = new PipelineBuilder("t", _clock).Timeout(new TimeoutOptions { Limit = Limit, AbandonAfter = TimeSpan.Zero }).Build();
        using var release = new ManualResetEventSlim();
        var ended = new TaskCompletionSource<Exception?>();
        var caller = new Thread(() => ended.SetResult(Record.Exception(() => pipeline.Execute(_ =>
        {
            release.Wait(CancellationToken.None);
            return 1;
        }))));
        caller.Start();
        await _clock.WhenArmed(2);
        _clock.Advance(Limit);
        Assert.True(Assert.IsType<TimeoutExceededException>(await ended.Task).Abandoned);
        release.Set();
    }

    [Fact]
    public async Task A_deadline_reaches_inner_pipelines_and_is_gone_afterwards()
    {
        var inner = new PipelineBuilder("inner", _clock).Add(new Remaining()).Build();
        var outer = new PipelineBuilder("outer", _clock).Deadline(TimeSpan.FromSeconds(10)).Build();
        var left = await outer.ExecuteAsync(async token =>
        {
            await Task.Yield();
            _clock.Advance(TimeSpan.FromSeconds(4));
            return await inner.ExecuteAsync(_ => new ValueTask<TimeSpan?>(result: null), token);
        });
        Assert.Equal(TimeSpan.FromSeconds(6), left);
        Assert.Null(await inner.ExecuteAsync(_ => new ValueTask<TimeSpan?>(result: null)));
    }

    [Fact]
    public async Task A_deadline_of_the_call_ends_it()
    {
        var pipeline = new PipelineBuilder("t", _clock).Retry(9, Backoff.Constant(TimeSpan.FromSeconds(1))).Build();
        var call = pipeline.TryExecuteAsync((_, attempt) => Hangs(attempt.Token), 0, new RecoveryContext { Deadline = Limit }).AsTask();
        _clock.Advance(Limit);
        var outcome = await call;
        Assert.Equal(FaultKind.DeadlineExceeded, outcome.Classification!.Kind);
    }

    private static async ValueTask<int> Hangs(CancellationToken token)
    {
        var never = new TaskCompletionSource<int>();
        using var registration = token.Register(() => never.TrySetCanceled(token));
        return await never.Task;
    }

    private static async Task Fired(CancellationToken token)
    {
        var fired = new TaskCompletionSource();
        using var registration = token.Register(() => fired.TrySetResult());
        await fired.Task;
    }

    private sealed class Remaining() : Strategy("remaining")
    {
        public override Step Enter(Call call, ref Frame frame)
        {
            ((Call<TimeSpan?>)call).SetResult(call.Remaining);
            return Step.Return;
        }

        public override Step Exit(Call call, ref Frame frame) => Step.Next;
    }
}
