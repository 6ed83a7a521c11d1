using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace Recourse.Benchmarks;

/// <summary>What is not a success: refusals, retries; and what it costs to have many of them, or many threads.</summary>
internal static class Failures
{
    internal static void Compare(Quick quick)
    {
        Rejection(quick);
        FourAttempts(quick);
        TwoThreads(quick);
        quick.Compare(
            "build of timeout > retry > breaker", 0.10, 200,
            static n => { for (var i = 0; i < n; i++) GC.KeepAlive(Pair.OursThree()); },
            static n => { for (var i = 0; i < n; i++) GC.KeepAlive(Pair.TheirsThree()); },
            rounds: 60);
        var (ours, theirs) = (Retained(static () => new PipelineBuilder().CircuitBreaker().Build()), Retained(static () => TheirBreaker()));
        quick.Row("memory of one breaker in a pipeline", $"{ours:0} B", $"{theirs:0} B", ours / theirs, 0.25);
        ours = Retained(static () => new PipelineBuilder().CircuitBreaker(Pair.TimeWindow).Build());
        quick.Row("memory of one breaker, time window", $"{ours:0} B", $"{theirs:0} B", ours / theirs, 0.25);
    }

    internal static Pipeline OursOpen()
    {
        var breaker = new CircuitBreaker();
        breaker.Isolate();
        return new PipelineBuilder().CircuitBreaker(breaker).Build();
    }

    internal static ResiliencePipeline TheirsOpen()
    {
        var control = new CircuitBreakerManualControl(isIsolated: true);
        return new ResiliencePipelineBuilder().AddCircuitBreaker(new CircuitBreakerStrategyOptions { ManualControl = control }).Build();
    }

    internal static Pipeline OursFour() => new PipelineBuilder().Retry(new RetryOptions
    {
        MaxAttempts = 4,
        Backoff = Backoff.Constant(TimeSpan.Zero),
        UnlimitedBudget = true,
        Repeatable = true,
    }).Build();

    internal static ResiliencePipeline TheirsFour() =>
        new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions { MaxRetryAttempts = 3, Delay = TimeSpan.Zero }).Build();

    private static void Rejection(Quick quick)
    {
        var (ours, theirs) = (OursOpen(), TheirsOpen());
        quick.Compare(
            "open breaker, rejection as an outcome", 0.25, 2_000,
            n =>
            {
                for (var i = 0; i < n; i++)
                {
                    if (ours.TryExecuteAsync(static (state, _) =>
                        new ValueTask<string>(state), "x").Result.IsSuccess) throw new InvalidOperationException();
                }
            },
            n =>
            {
                var context = ResilienceContextPool.Shared.Get();
                for (var i = 0; i < n; i++)
                {
                    var outcome = theirs.ExecuteOutcomeAsync(static (_, state) =>
                        new ValueTask<Polly.Outcome<string>>(Polly.Outcome.FromResult(state)), context, "x").Result;
                    if (outcome.Exception is null) throw new InvalidOperationException();
                }

                ResilienceContextPool.Shared.Return(context);
            });
        quick.Compare(
            "open breaker, rejection thrown", null, 100,
            n => { for (var i = 0; i < n; i++) Caught(() => ours.ExecuteAsync(static (state, _) => new ValueTask<string>(state), "x")); },
            n => { for (var i = 0; i < n; i++) Caught(() => theirs.ExecuteAsync(static (state, _) => new ValueTask<string>(state), "x")); },
            rounds: 60);
    }

    private static void FourAttempts(Quick quick)
    {
        var (ours, theirs) = (OursFour(), TheirsFour());
        quick.Compare(
            "four attempts, thrown by a plain function", 0.75, 50,
            n => { for (var i = 0; i < n; i++) Caught(() => ours.ExecuteAsync(static (_, _) => Fail(), 1)); },
            n => { for (var i = 0; i < n; i++) Caught(() => theirs.ExecuteAsync(static (_, _) => Fail(), 1)); },
            rounds: 60);
        quick.Compare(
            "four attempts, thrown by an async method", 0.75, 50,
            n => { for (var i = 0; i < n; i++) Caught(() => ours.ExecuteAsync(static (_, _) => FailAsync(), 1)); },
            n => { for (var i = 0; i < n; i++) Caught(() => theirs.ExecuteAsync(static (_, _) => FailAsync(), 1)); },
            rounds: 60);
        quick.Compare(
            "four attempts, async method, outcome (ours) / thrown (Polly)", 0.75, 50,
            n =>
            {
                for (var i = 0; i < n; i++)
                {
                    if (ours.TryExecuteAsync(static (_, _) => FailAsync(), 1).Result.IsSuccess) throw new InvalidOperationException();
                }
            },
            n => { for (var i = 0; i < n; i++) Caught(() => theirs.ExecuteAsync(static (_, _) => FailAsync(), 1)); },
            rounds: 60);
    }

    private static void TwoThreads(Quick quick)
    {
        var (ours, theirs) = (new PipelineBuilder().CircuitBreaker().Build(), TheirBreaker());
        quick.Compare("2 threads through one breaker", 0.30, 20_000, n => Twice(() => Loops.Ours(ours, n)), n => Twice(() =>
            Loops.Theirs(theirs, n)), rounds: 60);
    }

    private static ResiliencePipeline TheirBreaker() =>
        new ResiliencePipelineBuilder().AddCircuitBreaker(new CircuitBreakerStrategyOptions()).Build();

    private static void Twice(Action work)
    {
        var other = new Thread(() => work());
        other.Start();
        work();
        other.Join();
    }

    private static double Retained(Func<object> make)
    {
        const int count = 2_000;
        var kept = new object[count];
        make();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < count; i++) kept[i] = make();
        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)count;
        GC.KeepAlive(kept);
        return bytes;
    }

    private static ValueTask<int> Fail() => throw new TimeoutException();

    private static async ValueTask<int> FailAsync()
    {
        await Task.CompletedTask;
        throw new TimeoutException();
    }

    private static void Caught<T>(Func<ValueTask<T>> call)
    {
        try
        {
            _ = call().GetAwaiter().GetResult();
        }
        catch (Exception)
        {
            return;
        }

        throw new InvalidOperationException("The call was meant to fail.");
    }
}
