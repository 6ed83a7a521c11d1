using System.Net;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace Recourse.Benchmarks.Outage;

/// <summary>A way to protect the calls of one client; true when the call brought a good answer.</summary>
internal delegate Task<bool> ProtectedCall(OutageService service);

/// <summary>One of those compared.</summary>
/// <param name="Name">As in the tables.</param>
/// <param name="Client">Makes the protection of one client. The numbers are for jitter, where it is not drawn from the thread's.</param>
internal sealed record OutageContender(string Name, Func<TimeProvider, Random, ProtectedCall> Client)
{
    private static readonly RecoveryContext Repeatable = new() { Repeatable = true };

    private static readonly FaultClassifier Statuses = new(rules => rules.AddResultRule<Reply>(static reply =>
        reply.Status >= 400 ? Verdict.Failure(FaultClassifier.Default.ClassifyHttp(reply.Status)) : null));

    internal static OutageContender Bare { get; } = new("no protection but a timeout of 10 s", (clock, _) =>
        Ours(new PipelineBuilder("bare", clock).Timeout(TimeSpan.FromSeconds(10))));

    internal static OutageContender PollyStandard { get; } = new("Polly standard",
        static (clock, random) => Theirs(PollyLayers(clock, random)));

    internal static OutageContender Standard { get; } = new("Recourse `Standard`", static (clock, _) =>
        Ours(Pipelines.Standard("standard", clock)));

    internal static OutageContender HttpClient { get; } = new("Recourse `HttpClient`", static (clock, _) =>
        Ours(Pipelines.HttpClient("http", clock)));

    internal static OutageContender[] All { get; } = [Bare, PollyStandard, Standard, HttpClient];

    private static ProtectedCall Ours(PipelineBuilder builder)
    {
        var pipeline = builder.Classify(Statuses).Build();
        return async service =>
        {
            var outcome = await pipeline.TryExecuteAsync(
                static (service, attempt) => new ValueTask<Reply>(service.CallAsync(attempt.Token)), service,
                Repeatable).ConfigureAwait(false);
            return outcome.IsSuccess;
        };
    }

    private static ProtectedCall Theirs(ResiliencePipeline<Reply> pipeline) => async service =>
    {
        var context = ResilienceContextPool.Shared.Get();
        var outcome = await pipeline.ExecuteOutcomeAsync(static (context, service) => AskAsync(service, context.CancellationToken), context,
            service).ConfigureAwait(false);
        ResilienceContextPool.Shared.Return(context);
        return outcome.Exception is null && outcome.Result is { Status: < 400 };
    };

    private static async ValueTask<Polly.Outcome<Reply>> AskAsync(OutageService service, CancellationToken token)
    {
        var call = service.CallAsync(token);
        await ((Task)call).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return call.IsFaulted
            ? Polly.Outcome.FromException<Reply>(call.Exception!.InnerExceptions[0])
            : Polly.Outcome.FromResult(await call.ConfigureAwait(false));
    }

    // AddStandardResilienceHandler of Microsoft.Extensions.Http.Resilience, layer by layer, with its defaults and its predicate.
    private static ResiliencePipeline<Reply> PollyLayers(TimeProvider clock, Random random)
    {
        var retry = new RetryStrategyOptions<Reply>
        {
            MaxRetryAttempts = 3,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromSeconds(2),
            UseJitter = true,
            ShouldHandle = static arguments => new ValueTask<bool>(IsTransient(arguments.Outcome)),
            Randomizer = random.NextDouble,
        };
        var breaker = new CircuitBreakerStrategyOptions<Reply>
        {
            FailureRatio = 0.1,
            MinimumThroughput = 100,
            SamplingDuration = TimeSpan.FromSeconds(30),
            BreakDuration = TimeSpan.FromSeconds(5),
            ShouldHandle = static arguments => new ValueTask<bool>(IsTransient(arguments.Outcome)),
        };
        return new ResiliencePipelineBuilder<Reply> { TimeProvider = clock }
            .AddStrategy(_ => new LimiterStrategy(1000), new LimiterOptions())
            .AddTimeout(TimeSpan.FromSeconds(30))
            .AddRetry(retry)
            .AddCircuitBreaker(breaker)
            .AddTimeout(TimeSpan.FromSeconds(10))
            .Build();
    }

    private static bool IsTransient(Polly.Outcome<Reply> outcome) => outcome switch
    {
        { Exception: HttpRequestException or TimeoutRejectedException } => true,
        { Result.Status: var status } => status >= (int)HttpStatusCode.InternalServerError || status is 408 or 429,
        _ => false,
    };
}
