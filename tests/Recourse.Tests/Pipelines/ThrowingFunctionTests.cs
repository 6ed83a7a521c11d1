using Microsoft.Extensions.Logging;

namespace Recourse.Tests;

/// <summary>What functions and observers of the program throw: logged, and without any effect on the outcome, for each strategy.</summary>
public class ThrowingFunctionTests
{
    private readonly ManualClock _clock = new();
    private readonly Lines _log = new();

    [Fact]
    public async Task T04_An_exception_rule_that_throws_makes_the_attempt_neutral_for_every_strategy()
    {
        var breaker = new CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 1 }, _clock);
        var script = Script.FailsTimes(9);
        var pipeline = Logged().Classify(rules => rules.ForException<System.Net.Sockets.SocketException>(
                FaultKind.Timeout, _ => throw new InvalidOperationException("broken rule")))
            .Fallback(7).Retry(NoWait()).CircuitBreaker(breaker).Build();
        var outcome = await pipeline.TryExecuteAsync(script.Run);
        Assert.IsType<System.Net.Sockets.SocketException>(outcome.Exception);
        Assert.Null(outcome.Classification);
        Assert.Equal(1, script.Count);
        Assert.Equal((CircuitState.Closed, 0), (breaker.State, breaker.Statistics.Failures));
        Assert.Contains(_log.Seen, line => line.Contains("'classifier' threw") && line.Contains("broken rule"));
    }

    [Fact]
    public async Task A_result_rule_that_throws_makes_the_result_neutral_and_the_caller_gets_it()
    {
        var breaker = new CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 1, PermittedProbes = 1 }, _clock);
        var pipeline = Logged().Classify(rules => rules.AddResultRule<int>(_ => throw new InvalidOperationException("broken rule")))
            .Retry(NoWait()).CircuitBreaker(breaker).Build();
        breaker.Trip(TimeSpan.FromSeconds(1));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(42, await pipeline.ExecuteAsync(Script.FailsTimes(0).Run));
        Assert.Equal((CircuitState.HalfOpen, 0, 0), (breaker.State, breaker.Statistics.ProbesInFlight, breaker.Statistics.ProbeSuccesses));
        Assert.Contains(_log.Seen, line => line.Contains("broken rule"));
    }

    [Fact]
    public async Task Retry_predicates_and_delays_that_throw_leave_the_rules_to_decide()
    {
        var script = Script.FailsTimes(9);
        var pipeline = Logged().Retry(NoWait() with
        {
            ShouldRetry = _ => throw new InvalidOperationException("broken predicate"),
            Delay = _ => throw new InvalidOperationException("broken delay"),
            OnRetry = _ => throw new InvalidOperationException("broken OnRetry"),
            OnGivingUp = _ => throw new InvalidOperationException("broken OnGivingUp"),
        }).Build();
        var outcome = await pipeline.TryExecuteAsync(script.Run);
        Assert.IsType<System.Net.Sockets.SocketException>(outcome.Exception);
        Assert.Equal(3, script.Count);
        foreach (var broken in new[] { "predicate", "delay", "OnRetry", "OnGivingUp" })
            Assert.Contains(_log.Seen, line => line.Contains($"broken {broken}"));
    }

    [Fact]
    public async Task A_backoff_function_that_throws_is_logged_and_the_caller_gets_the_real_failure()
    {
        var script = Script.FailsTimes(9);
        var pipeline = Logged().Retry(new RetryOptions
        {
            MaxAttempts = 3,
            Backoff = Backoff.Custom(_ => throw new InvalidOperationException("broken backoff"), TimeSpan.FromSeconds(1)),
        }).Build();
        var call = pipeline.TryExecuteAsync(script.Run);
        while (_clock.AdvanceToNextTimer())
        {
        }

        Assert.IsType<System.Net.Sockets.SocketException>((await call).Exception);
        Assert.Equal(3, script.Count);
        Assert.Contains(_log.Seen, line => line.Contains("broken backoff"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_fallback_that_throws_leaves_the_first_failure_and_is_not_counted_as_an_answer(bool later)
    {
        var pipeline = Logged().Fallback(new FallbackOptions<int>
        {
            Function = async (_, _) =>
            {
                if (later) await Task.Yield();
                throw new InvalidOperationException("broken fallback");
            },
            OnFallback = _ => throw new InvalidOperationException("broken OnFallback"),
        }).Build();
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(async () => await pipeline.ExecuteAsync(Script.FailsTimes(9).Run));
        Assert.Equal(0, pipeline.Statistics.Fallbacks);
        Assert.Contains(_log.Seen, line => line.Contains("broken fallback"));
        Assert.Contains(_log.Seen, line => line.Contains("broken OnFallback"));
    }

    [Fact]
    public async Task T08_An_observer_of_a_breaker_that_throws_is_logged_by_the_pipeline()
    {
        var pipeline = Logged().CircuitBreaker(new CircuitBreakerOptions
        {
            Name = "orders",
            FailureThreshold = 1,
            OnTransition = _ => throw new InvalidOperationException("broken OnTransition"),
        }).Build();
        var outcome = await pipeline.TryExecuteAsync(Script.FailsTimes(9).Run);
        Assert.IsType<System.Net.Sockets.SocketException>(outcome.Exception);
        Assert.Equal(CircuitState.Open, pipeline.CircuitBreakers.Single().State);
        Assert.Contains(_log.Seen, line => line.Contains("orders") && line.Contains("Closed to Open (ConsecutiveFailures)"));
        Assert.Contains(_log.Seen, line => line.Contains("broken OnTransition"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task T08_An_observer_of_a_timeout_that_throws_changes_nothing(bool abandons)
    {
        var pipeline = Logged().Timeout(new TimeoutOptions
        {
            Limit = TimeSpan.FromSeconds(1),
            AbandonAfter = abandons ? TimeSpan.Zero : null,
            OnTimeout = _ => throw new InvalidOperationException("broken OnTimeout"),
        }).Build();
        var never = new TaskCompletionSource<int>();
        var call = pipeline.TryExecuteAsync(async token => await never.Task.WaitAsync(abandons ? default : token));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.IsType<TimeoutExceededException>((await call).Exception);
        Assert.Contains(_log.Seen, line => line.Contains("broken OnTimeout"));
        never.SetResult(1);
    }

    [Fact]
    public void A_rule_that_throws_outside_a_pipeline_is_reported_and_people_get_the_verdict_of_the_others()
    {
        var thrown = new InvalidOperationException("broken rule");
        var classifier = new FaultClassifier(rules => rules.ForException<TimeoutException>(FaultKind.PoisonMessage, _ => throw thrown));
        var seen = new List<Exception>();
        void Note(Exception exception)
        {
            if (exception == thrown) seen.Add(exception);
        }

        RecourseDiagnostics.ObserverFailed += Note;
        try
        {
            Assert.Equal(Verdict.Neutral, classifier.Judge(new TimeoutException()));
            Assert.Equal(FaultKind.Timeout, classifier.Classify(new TimeoutException()).Kind);
        }
        finally
        {
            RecourseDiagnostics.ObserverFailed -= Note;
        }

        Assert.Equal([thrown, thrown], seen);
    }

    private PipelineBuilder Logged() => new PipelineBuilder("t", _clock).Log(_log);

    private static RetryOptions NoWait() => new() { MaxAttempts = 3, Backoff = Backoff.Constant(TimeSpan.Zero) };

    private sealed class Lines : ILogger
    {
        internal List<string> Seen { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Seen.Add($"{formatter(state, exception)} {exception?.Message}");
    }
}
