namespace Recourse;

/// <summary>
/// Sums over the last stretch of time, in ten buckets, so accurate to a tenth of it. Adding is one <see cref="Interlocked"/> operation on
/// the bucket of now; the lock is taken once per bucket, by whoever comes first in it.
/// </summary>
internal sealed class BucketRing
{
    internal const int Count = 10;

    internal struct Bucket
    {
        internal long Epoch;
        internal long First;
        internal long Second;
    }

    private readonly Bucket[] _buckets = new Bucket[Count];
    private readonly long _width;
    private long _epoch;

    internal BucketRing(TimeSpan duration)
    {
        _width = Math.Max(1, duration.Ticks / Count);
        foreach (ref var bucket in _buckets.AsSpan())
            bucket.Epoch = long.MinValue;
    }

    /// <summary>The bucket of <paramref name="now"/>, emptied first if it still holds an older round.</summary>
    internal ref Bucket At(long now)
    {
        var epoch = Epoch(now);
        ref var bucket = ref _buckets[(int)((ulong)epoch % Count)];
        if (Volatile.Read(ref bucket.Epoch) < epoch)
            Begin(ref bucket, epoch);
        return ref bucket;
    }

    /// <summary>The sums over the buckets that are not older than the ring is long.</summary>
    internal (long First, long Second) Sum(long now)
    {
        var oldest = Epoch(now) - Count;
        long first = 0, second = 0;
        foreach (ref var bucket in _buckets.AsSpan())
        {
            if (Volatile.Read(ref bucket.Epoch) <= oldest)
                continue;
            first += Volatile.Read(ref bucket.First);
            second += Volatile.Read(ref bucket.Second);
        }
        return (first, second);
    }

    // Mostly the epoch of the last caller, which a multiplication can tell for a third of the price of the division.
    private long Epoch(long now)
    {
        var epoch = Volatile.Read(ref _epoch);
        if ((ulong)(now - epoch * _width) < (ulong)_width)
            return epoch;
        epoch = now / _width;
        Volatile.Write(ref _epoch, epoch);
        return epoch;
    }

    // An addition that was decided before the bucket was emptied may land after it: it then counts as of now, which is when it was made.
    private void Begin(ref Bucket bucket, long epoch)
    {
        lock (_buckets)
        {
            if (bucket.Epoch >= epoch)
                return;
            Volatile.Write(ref bucket.First, 0);
            Volatile.Write(ref bucket.Second, 0);
            Volatile.Write(ref bucket.Epoch, epoch);
        }
    }
}
