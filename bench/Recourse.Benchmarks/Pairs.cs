using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace Recourse.Benchmarks;

/// <summary>
/// The same protection twice: ours and Polly's, built as each recommends and with the defaults of each where they mean the same.
/// </summary>
internal sealed record Pair(string Name, Pipeline Ours, ResiliencePipeline Theirs, double? Target)
{
    private static readonly TimeSpan Total = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Attempt = TimeSpan.FromSeconds(10);

    internal static Pair Empty { get; } = new("empty", new PipelineBuilder().Build(), ResiliencePipeline.Empty, 0.40);

    internal static Pair[] All() =>
    [
        Empty,
        new("retry", new PipelineBuilder().Retry().Build(), Builder().AddRetry(new RetryStrategyOptions()).Build(), 0.30),
        new("breaker (consecutive)", new PipelineBuilder().CircuitBreaker().Build(),
            Builder().AddCircuitBreaker(new CircuitBreakerStrategyOptions()).Build(), 0.30),
        new("breaker (time window)", new PipelineBuilder().CircuitBreaker(TimeWindow).Build(),
            Builder().AddCircuitBreaker(new CircuitBreakerStrategyOptions()).Build(), 0.30),
        new("timeout", new PipelineBuilder().Timeout(Attempt).Build(), Builder().AddTimeout(Attempt).Build(), 0.35),
        new("bulkhead", new PipelineBuilder().Bulkhead(Wide).Build(), Builder().AddStrategy(_ =>
            new LimiterStrategy(1000), new LimiterOptions()).Build(), 0.30),
        new("fallback", new PipelineBuilder().Fallback("other").Build(), TheirFallback(), null),
        new("retry > breaker", new PipelineBuilder().Retry().CircuitBreaker().Build(),
            Builder().AddRetry(new RetryStrategyOptions()).AddCircuitBreaker(new CircuitBreakerStrategyOptions()).Build(), 0.25),
        new("timeout > retry > breaker", OursThree(), TheirsThree(), 0.35),
        new("standard five", OursFive(), TheirsFive(), 0.35),
    ];

    internal static CircuitBreakerOptions TimeWindow { get; } = new()
    {
        Mode = CircuitMode.TimeWindow,
        FailureRate = 0.1,
        MinimumThroughput = 100
    };

    internal static BulkheadOptions Wide { get; } = new() { MaxConcurrent = 1000 };

    internal static Pipeline OursThree() => new PipelineBuilder().Timeout(Total).Retry().CircuitBreaker().Build();

    internal static ResiliencePipeline TheirsThree() =>
        Builder().AddTimeout(Total).AddRetry(new RetryStrategyOptions()).AddCircuitBreaker(new CircuitBreakerStrategyOptions()).Build();

    internal static ResiliencePipelineBuilder Builder() => new();

    private static Pipeline OursFive() =>
        new PipelineBuilder().Bulkhead(Wide).Timeout(Total).Retry().CircuitBreaker(TimeWindow).Timeout(Attempt).Build();

    private static ResiliencePipeline TheirsFive() => Builder()
        .AddStrategy(_ => new LimiterStrategy(1000), new LimiterOptions()).AddTimeout(Total).AddRetry(new RetryStrategyOptions())
        .AddCircuitBreaker(new CircuitBreakerStrategyOptions()).AddTimeout(Attempt).Build();

    // Polly's fallback exists only in typed pipelines; a strategy of the same shape stands in for it in an untyped one.
    private static ResiliencePipeline TheirFallback() => Builder().AddStrategy(_ => new NothingHandled(), new LimiterOptions()).Build();

    private sealed class NothingHandled : ResilienceStrategy
    {
        protected override async ValueTask<Polly.Outcome<TResult>> ExecuteCore<TResult, TState>(
            Func<ResilienceContext, TState, ValueTask<Polly.Outcome<TResult>>> callback, ResilienceContext context, TState state)
        {
            var outcome = await callback(context, state).ConfigureAwait(context.ContinueOnCapturedContext);
            return outcome.Exception is null ? outcome : Polly.Outcome.FromResult(default(TResult)!);
        }
    }
}
