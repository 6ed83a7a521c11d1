using System.Diagnostics;

namespace Recourse;

/// <summary>
/// Lets a bounded number of calls run at once and a bounded number wait, first come, first served, so that one slow service cannot take
/// every thread and connection. Usable alone. Safe from any thread; taking and releasing a permit is one interlocked operation each and
/// allocates nothing.
/// </summary>
[DebuggerDisplay("{Name}: {InFlight} in flight, {Queued} queued")]
public sealed partial class Bulkhead : IDisposable
{
    private readonly TickClock _clock;
    private readonly Lock _lock = new();
    private readonly DedicatedThreads? _threads;

    // Waiting << 32 | running. While nobody waits, anyone may change the lower half by compare-and-swap; once somebody waits, every change
    // is made under the lock, because a compare-and-swap that expects zero waiters fails.
    private long _state;
    private WaiterQueue _queue;
    private int _limit;
    private BulkheadOptions _options;
    private long _rejected;
    private long _timedOut;

    /// <summary>An empty bulkhead.</summary>
    /// <param name="options">Its bounds; null for the defaults.</param>
    /// <param name="time">The clock of queue timeouts; null for the system's.</param>
    /// <exception cref="InvalidOptionsException">An option is out of range; the message names it.</exception>
    public Bulkhead(BulkheadOptions? options = null, TimeProvider? time = null)
    {
        _options = (options ?? new()).Checked();
        _limit = _options.MaxConcurrent;
        _clock = new(time);
        _threads = _options.DedicatedThreads is { } count ? new(_options.Name, count) : null;
    }

    /// <summary>The name, from the options.</summary>
    public string Name => Options.Name;

    /// <summary>The options in force; <see cref="Resize"/> changes the number of concurrent calls beside them.</summary>
    public BulkheadOptions Options => Volatile.Read(ref _options);

    /// <summary>How many calls may run at once now.</summary>
    public int Limit => Volatile.Read(ref _limit);

    /// <summary>How many permits are out. More than <see cref="Limit"/> for a while after it was lowered.</summary>
    public int InFlight => (int)Volatile.Read(ref _state);

    /// <summary>How many calls wait for a permit.</summary>
    public int Queued => (int)(Volatile.Read(ref _state) >>> 32);

    /// <summary>Permits that are out over permits there are: 0.5 with 5 of 10.</summary>
    public double Utilization => (double)InFlight / Limit;

    /// <summary>The counts of this moment.</summary>
    public BulkheadStatistics Statistics
    {
        get
        {
            var state = Volatile.Read(ref _state);
            return new(Limit, (int)state, (int)(state >>> 32), Interlocked.Read(ref _rejected), Interlocked.Read(ref _timedOut));
        }
    }

    /// <summary>Where work runs that should hold a thread of this bulkhead and no other; null without dedicated threads.</summary>
    public TaskScheduler? Scheduler => _threads;

    /// <summary>Takes a permit if one is free and nobody waits for it; never waits.</summary>
    public bool TryAcquire()
    {
        if (Take(1) == 1)
            return true;
        Interlocked.Increment(ref _rejected);
        return false;
    }

    /// <summary>
    /// Takes as many permits as are free, up to a number; how many it took, each of which must be released. For those who ask how much work
    /// they may begin: none free is an answer then, and not counted as a rejection.
    /// </summary>
    public int TryAcquire(int upTo)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(upTo);
        return Take(upTo);
    }

    /// <summary>
    /// Gives a permit back; the call that has waited longest gets it at once.
    /// </summary>
    /// <exception cref="InvalidOperationException">No permit is out: one was released twice, which would let too many calls in.</exception>
    public void Release()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if (state >>> 32 != 0)
            {
                ReleaseToWaiter();
                return;
            }
            if (state == 0)
                throw ReleasedTwice();
            if (Interlocked.CompareExchange(ref _state, state - 1, state) == state)
                return;
        }
    }

    /// <summary>
    /// Another number of concurrent calls, for example from an adaptive limit. More: calls that wait get in at once. Fewer: calls that run
    /// stay, and no permit is given until enough of them have ended.
    /// </summary>
    public void Resize(int maxConcurrent)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxConcurrent, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxConcurrent, 1_000_000);
        BulkheadWaiter? granted;
        lock (_lock)
        {
            Volatile.Write(ref _limit, maxConcurrent);
            granted = GrantFree_NeedsLock();
        }
        Tell(granted);
    }

    /// <summary>
    /// Other options from now on; permits that are out and calls that wait keep their place and their time. Dedicated threads stay as they
    /// are.
    /// </summary>
    /// <exception cref="InvalidOptionsException">An option is out of range; the old options stay in force.</exception>
    public void Reload(BulkheadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Checked();
        Volatile.Write(ref _options, options);
        Resize(options.MaxConcurrent);
    }

    /// <summary>Ends the dedicated threads once the work given to them is done. Without them there is nothing to dispose of.</summary>
    public void Dispose() => _threads?.Dispose();

    /// <summary>Takes a permit for the waiter, or queues it, or refuses.</summary>
    internal BulkheadAdmission TryEnqueue(BulkheadWaiter waiter)
    {
        if (Take(1) == 1)
            return BulkheadAdmission.Acquired;
        lock (_lock)
        {
            while (true)
            {
                var state = Volatile.Read(ref _state);
                var (queued, running) = ((int)(state >>> 32), (int)state);
                if (queued == 0 && running < _limit)
                {
                    // A permit has come free since the first look.
                    if (Take(1) == 1)
                        return BulkheadAdmission.Acquired;
                    continue;
                }
                if (queued >= _options.MaxQueue)
                {
                    Interlocked.Increment(ref _rejected);
                    return BulkheadAdmission.Rejected;
                }
                if (Interlocked.CompareExchange(ref _state, state + (1L << 32), state) != state)
                    continue;
                _queue.Add(waiter);
                return BulkheadAdmission.Queued;
            }
        }
    }

    /// <summary>
    /// Takes a waiter out of the queue. True: it will never be granted. False: it has been, or is just being, granted (or never was
    /// queued).
    /// </summary>
    internal bool Cancel(BulkheadWaiter waiter)
    {
        lock (_lock)
        {
            if (!waiter.IsQueued)
                return false;
            _queue.Remove(waiter);
            Interlocked.Add(ref _state, -(1L << 32));
            return true;
        }
    }

    /// <summary>As <see cref="Cancel"/>, for a waiter whose queue timeout is over: counted.</summary>
    internal bool TimeOut(BulkheadWaiter waiter)
    {
        if (!Cancel(waiter))
            return false;
        Interlocked.Increment(ref _timedOut);
        return true;
    }

    internal int Take(int upTo)
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if (state >>> 32 != 0)
                return 0;
            var taken = Math.Min(upTo, Volatile.Read(ref _limit) - (int)state);
            if (taken <= 0)
                return 0;
            if (Interlocked.CompareExchange(ref _state, state + taken, state) == state)
                return taken;
        }
    }

    private void ReleaseToWaiter()
    {
        BulkheadWaiter? granted;
        lock (_lock)
        {
            // Looked at again as a whole: the waiters may have left in the meantime, and others may be changing the lower half.
            long state;
            do
            {
                state = Volatile.Read(ref _state);
                if ((int)state == 0)
                    throw ReleasedTwice();
            }
            while (Interlocked.CompareExchange(ref _state, state - 1, state) != state);
            granted = GrantFree_NeedsLock();
        }
        Tell(granted);
    }

    // The granted waiters, linked through Next, to be told once the lock is released.
    private BulkheadWaiter? GrantFree_NeedsLock()
    {
        BulkheadWaiter? first = null, last = null;
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if (state >>> 32 == 0 || (int)state >= _limit)
                return first;
            // With somebody waiting only the holder of the lock changes the state.
            Volatile.Write(ref _state, state - (1L << 32) + 1);
            var waiter = _queue.Take()!;
            if (last is null)
                first = waiter;
            else
                last.Next = waiter;
            last = waiter;
        }
    }

    private static void Tell(BulkheadWaiter? granted)
    {
        while (granted is { } waiter)
        {
            // Before the call: a granted waiter may be queued again at once.
            granted = waiter.Next;
            waiter.Next = null;
            waiter.Grant();
        }
    }

    private InvalidOperationException ReleasedTwice() =>
        new($"Bulkhead '{Name}' has no permit out, so this release is one too many. Release once for each permit acquired.");
}
