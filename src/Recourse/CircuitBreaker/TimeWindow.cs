using System.Runtime.CompilerServices;

namespace Recourse;

/// <summary>
/// The results of the last stretch of time, in ten buckets, so accurate to a tenth of it: one addition to the bucket of now, summed up only
/// when something failed. The lock is taken once per bucket, by whoever comes first in it.
/// </summary>
internal sealed class TimeWindow(CircuitBreakerOptions options, uint generation)
    : CircuitWindow(options, generation, int.MaxValue)
{
    private const int Count = 10;
    private const long Bias = Count * (1L << 50);

    private readonly long _width = Math.Max(1, options.WindowDuration.Ticks / Count);

    // The newest bucket begins at _epoch * _width. Buckets older than Count epochs have been emptied, so none needs to know its own.
    private long _epoch = long.MinValue / TimeSpan.TicksPerHour;

    // Failures << 32 | calls. Part of the object: an array of its own would cost as much again as it holds.
    private Cells _calls;

    // Most breakers have no rule for slow calls, and no call is slow for them.
    private long[]? _slow;

    internal override CircuitReason Record(bool failure, bool slow, long now)
    {
        var cell = CellOf(now);
        Interlocked.Add(ref _calls[cell], failure ? (1L << 32) + 1 : 1);
        if (slow)
            Interlocked.Increment(ref SlowCells()[cell]);
        return failure || slow ? Judge(Counts(now)) : CircuitReason.None;
    }

    internal override CircuitCounts Counts(long now)
    {
        var newest = Volatile.Read(ref _epoch);
        var slow = Volatile.Read(ref _slow);
        long packed = 0, slowCalls = 0;
        // Nobody may have come since the newest bucket: those that are too old by now are left out, not emptied.
        for (var epoch = Math.Max(newest, now / _width) - Count + 1; epoch <= newest; epoch++)
        {
            var cell = Cell(epoch);
            packed += Volatile.Read(ref _calls[cell]);
            if (slow is not null)
                slowCalls += Volatile.Read(ref slow[cell]);
        }

        return new((int)packed, (int)(packed >>> 32), (int)slowCalls);
    }

    internal override void Seed(CircuitCounts counts, long now)
    {
        var cell = CellOf(now);
        Interlocked.Add(ref _calls[cell], ((long)counts.Failures << 32) + counts.Calls);
        if (counts.Slow > 0)
            Interlocked.Add(ref SlowCells()[cell], counts.Slow);
    }

    // Epochs may be below zero, and the remainder of a negative number would give two of them one cell.
    private static int Cell(long epoch) => (int)((ulong)(epoch + Bias) % Count);

    private long[] SlowCells() =>
        Volatile.Read(ref _slow) ?? Interlocked.CompareExchange(ref _slow, new long[Count], null) ?? _slow;

    // Mostly the epoch of the last caller, which a multiplication can tell for a third of the price of the division. An addition that was
    // decided before a bucket was emptied may land after it: it then counts as of now, which is when it was made.
    private int CellOf(long now)
    {
        var epoch = Volatile.Read(ref _epoch);
        if ((ulong)(now - epoch * _width) < (ulong)_width)
            return Cell(epoch);
        epoch = now / _width;
        if (epoch > Volatile.Read(ref _epoch))
            Begin(epoch);
        return Cell(epoch);
    }

    // Empties the buckets between the last call and this one before anybody can see that they are the newest.
    private void Begin(long epoch)
    {
        lock (this)
        {
            for (var skipped = Math.Max(_epoch + 1, epoch - Count + 1); skipped <= epoch; skipped++)
            {
                Volatile.Write(ref _calls[Cell(skipped)], 0);
                if (Volatile.Read(ref _slow) is { } slow)
                    Volatile.Write(ref slow[Cell(skipped)], 0);
            }

            Volatile.Write(ref _epoch, Math.Max(_epoch, epoch));
        }
    }

    [InlineArray(Count)]
    private struct Cells
    {
        private long _first;
    }
}
