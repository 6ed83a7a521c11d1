using System.Diagnostics.CodeAnalysis;
using System.Threading.RateLimiting;
using Polly;

namespace Recourse.Benchmarks;

/// <summary>
/// The outermost layer of Microsoft's standard handler: at most so many calls at once and none in a queue. Polly.RateLimiting is not among
/// the packages; this does what its strategy does.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A limiter without a queue holds nothing to dispose of, and a strategy cannot be.")]
internal sealed class LimiterStrategy(int permits) : ResilienceStrategy
{
    private readonly ConcurrencyLimiter _limiter = new(new ConcurrencyLimiterOptions { PermitLimit = permits, QueueLimit = 0 });

    protected override async ValueTask<Polly.Outcome<TResult>> ExecuteCore<TResult, TState>(
        Func<ResilienceContext, TState, ValueTask<Polly.Outcome<TResult>>> callback, ResilienceContext context, TState state)
    {
        using var lease = await _limiter.AcquireAsync(1, context.CancellationToken).ConfigureAwait(context.ContinueOnCapturedContext);
        return lease.IsAcquired
            ? await callback(context, state).ConfigureAwait(context.ContinueOnCapturedContext)
            : Polly.Outcome.FromException<TResult>(new InvalidOperationException("full"));
    }
}

/// <summary>Polly asks for options with every strategy; these say nothing.</summary>
internal sealed class LimiterOptions : ResilienceStrategyOptions;
