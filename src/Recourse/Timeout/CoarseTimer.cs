namespace Recourse;

/// <summary>
/// Watches the time limits of all calls with one timer of the system. Beginning and ending a limit are two writes to the scope; every 20 ms
/// one pass over the scopes finds those that are due. The pass costs about a nanosecond for each scope that was ever in flight at once. The
/// timer stops after a second without any limit.
/// </summary>
internal static class CoarseTimer
{
    // The coarse tick of the system may lag by this much; a limit must never pass early.
    private const int TickLagMs = 16;
    private const int PeriodMs = 20;
    private const int IdlePassesMax = 50;

    private static readonly Lock ScopesLock = new();
    private static readonly object Watched = new();
    private static TimeoutScope[] scopes = new TimeoutScope[16];
    private static int count;
    private static int idlePasses;
    private static bool running;
    private static ITimer? timer;

    /// <summary>A limit in the unit of this timer; worked out once for a strategy, since a division for each call would show.</summary>
    internal static long Ticks(TimeSpan limit) => (long)Math.Ceiling(limit.TotalMilliseconds) + TickLagMs;

    internal static long Due(long ticks) => Environment.TickCount64 + ticks;

    internal static TimeSpan Until(long due) => TimeSpan.FromMilliseconds(due - TickLagMs - Environment.TickCount64);

    /// <summary>After a limit was set. No fence is needed here: the pass that stops the timer has one for all threads.</summary>
    internal static void KeepRunning()
    {
        if (!Volatile.Read(ref running)) Run();
    }

    internal static void Add(TimeoutScope scope)
    {
        lock (ScopesLock)
        {
            if (count == scopes.Length) Array.Resize(ref scopes, 2 * count);
            scope.Slot = count;
            scopes[count++] = scope;
        }
    }

    internal static void Remove(TimeoutScope scope)
    {
        lock (ScopesLock)
        {
            var last = scopes[--count];
            scopes[scope.Slot] = last;
            last.Slot = scope.Slot;
            scopes[count] = null!;
        }
    }

    private static void Run()
    {
        lock (ScopesLock) Run_NeedsLock();
    }

    private static void Run_NeedsLock()
    {
        if (running) return;
        idlePasses = 0;
        timer ??= Timers.Create(TimeProvider.System, static _ => Pass(), Watched);
        timer.Change(TimeSpan.FromMilliseconds(PeriodMs), TimeSpan.FromMilliseconds(PeriodMs));
        Volatile.Write(ref running, true);
    }

    private static void Pass()
    {
        // A pass that takes longer than the period must not be joined by the next.
        if (!ScopesLock.TryEnter()) return;
        try
        {
            if (FireDue_NeedsLock()) idlePasses = 0;
            else if (++idlePasses >= IdlePassesMax) Stop_NeedsLock();
        }
        finally
        {
            ScopesLock.Exit();
        }
    }

    private static bool FireDue_NeedsLock()
    {
        var now = Environment.TickCount64;
        var any = false;
        for (var i = 0; i < count; i++)
        {
            var scope = scopes[i];
            var due = scope.Due;
            if (due <= 0) continue;
            any = true;
            if (now >= due && scope.TryFire(due)) ThreadPool.UnsafeQueueUserWorkItem(scope, preferLocal: false);
        }

        return any;
    }

    private static void Stop_NeedsLock()
    {
        Volatile.Write(ref running, false);
        // Whoever set a limit and still saw the timer running did so before this; whoever comes later sees that it has stopped.
        Interlocked.MemoryBarrierProcessWide();
        if (FireDue_NeedsLock())
        {
            idlePasses = 0;
            Volatile.Write(ref running, true);
        }
        else timer!.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }
}
