namespace Recourse;

/// <summary>
/// Lets as many calls in as a <see cref="Bulkhead"/> allows; the others wait in its queue, without a thread, or are refused.
/// </summary>
internal sealed class BulkheadStrategy : Strategy
{
    private const long Holds = 1;
    private const long Refused = 2;

    private readonly BulkheadRejection _full;
    private readonly BulkheadRejection _late;

    internal BulkheadStrategy(Bulkhead bulkhead)
        : base("bulkhead")
    {
        Bulkhead = bulkhead;
        _full = new BulkheadRejection(bulkhead, timedOut: false);
        _late = new BulkheadRejection(bulkhead, timedOut: true);
    }

    internal Bulkhead Bulkhead { get; }

    public override string Describe()
    {
        var options = Bulkhead.Options;
        var patience = options.QueueTimeout == Timeout.InfiniteTimeSpan ? "ever" : Durations.Text(options.QueueTimeout);
        var queue = options.MaxQueue == 0 ? "no queue" : $"a queue of {options.MaxQueue} for {patience}";
        return $"bulkhead: '{Bulkhead.Name}', {Bulkhead.Limit} at once, {queue}";
    }

    public override Step Enter(Call call, ref Frame frame)
    {
        if (Bulkhead.Take(1) == 1) return Admit(call, ref frame);
        var waiter = Pool<CallWaiter>.Take() ?? new CallWaiter();
        frame.State = waiter;
        // The alarm first: one that comes before the call stands in the queue is looked at when the call resumes.
        var armed = call.Arm(Bulkhead.Options.QueueTimeout, watchToken: true);
        waiter.Begin(call, armed);
        var admission = Bulkhead.TryEnqueue(waiter);
        if (admission == BulkheadAdmission.Queued) return Step.Pending;
        frame.Number = admission == BulkheadAdmission.Acquired ? Holds : Refused;
        if (!call.Disarm(armed)) return Step.Pending;
        call.EndWait();
        return Resume(call, ref frame);
    }

    public override Step Exit(Call call, ref Frame frame)
    {
        frame.Number = 0;
        Bulkhead.Release();
        return Step.Next;
    }

    public override Step Resume(Call call, ref Frame frame)
    {
        // Back from the dedicated threads' queue, or answered before the wait began.
        if (frame.State is not CallWaiter waiter) return Step.Next;
        frame.State = null;
        if (frame.Number == 0 && !waiter.IsGranted)
        {
            var cancelled = call.Token.IsCancellationRequested;
            if (cancelled ? Bulkhead.Cancel(waiter) : Bulkhead.TimeOut(waiter))
            {
                Pool<CallWaiter>.Give(waiter);
                if (!cancelled) return Refuse(call, _late, "queue_timeout");
                call.FailBeforeBegin(new OperationCanceledException(
                    $"The call was cancelled while it waited for bulkhead '{Bulkhead.Name}'.", call.Token));
                return Step.Return;
            }

            // Just being granted on another thread, which still holds the waiter: it is not used again.
            return Admit(call, ref frame);
        }

        Pool<CallWaiter>.Give(waiter);
        return frame.Number == Refused ? Refuse(call, _full, "bulkhead_full") : Admit(call, ref frame);
    }

    private Step Admit(Call call, ref Frame frame)
    {
        frame.Number = Holds;
        // A synchronous call promises to stay on its caller's thread.
        if (Bulkhead.Scheduler is not { } threads || call.IsSynchronous) return Step.Next;
        new Task(call.Wake).Start(threads);
        return Step.Pending;
    }

    private Step Refuse(Call call, BulkheadRejection rejection, string reason)
    {
        Meters.Rejected(call.Plan, reason, Bulkhead.Name);
        call.Reject(rejection);
        return Step.Return;
    }

    private sealed class CallWaiter : BulkheadWaiter, IPooled<CallWaiter>
    {
        private Call _call = null!;
        private long _armed;
        private volatile bool _granted;

        CallWaiter? IPooled<CallWaiter>.Next { get; set; }

        internal bool IsGranted => _granted;

        internal void Begin(Call call, long armed)
        {
            _call = call;
            _armed = armed;
            _granted = false;
        }

        // Whoever takes the alarm back wakes the call: here, or the timer or token that rang it.
        protected override void Granted()
        {
            var (call, armed) = (_call, _armed);
            _granted = true;
            if (call.Disarm(armed)) call.WakeLater();
        }
    }
}

/// <summary>The refusal of a full bulkhead; two for each bulkhead.</summary>
internal sealed class BulkheadRejection(Bulkhead bulkhead, bool timedOut) : Rejection
{
    private static readonly Classification Full = FaultClassifier.Default.ForKind(FaultKind.BulkheadFull,
        "a full bulkhead of the pipeline");

    public override Classification Classification => Full;

    public override Exception ToException() => new BulkheadFullException(bulkhead, timedOut, Full);
}
