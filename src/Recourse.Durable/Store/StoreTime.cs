namespace Recourse.Durable;

/// <summary>Times as the stores keep them: microseconds since 1970, UTC. Every store rounds alike, so that all show the same.</summary>
internal static class StoreTime
{
    public static long Micros(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset Time(long micros) => DateTimeOffset.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond);

    public static DateTimeOffset Rounded(DateTimeOffset time) => Time(Micros(time));

    public static long NowMicros(this TimeProvider time) => Micros(time.GetUtcNow());
}
