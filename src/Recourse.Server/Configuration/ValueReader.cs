using System.Globalization;

namespace Recourse.Server;

/// <summary>Reads one value by the kind of its key; null after an error.</summary>
internal sealed class ValueReader(List<ConfigurationError> errors)
{
    public object? Read(ConfigurationKey key, YamlNode node) => key.Kind switch
    {
        KeyKind.TextList or KeyKind.NameList => Texts(key, node),
        KeyKind.StatusList => Statuses(key, node),
        KeyKind.HeaderMap => Headers(key, node),
        _ when node is not YamlScalar => Error(node, $"'{key.Name}' is {Allowed(key)}; found {key.Found(node)}."),
        _ => Scalar(key, (YamlScalar)node),
    };

    private object? Scalar(ConfigurationKey key, YamlScalar node)
    {
        object? value = node.IsNull ? null : key.Kind switch
        {
            KeyKind.Integer => Integer(key, node.Text),
            KeyKind.Boolean => node.Text switch { "true" => true, "false" => false, _ => null },
            KeyKind.Duration => Duration(key, node.Text),
            KeyKind.Size => Measures.TrySize(node.Text, out var bytes) && bytes >= key.Min && bytes <= key.Max ? bytes : null,
            KeyKind.Choice => Array.Find(key.Choices, choice => choice.Equals(node.Text, StringComparison.OrdinalIgnoreCase)),
            KeyKind.HttpUrl => Url(node.Text),
            _ => node.Text.Length is > 0 and <= 4_096 ? node.Text : null,
        };
        if (value is not null)
            return value;
        var near = Spelling.Meant(node.Text, key.Kind is KeyKind.Boolean ? ["true", "false"] : key.Choices) is { } choice
            ? $" Did you mean '{choice}'?" : "";
        return Error(node, $"'{key.Name}' is {Allowed(key)}; found {key.Found(node)}.{near}");
    }

    /// <summary>What may stand there, for the message of an error.</summary>
    private static string Allowed(ConfigurationKey key) => key.Kind switch
    {
        KeyKind.Integer when key.Min == key.Max => $"the number {key.Min} (the only one that this release reads)",
        KeyKind.Integer => $"a whole number from {key.Min:N0} to {key.Max:N0}",
        KeyKind.Boolean => "true or false",
        KeyKind.Duration =>
            $"a time from {Measures.Duration(key.Shortest)} to {Measures.Duration(key.Longest)}, such as 200ms, 30s, 5m, 24h or 7d "
            + $"(a bare number is {BareUnit(key)})",
        KeyKind.Size => $"a size from {key.Min:N0} bytes to {Measures.Size(key.Max)}, such as 512KiB or 1MiB (a bare number is bytes)",
        KeyKind.Choice => $"one of {string.Join(", ", key.Choices)}",
        KeyKind.HttpUrl => "a full address such as http://127.0.0.1:9001/path, with http or https, without user, password or #fragment",
        KeyKind.TextList => "a text or a list of texts",
        KeyKind.NameList => "the name of a service or a list of such names",
        KeyKind.StatusList => "a list of status codes and ranges from 100 to 599, such as [200-299, 409]",
        KeyKind.HeaderMap => "a group of header names and their values",
        _ => "a text",
    };

    private static string BareUnit(ConfigurationKey key) =>
        key.Bare == TimeSpan.FromMilliseconds(1) ? "milliseconds" : key.Bare == TimeSpan.FromDays(1) ? "days" : "seconds";

    private static long? Integer(ConfigurationKey key, string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= key.Min
            && number <= key.Max
            ? number : null;

    private static TimeSpan? Duration(ConfigurationKey key, string text) =>
        Measures.TryDuration(text, key.Bare, out var time) && time >= key.Shortest && time <= key.Longest ? time : null;

    private static Uri? Url(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)
            && url.Host.Length > 0 && url.UserInfo.Length == 0 && url.Fragment.Length == 0 ? url : null;

    private List<PlacedText>? Texts(ConfigurationKey key, YamlNode node)
    {
        var found = new List<PlacedText>();
        if (node is YamlList { Items.Count: var count } && count > key.EntriesMax)
            return (List<PlacedText>?)Error(node, $"'{key.Name}' has {count:N0} entries; it may have {key.EntriesMax} at most.");
        foreach (var item in node is YamlList list ? list.Items : [node])
        {
            if (item is not YamlScalar { IsNull: false, Text.Length: > 0 and <= 4_096 } text)
                Error(item, $"'{key.Name}' is {Allowed(key)}; found {key.Found(item)}.");
            else if (found.Find(earlier => earlier.Text == text.Text) is { } twice)
                Error(item, $"{(key.Secret ? "The same" : $"'{text.Raw}'")} stands in '{key.Name}' twice; the first is in line "
                    + $"{twice.Mark.Line}. Remove one.");
            else
                found.Add(new(text.Text, text.Mark));
        }
        if (node is YamlList { Items.Count: 0 })
            Error(node, $"'{key.Name}' is {Allowed(key)}; found an empty list.");
        return found.Count == 0 ? null : found;
    }

    private List<(int From, int To)>? Statuses(ConfigurationKey key, YamlNode node)
    {
        var found = new List<(int From, int To)>();
        foreach (var item in node is YamlList list ? list.Items : [node])
        {
            var ends = item is YamlScalar text ? text.Text.Split('-', 2, StringSplitOptions.TrimEntries) : [];
            if (ends.Length > 0 && Status(ends[0]) is { } from && Status(ends[^1]) is { } to && from <= to)
                found.Add((from, to));
            else
                Error(item, $"'{key.Name}' is {Allowed(key)}; found {key.Found(item)}.");
        }
        if (node is YamlList { Items.Count: 0 })
            Error(node, $"'{key.Name}' is {Allowed(key)}; found an empty list.");
        return found.Count == 0 ? null : found;

        static int? Status(string text) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var status) && status is >= 100 and <= 599 ? status
                : null;
    }

    private Dictionary<string, string>? Headers(ConfigurationKey key, YamlNode node)
    {
        if (node is not YamlMap map)
            return (Dictionary<string, string>?)Error(node, $"'{key.Name}' is {Allowed(key)}; found {key.Found(node)}.");
        var found = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in map.Entries)
        {
            if (!HeaderRules.IsName(name.Text))
                Error(name, $"'{name.Text}' is no name of a header.");
            else if (HeaderRules.IsOurs(name.Text))
                Error(name, $"The header '{name.Text}' is set by the relay itself and cannot be configured.");
            else if (value is not YamlScalar text || !HeaderRules.IsValue(text.Text))
                Error(value, $"The value of the header '{name.Text}' is one line of visible characters; found "
                    + $"{(value is YamlScalar ? "other characters" : value.Describe())}.");
            else if (!found.TryAdd(name.Text, text.Text))
                Error(name, $"The header '{name.Text}' stands here twice (names differ only in case). Remove one.");
        }
        return found;
    }

    private object? Error(YamlNode node, string message)
    {
        errors.Add(new(node.Mark.File, node.Mark.Line, node.Mark.Column, message));
        return null;
    }
}
