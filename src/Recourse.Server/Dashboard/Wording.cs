using System.Globalization;
using System.Text;
using Recourse.Durable;

namespace Recourse.Server.Dashboard;

// How figures, times and stored text are written for people. Pure; one place, so that the same value reads the same on every page.
internal static class Wording
{
    public static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    public static string Counted(long value, string one, string many) => $"{Number(value)} {(value == 1 ? one : many)}";

    // RFC 3339, to the millisecond: what a log line or another tool has to be matched with.
    public static string Exact(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public static string Clock(DateTimeOffset time) => time.UtcDateTime.ToString("HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    // To the second: what people quote to each other.
    public static string Stamp(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    public static string Relative(DateTimeOffset time, DateTimeOffset now)
    {
        var age = now - time;
        if (age.Duration() < TimeSpan.FromSeconds(1))
            return "now";
        return age > TimeSpan.Zero ? $"{Span(age)} ago" : $"in {Span(age.Duration())}";
    }

    // The store counts so far and no further.
    public static string Holds(int followers) => followers >= 10_000 ? "blocks 10,000 or more" : $"blocks {Number(followers)}";

    public static string Blocked(long deliveries, long lanes) =>
        $"{Counted(deliveries, "delivery waits", "deliveries wait")} behind dead letters in {Counted(lanes, "lane", "lanes")}";

    // Two units at most: nobody on call needs the seconds of a three-day-old failure.
    public static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 1 } => $"{Math.Max(0, (long)span.TotalMilliseconds)} ms",
        { TotalMinutes: < 1 } => $"{(long)span.TotalSeconds} s",
        { TotalHours: < 1 } => Two((long)span.TotalMinutes, "min", span.Seconds, "s"),
        { TotalDays: < 1 } => Two((long)span.TotalHours, "h", span.Minutes, "min"),
        { TotalDays: < 100 } => Two((long)span.TotalDays, "d", span.Hours, "h"),
        _ => $"{Number((long)span.TotalDays)} d",
    };

    public static string Took(long milliseconds) => milliseconds switch
    {
        < 1000 => $"{milliseconds} ms",
        < 60_000 => string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000.0:0.0} s"),
        _ => Span(TimeSpan.FromMilliseconds(milliseconds)),
    };

    public static string Bytes(long bytes) => bytes switch
    {
        < 1024 => Counted(bytes, "byte", "bytes"),
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.#} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):0.#} MiB"),
    };

    public static string Rate(double perSecond) => perSecond switch
    {
        <= 0 => "0/s",
        >= 10 => string.Create(CultureInfo.InvariantCulture, $"{perSecond:N0}/s"),
        >= 0.1 => string.Create(CultureInfo.InvariantCulture, $"{perSecond:0.0}/s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{perSecond * 60:0.#}/min"),
    };

    public static string State(DeliveryState state) => state.ToString().ToLowerInvariant();

    public static string Shortened(string text, int length) =>
        text.Length <= length ? text : string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[length - 1]) ? length - 1 : length), "…");

    // Stored text comes from strangers. The renderer makes it harmless as HTML; this makes characters visible that would lie to the reader:
    // control characters, and marks that turn the direction of what follows.
    public static string Visible(string text)
    {
        if (!text.AsSpan().ContainsAny(Deceiving))
            return text;
        var shown = new StringBuilder(text.Length + 16);
        foreach (var character in text)
        {
            if (Deceiving.Contains(character))
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else
                shown.Append(character);
        }
        return shown.ToString();
    }

    private static readonly System.Buffers.SearchValues<char> Deceiving = System.Buffers.SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Except(['\t', '\n', '\r']).Concat(Enumerable.Range(0x7f, 0x21))
            .Concat([0x61c, 0x200b, 0x200e, 0x200f, 0xfeff]).Concat(Enumerable.Range(0x202a, 5)).Concat(Enumerable.Range(0x2066, 4))
            .Select(code => (char)code)]);

    private static string Two(long large, string largeUnit, long small, string smallUnit) =>
        small == 0 ? $"{Number(large)} {largeUnit}" : $"{Number(large)} {largeUnit} {small} {smallUnit}";
}
