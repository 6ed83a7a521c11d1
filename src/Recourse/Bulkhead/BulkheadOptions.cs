namespace Recourse;

/// <summary>How many calls may run at once, and how many may wait for that.</summary>
public sealed record BulkheadOptions
{
    /// <summary>What the bulkhead protects, as shown in events and metrics. Default <c>bulkhead</c>.</summary>
    public string Name { get; init; } = "bulkhead";

    /// <summary>How many calls may run at once. Default 10; from 1 to 1,000,000.</summary>
    public int MaxConcurrent { get; init; } = 10;

    /// <summary>How many calls may wait for one that ends; one more is rejected at once. Default 0: none waits. Up to 1,000,000.</summary>
    public int MaxQueue { get; init; }

    /// <summary>How long a call waits before it is rejected. Default 30 s; from 1 ms to 49 days, or infinite.</summary>
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A number of threads that belong to this bulkhead alone, for work that blocks its thread; from 1 to 1,024. Default null: calls run on
    /// the threads of their callers. Fixed when the bulkhead is made.
    /// </summary>
    public int? DedicatedThreads { get; init; }

    internal BulkheadOptions Checked()
    {
        const string at = nameof(BulkheadOptions) + ".";
        Check.Named(at + nameof(Name), Name);
        Check.Range(at + nameof(MaxConcurrent), MaxConcurrent, 1, 1_000_000);
        Check.Range(at + nameof(MaxQueue), MaxQueue, 0, 1_000_000);
        if (QueueTimeout != Timeout.InfiniteTimeSpan)
            Check.Range(at + nameof(QueueTimeout), QueueTimeout, TimeSpan.FromMilliseconds(1), Durations.TimerMax);
        if (DedicatedThreads is { } threads)
            Check.Range(at + nameof(DedicatedThreads), threads, 1, 1_024);
        return this;
    }
}

/// <summary>What a bulkhead answered to a call that wanted in.</summary>
public enum BulkheadEntry
{
    /// <summary>The call has a permit and must release it.</summary>
    Acquired = 0,
    /// <summary>As many calls wait as may.</summary>
    QueueFull,
    /// <summary>The call waited for as long as it may.</summary>
    TimedOut,
}

/// <summary>The counts of a bulkhead at one moment.</summary>
/// <param name="Limit">How many calls may run at once.</param>
/// <param name="InFlight">How many run; more than the limit for a while after it was lowered.</param>
/// <param name="Queued">How many wait.</param>
/// <param name="Rejected">How many were turned away at once since the bulkhead was made.</param>
/// <param name="TimedOut">How many waited in vain since the bulkhead was made.</param>
public readonly record struct BulkheadStatistics(int Limit, int InFlight, int Queued, long Rejected, long TimedOut)
{
    /// <summary>Calls that run over calls that may: 0.5 with 5 of 10.</summary>
    public double Utilization => (double)InFlight / Limit;
}
