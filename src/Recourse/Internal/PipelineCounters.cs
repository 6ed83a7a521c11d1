namespace Recourse;

/// <summary>What a pipeline has done since it was built; kept over reloads. Successes at the first attempt are not counted: that would cost them.</summary>
internal sealed class PipelineCounters
{
    private long _retries;
    private long _retriesWorked;
    private long _timeouts;
    private long _abandoned;
    private long _rejections;
    private long _fallbacks;

    internal void Retried() => Interlocked.Increment(ref _retries);

    internal void RetryWorked() => Interlocked.Increment(ref _retriesWorked);

    internal void TimedOut() => Interlocked.Increment(ref _timeouts);

    internal void Abandoned(int by) => Interlocked.Add(ref _abandoned, by);

    internal void Rejected() => Interlocked.Increment(ref _rejections);

    internal void FellBack() => Interlocked.Increment(ref _fallbacks);

    internal PipelineStatistics Read() => new()
    {
        Retries = Interlocked.Read(ref _retries),
        RetriesWorked = Interlocked.Read(ref _retriesWorked),
        Timeouts = Interlocked.Read(ref _timeouts),
        AbandonedNow = Interlocked.Read(ref _abandoned),
        Rejections = Interlocked.Read(ref _rejections),
        Fallbacks = Interlocked.Read(ref _fallbacks),
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

    /// <summary>Calls refused by a breaker, a bulkhead or a rate limit of the pipeline.</summary>
    public long Rejections { get; init; }

    /// <summary>Calls answered by a fallback.</summary>
    public long Fallbacks { get; init; }
}
