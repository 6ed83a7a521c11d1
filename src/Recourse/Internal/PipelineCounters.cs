namespace Recourse;

/// <summary>
/// What a pipeline has done since it was built; kept over reloads. Successes at the first attempt are not counted: that would cost them.
/// </summary>
internal sealed class PipelineCounters
{
    private long _retries;
    private long _retriesWorked;
    private long _timeouts;
    private long _abandoned;
    private long _fallbacks;

    internal void Retried() => Interlocked.Increment(ref _retries);

    internal void RetryWorked() => Interlocked.Increment(ref _retriesWorked);

    internal void TimedOut() => Interlocked.Increment(ref _timeouts);

    internal void Abandoned(int by) => Interlocked.Add(ref _abandoned, by);

    internal void FellBack() => Interlocked.Increment(ref _fallbacks);

    internal PipelineStatistics Read(Strategy[] strategies) => new()
    {
        Retries = Interlocked.Read(ref _retries),
        RetriesWorked = Interlocked.Read(ref _retriesWorked),
        Timeouts = Interlocked.Read(ref _timeouts),
        AbandonedNow = Interlocked.Read(ref _abandoned),
        Rejections = strategies.Sum(RejectedBy),
        Fallbacks = Interlocked.Read(ref _fallbacks),
    };

    // The machines count their refusals themselves; counting them here again would cost the refusals.
    private static long RejectedBy(Strategy strategy) => strategy switch
    {
        CircuitBreakerStrategy circuit => circuit.Breaker.Statistics.Rejected,
        BulkheadStrategy { Bulkhead.Statistics: var bulkhead } => bulkhead.Rejected + bulkhead.TimedOut,
        RateLimitStrategy rate => rate.Limit.Rejected,
        _ => 0,
    };
}

/// <summary>What a pipeline has done since it was built; a reload keeps it.</summary>
public sealed record PipelineStatistics
{
    /// <summary>Attempts after the first.</summary>
    public long Retries { get; init; }

    /// <summary>Calls that worked after at least one retry.</summary>
    public long RetriesWorked { get; init; }

    /// <summary>Time limits and deadlines that passed while a call ran.</summary>
    public long Timeouts { get; init; }

    /// <summary>Operations given up by an abandoning timeout that still run now.</summary>
    public long AbandonedNow { get; init; }

    /// <summary>
    /// Calls refused by the breakers, bulkheads and rate limits of the pipeline; a shared one counts the calls of all who share it.
    /// </summary>
    public long Rejections { get; init; }

    /// <summary>Calls answered by a fallback.</summary>
    public long Fallbacks { get; init; }
}
