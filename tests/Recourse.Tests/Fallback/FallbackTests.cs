using System.Net.Sockets;

namespace Recourse.Tests;

public class FallbackTests
{
    [Fact]
    public async Task A_value_answers_for_a_call_that_failed()
    {
        var pipeline = new PipelineBuilder().Fallback(7).Retry(new RetryOptions
        {
            MaxAttempts = 2,
            Backoff = Backoff.Constant(TimeSpan.Zero)
        }).Build();
        var script = Script.FailsTimes(9);
        Assert.Equal(7, await pipeline.ExecuteAsync(script.Run));
        Assert.Equal(2, script.Count);
        Assert.Equal(1, pipeline.Statistics.Fallbacks);
        Assert.Equal(42, await pipeline.ExecuteAsync(Script.FailsTimes(0).Run));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_function_gets_the_fault_and_answers(bool later)
    {
        FallbackQuestion asked = default;
        var pipeline = new PipelineBuilder().Fallback<int>(async (question, _) =>
        {
            asked = question;
            if (later) await Task.Yield();
            return 8;
        }).Build();
        Assert.Equal(8, await pipeline.ExecuteAsync(Script.FailsLater(9).Run));
        Assert.Equal(FaultKind.ConnectionRefused, asked.Classification.Kind);
        Assert.IsType<SocketException>(asked.Exception);
    }

    [Fact]
    public async Task An_open_circuit_is_answered_at_once()
    {
        var breaker = new CircuitBreaker();
        breaker.Isolate();
        var pipeline = new PipelineBuilder().Fallback<string>((question, _) =>
            new ValueTask<string>(question.Exception!.GetType().Name)).CircuitBreaker(breaker).Build();
        Assert.Equal(nameof(CircuitOpenException), await pipeline.ExecuteAsync(_ => new ValueTask<string>("never")));
    }

    [Fact]
    public async Task The_operation_chooses_its_answer_and_others_get_the_default()
    {
        var pipeline = new PipelineBuilder().Fallback(new FallbackOptions<int>
        {
            ByOperation = new Dictionary<string, Func<FallbackQuestion, CancellationToken, ValueTask<int>>>
            {
                ["api_call"] = (_, _) => new ValueTask<int>(1),
                ["notification"] = (_, _) => new ValueTask<int>(2),
            },
            Value = 3,
            HasValue = true,
        }).Build();
        foreach (var (operation, answer) in new[] { ("api_call", 1), ("notification", 2), ("other", 3) })
        {
            Assert.Equal(answer, await pipeline.ExecuteAsync<int, int>((_, _) =>
                throw Script.Refused(), 0, new RecoveryContext { Operation = operation }));
        }
    }

    [Fact]
    public async Task Only_the_kinds_that_are_named_are_answered_and_time_limits_can_be_left_out()
    {
        var some = new PipelineBuilder().Fallback(new FallbackOptions<int> { Value = 7, On = [FaultKind.ServiceUnavailable] }).Build();
        await Assert.ThrowsAsync<SocketException>(async () => await some.ExecuteAsync(Script.FailsTimes(1).Run));
        var inTime = new PipelineBuilder().Fallback(new FallbackOptions<int> { Value = 7, OnTimeout = false }).Build();
        await Assert.ThrowsAsync<TimeoutException>(async () => await inTime.ExecuteAsync(Script.FailsTimes(1, () =>
            new TimeoutException()).Run));
        Assert.Equal(7, await inTime.ExecuteAsync(Script.FailsTimes(1).Run));
    }

    [Fact]
    public async Task A_fallback_that_fails_leaves_the_first_failure()
    {
        var pipeline = new PipelineBuilder().Fallback<int>((_, _) => throw new InvalidTimeZoneException()).Build();
        await Assert.ThrowsAsync<SocketException>(async () => await pipeline.ExecuteAsync(Script.FailsTimes(1).Run));
    }

    [Fact]
    public async Task Calls_of_another_type_and_cancelled_callers_pass_through()
    {
        var pipeline = new PipelineBuilder().Fallback(7).Build();
        await Assert.ThrowsAsync<SocketException>(async () => await pipeline.ExecuteAsync<string>(_ => throw Script.Refused()));
        using var caller = new CancellationTokenSource();
        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await pipeline.ExecuteAsync<int>(token => ValueTask.FromCanceled<int>(token), caller.Token));
    }

    [Fact]
    public async Task Another_pipeline_answers()
    {
        var other = new PipelineBuilder("other").Retry(new RetryOptions
        {
            MaxAttempts = 3,
            Backoff = Backoff.Constant(TimeSpan.Zero)
        }).Build();
        var backup = Script.FailsTimes(1);
        var pipeline = new PipelineBuilder().Fallback<int>(other, backup.Run).Build();
        Assert.Equal(42, await pipeline.ExecuteAsync(Script.FailsTimes(9).Run));
        Assert.Equal(2, backup.Count);
    }

    [Fact]
    public void A_synchronous_call_refuses_an_answer_that_takes_time_instead_of_blocking_on_it()
    {
        var pipeline = new PipelineBuilder().Fallback<int>(async (_, _) => { await Task.Yield(); return 1; }).Build();
        var thrown = Assert.Throws<InvalidOperationException>(() => pipeline.Execute<int>(_ => throw Script.Refused()));
        Assert.Contains("synchronous", thrown.Message);
    }
}
