namespace Recourse;

/// <summary>A bulkhead had no room for the call; the operation did not run.</summary>
public sealed class BulkheadFullException : RejectedException
{
    internal BulkheadFullException(Bulkhead bulkhead, bool timedOut, Classification classification)
        : base(Text(bulkhead, timedOut), classification)
    {
        Bulkhead = bulkhead.Name;
        TimedOut = timedOut;
    }

    /// <summary>The name of the bulkhead.</summary>
    public string Bulkhead { get; }

    /// <summary>Whether the call waited in the queue until its time there was over; otherwise the queue was full.</summary>
    public bool TimedOut { get; }

    private static string Text(Bulkhead bulkhead, bool timedOut) => timedOut
        ? $"Bulkhead '{bulkhead.Name}' had no room for {Durations.Text(bulkhead.Options.QueueTimeout)} ({bulkhead.Limit} calls at once)."
        : $"Bulkhead '{bulkhead.Name}' is full: {bulkhead.Limit} calls run and {bulkhead.Queued} wait, which is as many as may.";
}
