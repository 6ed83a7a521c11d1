namespace Recourse;

/// <summary>
/// Ready-made pipelines, as builders, so that more can be added (it goes inside) and a classifier, a logger or a clock can be given. Each
/// is ordered from outside to inside as its description says.
/// </summary>
public static class Pipelines
{
    /// <summary>
    /// Bulkhead (1,000 at once) > 30 s for all > retry > breaker (half of 20 or more calls in 10 s, open for 5 s) > 10 s for each
    /// attempt.
    /// </summary>
    /// <param name="name">Shown in logs and metrics, and the name of the breaker and the bulkhead.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public static PipelineBuilder Standard(string name = "standard", TimeProvider? time = null) =>
        Layers(name, time, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(10), new RetryOptions(), maxConcurrent: 1_000);

    /// <summary>
    /// As <see cref="Standard"/>; a wait that the service asks for (Retry-After) is honoured up to 30 s. Requests that are safe to repeat
    /// are the handler's to name, by <see cref="RecoveryContext.Repeatable"/>.
    /// </summary>
    /// <inheritdoc cref="Standard"/>
    public static PipelineBuilder HttpClient(string name = "http", TimeProvider? time = null) =>
        Layers(name, time, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(10), new RetryOptions { MaxAttempts = 4, Backoff = Quick },
            maxConcurrent: 1_000);

    /// <summary>
    /// Bulkhead (50 at once, 100 wait up to 15 s) > 60 s for all > retry of whole transactions > breaker > 30 s for each. The operation has
    /// to be the whole transaction: see <see cref="TransactionExtensions"/>.
    /// </summary>
    /// <inheritdoc cref="Standard"/>
    public static PipelineBuilder Database(string name = "database", TimeProvider? time = null)
    {
        var retry = new RetryOptions
        {
            Scope = RetryScope.Transaction,
            Backoff = Backoff.Exponential(TimeSpan.FromMilliseconds(50),
            max: TimeSpan.FromSeconds(2))
        };
        return Layers(name, time, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(30), retry, maxConcurrent: 50, maxQueue: 100);
    }

    /// <summary>
    /// Bulkhead (100 at once, 1,000 wait) > 2 min for all > retry, repeatable, up to 8 attempts > breaker > 15 s for each. Handlers of
    /// messages run more than once in any case, so theirs have to be repeatable.
    /// </summary>
    /// <inheritdoc cref="Standard"/>
    public static PipelineBuilder Messaging(string name = "messaging", TimeProvider? time = null)
    {
        var retry = new RetryOptions
        {
            MaxAttempts = 8,
            Repeatable = true,
            Backoff = Backoff.Exponential(TimeSpan.FromMilliseconds(200),
            max: TimeSpan.FromSeconds(15))
        };
        return Layers(name, time, TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(15), retry, maxConcurrent: 100, maxQueue: 1_000);
    }

    private static Backoff Quick { get; } = Backoff.Exponential(TimeSpan.FromMilliseconds(200), max: TimeSpan.FromSeconds(10));

    private static PipelineBuilder Layers(
        string name, TimeProvider? time, TimeSpan total, TimeSpan attempt, RetryOptions retry, int maxConcurrent, int maxQueue = 0) =>
        new PipelineBuilder(name, time)
            .Bulkhead(new BulkheadOptions
            {
                Name = name,
                MaxConcurrent = maxConcurrent,
                MaxQueue = maxQueue,
                QueueTimeout = TimeSpan.FromSeconds(15)
            })
            .Timeout(total)
            .Retry(retry)
            .CircuitBreaker(new CircuitBreakerOptions
            {
                Name = name,
                Mode = CircuitMode.TimeWindow,
                // Both by bench/results/outage.md: half as long until it opens, and calls work again soon after a long outage. Three probes
                // in 5 s are no load that would have to be spared.
                WindowDuration = TimeSpan.FromSeconds(10),
                OpenTimeGrowth = 1,
            })
            .Timeout(attempt);
}
