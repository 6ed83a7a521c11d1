namespace Recourse;

/// <summary>
/// What a pipeline has done since it was built; kept over reloads. Successes at the first attempt are not counted: that would cost them.
/// </summary>
internal sealed class PipelineCounters
{
    private long _retries;
    private long _retriesWorked;
    private long _refusedByBudget;
    private long _timeouts;
    private long _abandoned;
    private long _fallbacks;

    internal long AbandonedNow => Interlocked.Read(ref _abandoned);

    internal void Retried() => Interlocked.Increment(ref _retries);

    internal void RetryWorked() => Interlocked.Increment(ref _retriesWorked);

    internal void RefusedByBudget() => Interlocked.Increment(ref _refusedByBudget);

    internal void TimedOut() => Interlocked.Increment(ref _timeouts);

    internal void Abandoned(int by) => Interlocked.Add(ref _abandoned, by);

    internal void FellBack() => Interlocked.Increment(ref _fallbacks);

    // The machines count their refusals themselves; counting them here again would cost the refusals.
    internal PipelineStatistics Read(Strategy[] strategies) => new()
    {
        Retries = Interlocked.Read(ref _retries),
        RetriesWorked = Interlocked.Read(ref _retriesWorked),
        RetriesRefusedByBudget = Interlocked.Read(ref _refusedByBudget),
        Timeouts = Interlocked.Read(ref _timeouts),
        AbandonedNow = AbandonedNow,
        RejectedByCircuit = strategies.OfType<CircuitBreakerStrategy>().Sum(strategy => strategy.Breaker.Statistics.Rejected),
        RejectedByBulkhead = strategies.OfType<BulkheadStrategy>().Sum(strategy => strategy.Bulkhead.Statistics.Rejected),
        QueueTimeouts = strategies.OfType<BulkheadStrategy>().Sum(strategy => strategy.Bulkhead.Statistics.TimedOut),
        RejectedByRateLimit = strategies.OfType<RateLimitStrategy>().Sum(strategy => strategy.Limit.Rejected),
        Fallbacks = Interlocked.Read(ref _fallbacks),
    };
}

/// <summary>
/// What a pipeline has done since it was built; a reload keeps it. A breaker, bulkhead or rate limit that is shared counts the calls of all
/// who share it.
/// </summary>
public sealed record PipelineStatistics
{
    /// <summary>Attempts after the first.</summary>
    public long Retries { get; init; }

    /// <summary>Calls that worked after at least one retry.</summary>
    public long RetriesWorked { get; init; }

    /// <summary>Failed calls that were not tried again because the retry budget was spent.</summary>
    public long RetriesRefusedByBudget { get; init; }

    /// <summary>Time limits and deadlines that passed while a call ran.</summary>
    public long Timeouts { get; init; }

    /// <summary>Operations given up by an abandoning timeout that still run now.</summary>
    public long AbandonedNow { get; init; }

    /// <summary>Calls refused by open circuits.</summary>
    public long RejectedByCircuit { get; init; }

    /// <summary>Calls that found a bulkhead and its queue full.</summary>
    public long RejectedByBulkhead { get; init; }

    /// <summary>Calls that waited for a bulkhead in vain.</summary>
    public long QueueTimeouts { get; init; }

    /// <summary>Calls refused by rate limits.</summary>
    public long RejectedByRateLimit { get; init; }

    /// <summary>All calls that were refused, for whatever reason.</summary>
    public long Rejections => RejectedByCircuit + RejectedByBulkhead + QueueTimeouts + RejectedByRateLimit;

    /// <summary>Calls answered by a fallback.</summary>
    public long Fallbacks { get; init; }
}
