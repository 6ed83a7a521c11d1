using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Recourse;

/// <summary>
/// One section of a configuration, read by hand so that trimming keeps it whole. Every key has to be asked for: what is left over is an
/// error that names the nearest valid key.
/// </summary>
internal sealed class Settings(IConfigurationSection section)
{
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    internal Settings? Section(string key)
    {
        _known.Add(key);
        var child = section.GetSection(key);
        return child.Exists() ? new Settings(child) : null;
    }

    internal IEnumerable<string> Keys => section.GetChildren().Select(child => child.Key);

    internal string Text(string key, string otherwise) => Raw(key) ?? otherwise;

    internal int Int(string key, int otherwise) => MaybeInt(key) ?? otherwise;

    internal int? MaybeInt(string key) => Raw(key) is not { } text ? null
        : int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value)
            ? value : throw Wrong(key, text, "a whole number");

    internal double Double(string key, double otherwise) => Raw(key) is not { } text ? otherwise
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value : throw Wrong(key, text, "a number");

    internal bool Bool(string key, bool otherwise) => Raw(key) is not { } text ? otherwise
        : bool.TryParse(text, out var value) ? value : throw Wrong(key, text, "true or false");

    internal TEnum Enum<TEnum>(string key, TEnum otherwise)
        where TEnum : struct, Enum => Raw(key) is not { } text ? otherwise
        : System.Enum.TryParse<TEnum>(text, ignoreCase: true, out var value) && System.Enum.IsDefined(value) ? value
        : throw Wrong(key, text, $"one of {string.Join(", ", System.Enum.GetNames<TEnum>())}");

    internal TimeSpan Time(string key, TimeSpan otherwise) => MaybeTime(key) ?? otherwise;

    internal TimeSpan? MaybeTime(string key) => Raw(key) is not { } text ? null
        : TryTime(text, out var value) ? value : throw Wrong(key, text, "a duration such as 500ms, 30s, 5m, 1h or 00:00:30");

    internal IReadOnlyCollection<FaultKind>? Kinds(string key)
    {
        _known.Add(key);
        var child = section.GetSection(key);
        if (!child.Exists()) return null;
        var names = child.Value?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            ?? [.. child.GetChildren().Select(item => item.Value ?? "")];
        return [.. names.Select(name => FaultKinds.TryParse(name, out var kind)
            ? kind : throw Wrong(key, name, "a kind of fault, for example connection_refused"))];
    }

    /// <summary>Refuses keys that nobody asked for.</summary>
    internal void Done()
    {
        foreach (var key in Keys)
        {
            if (_known.Contains(key)) continue;
            var nearest = _known.OrderBy(known => Distance(known, key)).First();
            throw new InvalidOptionsException($"Unknown setting '{section.Path}:{key}'; did you mean '{nearest}'?");
        }
    }

    internal static bool TryTime(string text, out TimeSpan value)
    {
        value = default;
        var number = text.AsSpan().TrimEnd("abcdefghijklmnopqrstuvwxyz");
        var unit = text.AsSpan(number.Length) switch
        {
            "ms" => 1,
            "s" => 1_000,
            "m" or "min" => 60_000,
            "h" => 3_600_000,
            "d" =>
            86_400_000,
            _ => 0
        };
        if (unit == 0 || !double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var amount))
            return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out value);
        if (!double.IsFinite(amount) || Math.Abs(amount * unit) > TimeSpan.MaxValue.TotalMilliseconds / 2) return false;
        value = TimeSpan.FromMilliseconds(amount * unit);
        return true;
    }

    private string? Raw(string key)
    {
        _known.Add(key);
        return section[key] is { Length: > 0 } text ? text : null;
    }

    private InvalidOptionsException Wrong(string key, string found, string allowed) =>
        new($"'{section.Path}:{key}' is '{found}'; it must be {allowed}.");

    // Edit distance; keys are short.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = char.ToUpperInvariant(a[i - 1]) == char.ToUpperInvariant(b[j - 1]) ? diagonal : diagonal + 1;
                diagonal = row[j];
                row[j] = Math.Min(cost, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
