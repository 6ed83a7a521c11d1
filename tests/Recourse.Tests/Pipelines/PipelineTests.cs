using System.Net.Sockets;

namespace Recourse.Tests;

public class PipelineTests
{
    private static readonly AsyncLocal<string?> Ambient = new();

    [Fact]
    public async Task Strategies_run_in_the_order_in_which_they_were_added()
    {
        var log = new List<string>();
        var pipeline = new PipelineBuilder().Add(new Recorder("a", log)).Add(new Recorder("b", log)).Build();
        var result = await pipeline.ExecuteAsync(_ =>
            { log.Add("call"); return new ValueTask<int>(1); }, TestContext.Current.CancellationToken);
        Assert.Equal(1, result);
        Assert.Equal(["a in", "b in", "call", "b out", "a out"], log);
    }

    [Fact]
    public async Task An_outcome_set_on_the_way_in_travels_outward_only()
    {
        var log = new List<string>();
        var pipeline = new PipelineBuilder().Add(new Recorder("a", log)).Add(new Answer(7)).Add(new Recorder("c", log)).Build();
        Assert.Equal(7, await pipeline.ExecuteAsync(_ => new ValueTask<int>(1), TestContext.Current.CancellationToken));
        Assert.Equal(["a in", "a out"], log);
    }

    [Fact]
    public async Task The_result_of_a_call_that_suspends_comes_back()
    {
        var source = new TaskCompletionSource<int>();
        var log = new List<string>();
        var pipeline = new PipelineBuilder().Add(new Recorder("a", log)).Build();
        var call = pipeline.ExecuteAsync(static (source, _) =>
            new ValueTask<int>(source.Task), source, TestContext.Current.CancellationToken);
        Assert.False(call.IsCompleted);
        Assert.Equal(["a in"], log);
        source.SetResult(5);
        Assert.Equal(5, await call);
        Assert.Equal(["a in", "a out"], log);
    }

    [Fact]
    public async Task A_pooled_result_that_is_awaited_twice_is_refused()
    {
        var source = new TaskCompletionSource<int>();
        var pipeline = Passing();
        var call = pipeline.ExecuteAsync(static (source, _) =>
            new ValueTask<int>(source.Task), source, TestContext.Current.CancellationToken);
        var copy = call;
        source.SetResult(5);
        await call;
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await copy);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_exception_of_the_call_reaches_the_caller_with_its_stack(bool later)
    {
        var failure = await Assert.ThrowsAsync<InvalidTimeZoneException>(async () => await Passing().ExecuteAsync(_ => Deep(later)));
        Assert.Contains(nameof(Deep), failure.StackTrace);
    }

    [Fact]
    public async Task The_exception_of_a_failed_task_is_the_same_object_and_keeps_a_cancellations_cause()
    {
        var cause = new TimeoutException("inner");
        var cancelled = new TaskCanceledException("outer", cause);
        var outcome = await Passing().TryExecuteAsync(async _ =>
        {
            await Task.Yield();
            return cancelled is null ? 1 : throw cancelled;
        });
        Assert.Same(cancelled, outcome.Exception);
        Assert.Same(cause, outcome.Exception!.InnerException);
    }

    [Fact]
    public async Task Try_returns_failures_as_values()
    {
        var outcome = await Passing().TryExecuteAsync(_ => Script.FailsTimes(9).Run(default), TestContext.Current.CancellationToken);
        Assert.False(outcome.IsSuccess);
        Assert.False(outcome.HasValue);
        Assert.Equal(FaultKind.ConnectionRefused, outcome.Classification!.Kind);
        Assert.Throws<SocketException>(() => outcome.Value);
        Assert.Equal(3, outcome.ValueOr(3));
    }

    [Fact]
    public async Task The_empty_pipeline_changes_nothing_not_even_how_a_call_throws()
    {
        Assert.Equal(4, await Pipeline.Empty.ExecuteAsync(_ => new ValueTask<int>(4), TestContext.Current.CancellationToken));
        var call = Pipeline.Empty.ExecuteAsync<int>(_ => throw new InvalidTimeZoneException());
        Assert.True(call.IsFaulted);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(async () => await call);
        Assert.Equal(FaultKind.ConnectionRefused, (await Pipeline.Empty.TryExecuteAsync(Script.FailsTimes(1).Run)).Classification!.Kind);
    }

    [Fact]
    public async Task Calls_without_a_result_run_and_fail_alike()
    {
        var ran = 0;
        await Passing().ExecuteAsync(_ => { ran++; return default; }, TestContext.Current.CancellationToken);
        await Passing().ExecuteAsync(async _ => { await Task.Yield(); ran++; }, TestContext.Current.CancellationToken);
        Assert.Equal(2, ran);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(async () => await Passing().ExecuteAsync(_ =>
            throw new InvalidTimeZoneException()));
        await Assert.ThrowsAsync<InvalidTimeZoneException>(
            async () => await Passing().ExecuteAsync(async _ => { await Task.Yield(); throw new InvalidTimeZoneException(); }));
    }

    [Fact]
    public void A_synchronous_call_runs_on_the_thread_of_its_caller()
    {
        var thread = 0;
        Assert.Equal(3, Passing().Execute(_ =>
            { thread = Environment.CurrentManagedThreadId; return 3; }, TestContext.Current.CancellationToken));
        Assert.Equal(Environment.CurrentManagedThreadId, thread);
        Assert.Throws<InvalidTimeZoneException>(() => Passing().Execute<int>(_ => throw new InvalidTimeZoneException()));
        var outcome = Passing().TryExecute<int, int>((_, _) => throw new TimeoutException(), 0, TestContext.Current.CancellationToken);
        Assert.Equal(FaultKind.Timeout, outcome.Classification!.Kind);
    }

    [Fact]
    public async Task What_a_strategy_throws_becomes_the_outcome_and_the_outer_ones_see_it()
    {
        var log = new List<string>();
        var pipeline = new PipelineBuilder().Add(new Recorder("a", log)).Add(new Throws()).Build();
        await Assert.ThrowsAsync<InvalidTimeZoneException>(async () => await pipeline.ExecuteAsync(_ => new ValueTask<int>(1)));
        Assert.Equal(["a in", "a out"], log);
    }

    [Fact]
    public async Task The_execution_context_of_the_caller_is_there_after_a_suspension_and_does_not_leak_into_who_completes()
    {
        var first = new TaskCompletionSource<int>();
        var seen = new List<string?>();
        var pipeline = new PipelineBuilder().Retry(new RetryOptions { MaxAttempts = 2, Backoff = Backoff.Constant(TimeSpan.Zero) }).Build();
        Ambient.Value = "caller";
        var runs = 0;
        var call = pipeline.ExecuteAsync(
            _ =>
            {
                seen.Add(Ambient.Value);
                return ++runs == 1 ? new ValueTask<int>(first.Task) : new ValueTask<int>(1);
            },
            TestContext.Current.CancellationToken);
        string? after = null;
        var completer = new Thread(() =>
        {
            Ambient.Value = "completer";
            first.SetException(Script.Refused());
            after = Ambient.Value;
        });
        completer.Start();
        completer.Join();
        Assert.Equal(1, await call);
        Assert.Equal(["caller", "caller"], seen);
        Assert.Equal("completer", after);
    }

    [Fact]
    public async Task A_strategy_of_somebody_else_can_wait_and_go_on()
    {
        var clock = new ManualClock();
        var pipeline = new PipelineBuilder("waits", clock).Add(new WaitsBefore(TimeSpan.FromSeconds(1))).Build();
        var call = pipeline.ExecuteAsync(_ => new ValueTask<int>(8), TestContext.Current.CancellationToken);
        Assert.False(call.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(8, await call);
    }

    [Fact]
    public async Task A_wake_that_comes_before_the_strategy_has_answered_is_not_lost()
    {
        var pipeline = new PipelineBuilder().Add(new WakesAtOnce()).Build();
        Assert.Equal(8, await pipeline.ExecuteAsync(_ => new ValueTask<int>(8), TestContext.Current.CancellationToken));
        Assert.Equal(8, pipeline.Execute(_ => 8, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_context_reaches_the_operation_with_the_number_of_the_attempt()
    {
        var pipeline = new PipelineBuilder().Retry(new RetryOptions { Backoff = Backoff.Constant(TimeSpan.Zero) }).Build();
        var context = new RecoveryContext { Operation = "charge", CorrelationId = "c1" };
        var seen = new List<CallAttempt>();
        await pipeline.ExecuteAsync(
            (list, attempt) =>
            {
                list.Add(attempt);
                return list.Count < 3 ? throw Script.Refused() : new ValueTask<int>(1);
            },
            seen,
            context,
            TestContext.Current.CancellationToken);
        Assert.Equal([1, 2, 3], seen.Select(attempt => attempt.Number));
        Assert.All(seen, attempt => Assert.Same(context, attempt.Context));
    }

    [Fact]
    public async Task Many_calls_at_once_get_their_own_results()
    {
        var pipeline = new PipelineBuilder().Timeout(TimeSpan.FromSeconds(30)).Retry().CircuitBreaker().Build();
        var calls = Enumerable.Range(0, 200).Select(i => pipeline.ExecuteAsync(
            static async (i, token) =>
            {
                for (var turn = 0; turn < i % 5; turn++) await Task.Yield();
                return i;
            },
            i,
            TestContext.Current.CancellationToken).AsTask());
        Assert.Equal(Enumerable.Range(0, 200), await Task.WhenAll(calls));
    }

    [Fact]
    public void A_pipeline_describes_itself()
    {
        var pipeline = new PipelineBuilder("orders").Timeout(TimeSpan.FromSeconds(30)).Retry(3).Build();
        Assert.Equal(
            """
            orders:
              timeout: 30 s
                retry: up to 3 attempts, backoff by the fault
            """.ReplaceLineEndings("\n"),
            pipeline.Describe());
    }

    private static Pipeline Passing() => new PipelineBuilder().Add(new Recorder("p", [])).Build();

    private static async ValueTask<int> Deep(bool later)
    {
        if (later) await Task.Yield();
        throw new InvalidTimeZoneException();
    }

    private sealed class Recorder(string name, List<string> log) : Strategy(name)
    {
        public override Step Enter(Call call, ref Frame frame)
        {
            log.Add($"{Name} in");
            return Step.Next;
        }

        public override Step Exit(Call call, ref Frame frame)
        {
            log.Add($"{Name} out");
            return Step.Next;
        }
    }

    private sealed class Answer(int value) : Strategy("answer")
    {
        public override Step Enter(Call call, ref Frame frame)
        {
            ((Call<int>)call).SetResult(value);
            return Step.Return;
        }

        public override Step Exit(Call call, ref Frame frame) => throw new InvalidOperationException("Exit after Return.");
    }

    private sealed class Throws() : Strategy("throws")
    {
        public override Step Enter(Call call, ref Frame frame) => throw new InvalidTimeZoneException();

        public override Step Exit(Call call, ref Frame frame) => Step.Next;
    }

    private sealed class WaitsBefore(TimeSpan delay) : Strategy("waits")
    {
        public override Step Enter(Call call, ref Frame frame)
        {
            call.WakeAfter(delay);
            return Step.Pending;
        }

        public override Step Exit(Call call, ref Frame frame) => Step.Next;

        public override Step Resume(Call call, ref Frame frame) => Step.Next;
    }

    private sealed class WakesAtOnce() : Strategy("wakes")
    {
        public override Step Enter(Call call, ref Frame frame)
        {
            call.Wake();
            return Step.Pending;
        }

        public override Step Exit(Call call, ref Frame frame)
        {
            if (frame.Number++ == 1) return Step.Next;
            call.WakeLater();
            return Step.Pending;
        }

        public override Step Resume(Call call, ref Frame frame) => Step.Next;
    }
}
