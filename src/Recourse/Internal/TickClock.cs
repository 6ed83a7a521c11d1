using System.Diagnostics;

namespace Recourse;

/// <summary>
/// Monotonic time in ticks of 100 ns since some fixed moment. Precise for decisions about waits, coarse (a few milliseconds, five times
/// cheaper) for windows. The two have different origins when the system clock is used: never compare one with the other.
/// </summary>
internal readonly struct TickClock(TimeProvider? time)
{
    // Null stands for the system clock, so that the test on the hot path is a null check.
    private readonly TimeProvider? _time = ReferenceEquals(time, TimeProvider.System) ? null : time;

    internal TimeProvider Provider => _time ?? TimeProvider.System;

    /// <summary>How far <see cref="Coarse"/> may lag behind.</summary>
    internal const long CoarseLagMax = 20 * TimeSpan.TicksPerMillisecond;

    internal long Coarse => _time is null ? Environment.TickCount64 * TimeSpan.TicksPerMillisecond : Precise;

    internal long Precise => _time is null
        ? Scale(Stopwatch.GetTimestamp(), Stopwatch.Frequency)
        : Scale(_time.GetTimestamp(), _time.TimestampFrequency);

    // The two usual frequencies need no division by a variable; that of Stopwatch is a constant to the compiler.
    private static long Scale(long stamp, long frequency)
    {
        if (frequency == 1_000_000_000)
            return stamp / 100;
        if (frequency == TimeSpan.TicksPerSecond)
            return stamp;
        // Whole seconds first: the product of a stamp and the ticks of a second does not fit 64 bits after some minutes of uptime.
        var (seconds, rest) = Math.DivRem(stamp, frequency);
        return seconds * TimeSpan.TicksPerSecond + rest * TimeSpan.TicksPerSecond / frequency;
    }
}
