namespace Recourse;

/// <summary>Calls counted in a window.</summary>
internal readonly record struct CircuitCounts(int Calls, int Failures, int Slow);

/// <summary>
/// The results of one closed generation. Each generation has a window of its own, so a late result cannot reach the next one. A success
/// never opens a circuit: thresholds are looked at when a failure or a slow call has been counted.
/// </summary>
internal abstract class CircuitWindow
{
    private CircuitBreakerOptions _options;
    private readonly int _size;

    private protected CircuitWindow(CircuitBreakerOptions options, uint generation, int size)
    {
        Generation = generation;
        _options = options;
        _size = size;
    }

    internal uint Generation { get; }

    internal static CircuitWindow? Create(CircuitBreakerOptions options, uint generation) => options.Mode switch
    {
        CircuitMode.CountWindow => new CountWindow(options, generation),
        CircuitMode.TimeWindow => new TimeWindow(options, generation),
        _ => null,
    };

    /// <summary>Goes on with other thresholds; false when the options ask for a window of another shape.</summary>
    internal bool TryAdopt(CircuitBreakerOptions options)
    {
        if ((options.Mode, options.WindowSize, options.WindowDuration) != (_options.Mode, _options.WindowSize, _options.WindowDuration))
            return false;
        Volatile.Write(ref _options, options);
        return true;
    }

    /// <summary>Counts one result; the reason if the circuit has to open now.</summary>
    internal abstract CircuitReason Record(bool failure, bool slow, long now);

    internal abstract CircuitCounts Counts(long now);

    /// <summary>Counts from a snapshot or from the window before a reload, as if made now.</summary>
    internal abstract void Seed(CircuitCounts counts, long now);

    private protected CircuitReason Judge(CircuitCounts counts)
    {
        var options = Volatile.Read(ref _options);
        if (counts.Failures >= (options.FailuresInWindow ?? int.MaxValue))
            return CircuitReason.FailureCount;
        if (counts.Calls < Math.Min(options.MinimumThroughput, _size))
            return CircuitReason.None;
        // Division, not multiplication: 7 / 100.0 is the number that 0.07 is written as, 0.07 * 100 is more than 7.
        if ((double)counts.Failures / counts.Calls >= options.FailureRate)
            return CircuitReason.FailureRate;
        var slow = counts.Slow > 0 && (double)counts.Slow / counts.Calls >= options.SlowCallRate;
        return slow ? CircuitReason.SlowCallRate : CircuitReason.None;
    }
}

/// <summary>The last N results: a ring of bytes, and their sum in one cell that every replacement corrects.</summary>
internal sealed class CountWindow(CircuitBreakerOptions options, uint generation)
    : CircuitWindow(options, generation, options.WindowSize)
{
    private const byte Counted = 1;
    private const byte Failure = 2;
    private const byte Slow = 4;

    private readonly byte[] _ring = new byte[options.WindowSize];
    private uint _next = uint.MaxValue;
    private long _failuresAndSlow;
    private int _calls;

    internal override CircuitReason Record(bool failure, bool slow, long now)
    {
        Put((byte)(Counted | (failure ? Failure : 0) | (slow ? Slow : 0)));
        return failure || slow ? Judge(Counts(now)) : CircuitReason.None;
    }

    internal override CircuitCounts Counts(long now)
    {
        var sum = Volatile.Read(ref _failuresAndSlow);
        return new(Volatile.Read(ref _calls), (int)(sum >>> 32), (int)sum);
    }

    internal override void Seed(CircuitCounts counts, long now)
    {
        var calls = Math.Min(counts.Calls, _ring.Length);
        for (var call = 0; call < calls; call++)
            Put((byte)(Counted | (call < counts.Failures ? Failure : 0) | (call < counts.Slow ? Slow : 0)));
    }

    private void Put(byte result)
    {
        var replaced = Interlocked.Exchange(ref _ring[Interlocked.Increment(ref _next) % (uint)_ring.Length], result);
        if (replaced == 0)
            Interlocked.Increment(ref _calls);
        var change = Weight(result) - Weight(replaced);
        if (change != 0)
            Interlocked.Add(ref _failuresAndSlow, change);
    }

    private static long Weight(byte result) => ((result & Failure) != 0 ? 1L << 32 : 0) + ((result & Slow) != 0 ? 1 : 0);
}
