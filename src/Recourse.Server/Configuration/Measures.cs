using System.Buffers;
using System.Globalization;

namespace Recourse.Server;

/// <summary>Reads and writes durations (<c>200ms 30s 5m 24h 7d</c>) and sizes (<c>1MiB</c>).</summary>
internal static class Measures
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");
    private static readonly (string Unit, double Milliseconds)[] Durations =
        [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    private static readonly (string Unit, double Bytes)[] Sizes =
        [("KiB", 1024), ("MiB", 1024 * 1024), ("GiB", 1024d * 1024 * 1024), ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1)];

    /// <summary>A number with a unit, or a bare number in the unit that the key implies.</summary>
    public static bool TryDuration(string text, TimeSpan bare, out TimeSpan value)
    {
        value = default;
        if (!TrySplit(text, out var number, out var unit))
            return false;
        var milliseconds = unit.Length == 0 ? bare.TotalMilliseconds : Durations.FirstOrDefault(known => known.Unit == unit).Milliseconds;
        if (milliseconds == 0 || number * milliseconds > TimeSpan.FromDays(36_500).TotalMilliseconds)
            return false;
        value = TimeSpan.FromMilliseconds(number * milliseconds);
        return true;
    }

    /// <summary>A number of bytes, bare or with a unit.</summary>
    public static bool TrySize(string text, out long bytes)
    {
        bytes = 0;
        if (!TrySplit(text, out var number, out var unit))
            return false;
        var factor = unit.Length == 0 ? 1 : Sizes.FirstOrDefault(known => known.Unit == unit).Bytes;
        if (factor == 0 || number * factor > 1L << 50)
            return false;
        bytes = (long)(number * factor);
        return true;
    }

    /// <summary>As a person writes it: <c>200ms</c>, <c>30s</c>, <c>24h</c>.</summary>
    public static string Duration(TimeSpan value)
    {
        foreach (var (unit, milliseconds) in Durations.Reverse())
        {
            if (value.TotalMilliseconds >= milliseconds && value.TotalMilliseconds % milliseconds == 0)
                return string.Create(CultureInfo.InvariantCulture, $"{value.TotalMilliseconds / milliseconds}{unit}");
        }
        return string.Create(CultureInfo.InvariantCulture, $"{value.TotalMilliseconds}ms");
    }

    /// <summary>As a person writes it: <c>1MiB</c>.</summary>
    public static string Size(long bytes) => bytes switch
    {
        >= 1 << 30 when bytes % (1 << 30) == 0 => $"{bytes >> 30}GiB",
        >= 1 << 20 when bytes % (1 << 20) == 0 => $"{bytes >> 20}MiB",
        >= 1 << 10 when bytes % (1 << 10) == 0 => $"{bytes >> 10}KiB",
        _ => $"{bytes} bytes",
    };

    private static bool TrySplit(string text, out double number, out string unit)
    {
        var other = text.AsSpan().IndexOfAnyExcept(Digits);
        var end = other < 0 ? text.Length : other;
        unit = text[end..].Trim();
        return double.TryParse(text.AsSpan(0, end), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number);
    }
}
