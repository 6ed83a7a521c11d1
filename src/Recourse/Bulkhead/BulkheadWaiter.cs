namespace Recourse;

/// <summary>
/// A call that waits for a permit. The bulkhead links the object itself into its queue, so waiting allocates nothing beyond what the caller
/// already has. Of a grant and a <see cref="Bulkhead.Cancel"/> exactly one wins; after it the object may be queued again.
/// </summary>
internal abstract class BulkheadWaiter
{
    // All three belong to the bulkhead and are touched under its lock only.
    internal BulkheadWaiter? Next;
    internal BulkheadWaiter? Previous;
    internal bool IsQueued;

    /// <summary>
    /// The waiter now has a permit and must release it. Called once, outside all locks, on the thread that released or resized, which it
    /// must not block: what is to run with the permit belongs on another thread.
    /// </summary>
    protected abstract void Granted();

    internal void Grant() => Granted();
}

/// <summary>What became of a waiter that wanted to queue.</summary>
internal enum BulkheadAdmission : byte
{
    /// <summary>It has a permit already; <see cref="BulkheadWaiter.Granted"/> will not be called.</summary>
    Acquired = 0,
    Queued,
    /// <summary>The queue is full.</summary>
    Rejected,
}

/// <summary>Waiters in the order they came, linked through themselves so that one in the middle can leave at once.</summary>
internal struct WaiterQueue
{
    private BulkheadWaiter? _first;
    private BulkheadWaiter? _last;

    internal void Add(BulkheadWaiter waiter)
    {
        waiter.IsQueued = true;
        waiter.Previous = _last;
        if (_last is null)
            _first = waiter;
        else
            _last.Next = waiter;
        _last = waiter;
    }

    internal BulkheadWaiter? Take()
    {
        if (_first is not { } waiter)
            return null;
        Remove(waiter);
        return waiter;
    }

    internal void Remove(BulkheadWaiter waiter)
    {
        if (waiter.Previous is null)
            _first = waiter.Next;
        else
            waiter.Previous.Next = waiter.Next;
        if (waiter.Next is null)
            _last = waiter.Previous;
        else
            waiter.Next.Previous = waiter.Previous;
        (waiter.Next, waiter.Previous, waiter.IsQueued) = (null, null, false);
    }
}
