namespace Recourse.Durable;

/// <summary>Times as the stores keep them: microseconds since 1970, UTC. Every store rounds alike, so that all show the same.</summary>
internal static class StoreTime
{
    public static long Micros(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <exception cref="ArithmeticException">No time that a clock can show: the row is damaged.</exception>
    public static DateTimeOffset Time(long micros)
    {
        var ticks = checked((micros * TimeSpan.TicksPerMicrosecond) + DateTimeOffset.UnixEpoch.Ticks);
        return (ulong)ticks <= (ulong)DateTimeOffset.MaxValue.Ticks
            ? new(ticks, TimeSpan.Zero)
            : throw new ArithmeticException($"{micros} microseconds since 1970 is no time that a clock can show");
    }

    /// <summary>For a time that is only waited for: one that no clock can show, in a damaged row, is the nearest that one can.</summary>
    public static DateTimeOffset Nearest(long micros) =>
        Time(Math.Clamp(micros, Micros(DateTimeOffset.MinValue), Micros(DateTimeOffset.MaxValue)));

    public static DateTimeOffset Rounded(DateTimeOffset time) => Time(Micros(time));

    public static long NowMicros(this TimeProvider time) => Micros(time.GetUtcNow());
}
