namespace Recourse.Tests;

public class RecoveryHistoryTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_exception_that_a_caller_catches_knows_every_attempt(bool later)
    {
        var script = later ? Script.FailsLater(9) : Script.FailsTimes(9);
        var pipeline = Retrying(3);
        var thrown = await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(async () => await pipeline.ExecuteAsync(script.Run));
        var attempts = RecoveryHistory.Of(thrown);
        Assert.Equal([1, 2, 3], attempts.Select(attempt => attempt.Number));
        Assert.All(attempts, attempt => Assert.Equal(FaultKind.ConnectionRefused, attempt.Classification.Kind));
        Assert.Same(thrown, attempts[^1].Exception);
    }

    [Fact]
    public async Task Calls_without_a_result_and_synchronous_ones_have_it_too()
    {
        var pipeline = Retrying(2);
        var first = await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(async () =>
            await pipeline.ExecuteAsync(_ => throw Script.Refused()));
        Assert.Equal(2, RecoveryHistory.Of(first).Count);
        var second = Assert.Throws<System.Net.Sockets.SocketException>(() =>
            pipeline.Execute<int, int>((_, _) => throw Script.Refused(), 0));
        Assert.Equal(2, RecoveryHistory.Of(second).Count);
        var outcome = await pipeline.TryExecuteAsync(Script.FailsTimes(9).Run);
        var third = Assert.Throws<System.Net.Sockets.SocketException>(() => outcome.Value);
        Assert.Equal(outcome.Attempts, RecoveryHistory.Of(third));
    }

    [Fact]
    public async Task It_is_found_through_an_exception_that_wraps_it_and_through_a_timeout()
    {
        var clock = new ManualClock();
        var pipeline = new PipelineBuilder("t", clock).Timeout(TimeSpan.FromSeconds(5))
            .Retry(new RetryOptions { MaxAttempts = 3, Backoff = Backoff.Constant(TimeSpan.FromSeconds(1)) }).Build();
        var runs = 0;
        var call = pipeline.ExecuteAsync(async token =>
        {
            if (++runs == 1) throw Script.Refused();
            await new TaskCompletionSource<int>().Task.WaitAsync(token);
            return 1;
        });
        clock.Advance(TimeSpan.FromSeconds(5));
        var late = await Assert.ThrowsAsync<TimeoutExceededException>(async () => await call);
        Assert.Equal(FaultKind.ConnectionRefused, RecoveryHistory.Of(late)[0].Classification.Kind);
        Assert.Equal(RecoveryHistory.Of(late), RecoveryHistory.Of(new InvalidOperationException("wrapped", late)));
    }

    [Fact]
    public async Task A_refusal_after_attempts_ends_with_the_last_real_failure_and_the_whole_history()
    {
        var breaker = new CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 2 });
        var pipeline = new PipelineBuilder().Retry(new RetryOptions { MaxAttempts = 5, Backoff = Backoff.Constant(TimeSpan.Zero) })
            .CircuitBreaker(breaker).Build();
        var thrown = await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(async () =>
            await pipeline.ExecuteAsync(Script.FailsTimes(9).Run));
        Assert.Equal(
            [FaultKind.ConnectionRefused, FaultKind.ConnectionRefused, FaultKind.CircuitOpen],
            RecoveryHistory.Of(thrown).Select(attempt => attempt.Classification.Kind));
        var refused = await Assert.ThrowsAsync<CircuitOpenException>(async () => await pipeline.ExecuteAsync(Script.FailsTimes(9).Run));
        Assert.Equal(FaultKind.CircuitOpen, RecoveryHistory.Of(refused).Single().Classification.Kind);
    }

    [Fact]
    public async Task The_attempts_of_an_inner_pipeline_are_found_by_the_exceptions_of_the_outer_ones()
    {
        var inner = Retrying(2);
        var script = Script.FailsTimes(9);
        var thrown = await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(async () =>
            await Retrying(3).ExecuteAsync(token => inner.ExecuteAsync(script.Run, token)));
        var outer = RecoveryHistory.Of(thrown);
        Assert.Equal(3, outer.Count);
        Assert.Equal(6, script.Count);
        Assert.Equal(2, RecoveryHistory.Of(outer[0].Exception!).Count);
    }

    [Fact]
    public void One_exception_object_that_many_threads_throw_speaks_for_one_of_their_calls()
    {
        var shared = Script.Refused();
        var (two, three) = (Retrying(2), Retrying(3));
        RaceThreads.Run(4, number =>
        {
            for (var round = 0; round < 200; round++)
            {
                var pipeline = number % 2 == 0 ? two : three;
                Assert.Same(shared, pipeline.TryExecute<int, int>((_, _) => throw shared, 0).Exception);
                Assert.ThrowsAny<Exception>(() => pipeline.Execute<int, int>((_, _) => throw shared, 0));
                Assert.InRange(RecoveryHistory.Of(shared).Count, 2, 3);
            }
        });
    }

    [Fact]
    public async Task An_exception_that_no_retry_saw_has_none_and_nothing_is_kept_for_it()
    {
        var thrown = await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(async () =>
            await new PipelineBuilder().CircuitBreaker().Build().ExecuteAsync(Script.FailsTimes(1).Run));
        Assert.Empty(RecoveryHistory.Of(thrown));
        Assert.Empty(RecoveryHistory.Of(new InvalidOperationException()));
    }

    private static Pipeline Retrying(int attempts) => new PipelineBuilder().Retry(
        new RetryOptions { MaxAttempts = attempts, Backoff = Backoff.Constant(TimeSpan.Zero), UnlimitedBudget = true }).Build();
}
