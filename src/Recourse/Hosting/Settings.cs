using System.Globalization;
using System.Numerics;
using Microsoft.Extensions.Configuration;

namespace Recourse;

/// <summary>
/// One section of a configuration, read by hand so that trimming keeps it whole. Every key has to be asked for: what is left over is an
/// error that names the nearest valid key.
/// </summary>
internal sealed class Settings(IConfigurationSection section)
{
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    internal delegate bool Parser<T>(string text, out T value);

    internal Settings? Section(string key)
    {
        _known.Add(key);
        var child = section.GetSection(key);
        if (!child.Exists()) return null;
        if (child.Value is not { Length: > 0 } switched || child.GetChildren().Any()) return new Settings(child);
        if (!bool.TryParse(switched, out var on)) throw Wrong(key, switched, "true, false or a section with settings");
        return on ? new Settings(child) : null;
    }

    /// <summary>Reads a section if it is there. Options out of range are errors that name the section as well.</summary>
    internal void Part(string key, Action<Settings> read)
    {
        if (Section(key) is { } part) Check(key, () => read(part));
    }

    internal void Check(string key, Action read)
    {
        try
        {
            read();
        }
        catch (InvalidOptionsException e) when (!e.Message.Contains(section.Path, StringComparison.Ordinal))
        {
            throw new InvalidOptionsException($"'{section.Path}:{key}': {e.Message}", e);
        }
    }

    internal bool HasKeys(string key) => section.GetSection(key).GetChildren().Any();

    internal bool IsWord(string key, string word) => string.Equals(Raw(key), word, StringComparison.OrdinalIgnoreCase);

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

    internal int NeededInt(string key) => MaybeInt(key) ?? throw Wrong(key, "", "a whole number");

    internal T Number<T>(string key)
        where T : struct, INumber<T> => Needed<T>(
            key, static (string text, out T value) => T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value),
            "a number of the type that Type says");

    internal T Needed<T>(string key, Parser<T> parse, string allowed) =>
        Raw(key) is { } text && parse(text, out var value) ? value : throw Wrong(key, Raw(key) ?? "", allowed);

    internal IReadOnlyCollection<FaultKind>? Kinds(string key) =>
        Names(key) is { } names ? [.. names.Select(name => Kind(key, name))] : null;

    internal IReadOnlyCollection<FaultCategory>? Categories(string key) =>
        Names(key) is { } names ? [.. names.Select(name => Category(key, name))] : null;

    /// <summary>A key of this section that is the name of a kind.</summary>
    internal FaultKind Kind(string name) => FaultKinds.TryParse(name, out var kind) ? kind : throw WrongKey(name, KindAllowed);

    /// <summary>A key of this section that is the name of a category.</summary>
    internal FaultCategory Category(string name) =>
        TryCategory(name, out var category) ? category : throw WrongKey(name, CategoryAllowed);

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

    private const string KindAllowed = "a kind of fault, for example connection_refused";

    private static readonly string CategoryAllowed =
        $"one of {string.Join(", ", System.Enum.GetNames<FaultCategory>().Select(name => name.ToLowerInvariant()))}";

    private FaultKind Kind(string key, string name) => FaultKinds.TryParse(name, out var kind) ? kind : throw Wrong(key, name, KindAllowed);

    private FaultCategory Category(string key, string name) =>
        TryCategory(name, out var category) ? category : throw Wrong(key, name, CategoryAllowed);

    // Never a number, which would be read as the value behind the name.
    private static bool TryCategory(string name, out FaultCategory category) =>
        System.Enum.TryParse(name, ignoreCase: true, out category)
        && string.Equals(System.Enum.GetName(category), name, StringComparison.OrdinalIgnoreCase);

    private string[]? Names(string key)
    {
        _known.Add(key);
        var child = section.GetSection(key);
        if (!child.Exists()) return null;
        return child.Value?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            ?? [.. child.GetChildren().Select(item => item.Value ?? "")];
    }

    private InvalidOptionsException Wrong(string key, string found, string allowed) =>
        new($"'{section.Path}:{key}' is '{found}'; it must be {allowed}.");

    private InvalidOptionsException WrongKey(string found, string allowed) =>
        new($"The key '{section.Path}:{found}' is not known; it must be {allowed}.");

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
