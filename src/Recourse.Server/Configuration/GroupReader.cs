using System.Text.RegularExpressions;

namespace Recourse.Server;

/// <summary>Checks a tree against the table of keys: unknown keys, wrong types, values out of range. Collects every error.</summary>
internal sealed partial class GroupReader(List<ConfigurationError> errors)
{
    private readonly ValueReader _values = new(errors);

    public GroupValues Read(KeyGroup group, YamlMap map)
    {
        var values = new GroupValues(map);
        var said = new Dictionary<string, YamlScalar>();
        foreach (var (name, node) in map.Entries)
        {
            if (group.Find(name.Text) is not { } key)
            {
                Error(name.Mark, Unknown(group, name.Text));
                continue;
            }
            if (key.Kind is KeyKind.Later)
            {
                Error(name.Mark, $"'{key.Name}' ({key.About}) is not supported yet in this release. Remove it.");
                continue;
            }
            var meaning = key.SameAs ?? key.Name;
            if (!said.TryAdd(meaning, name))
            {
                Error(name.Mark, $"'{key.Name}' says the same as '{said[meaning].Text}' in line {said[meaning].Mark.Line}. Keep one of "
                    + "them.");
                continue;
            }
            var before = errors.Count;
            if (Value(key, node) is { } value)
                values.Set(meaning, value is long number ? number + key.Shift : value, node);
            else if (errors.Count > before)
                values.Refuse(meaning);
        }
        return values;
    }

    private object? Value(ConfigurationKey key, YamlNode node)
    {
        switch (key.Kind)
        {
            case KeyKind.Group when node is YamlMap map:
                return Read(key.Group!, map);
            case KeyKind.Group when node is YamlScalar { IsNull: true }:
                return null;
            case KeyKind.Group:
                Error(node.Mark, $"'{key.Name}' is a group of keys ({Some(key.Group!)}); found {key.Found(node)}.");
                return null;
            case KeyKind.GroupMap when node is YamlMap map && map.Entries.Count > key.EntriesMax:
                Error(node.Mark, $"'{key.Name}' has {map.Entries.Count:N0} entries; it may have {key.EntriesMax} at most.");
                return null;
            case KeyKind.GroupMap when node is YamlMap map:
                return map.Entries.Select(entry => Named(key, entry.Key, entry.Value)).OfType<NamedGroup>().ToList();
            case KeyKind.GroupMap when node is YamlScalar { IsNull: true }:
                return null;
            case KeyKind.GroupMap:
                Error(node.Mark, $"'{key.Name}' is a group of names, each with keys of its own; found {key.Found(node)}.");
                return null;
            default:
                return _values.Read(key, node);
        }
    }

    private NamedGroup? Named(ConfigurationKey key, YamlScalar name, YamlNode node)
    {
        if (!IsName(name.Text))
            Error(name.Mark, $"'{name.Text}' is no name for a {key.Group!.Name}: use 1 to 64 of a-z, 0-9, '.', '_' and '-'.");
        if (node is YamlMap map)
            return new(name.Text, name.Mark, Read(key.Group!, map));
        if (node is YamlScalar { IsNull: true })
            return new(name.Text, name.Mark, new(new(name.Mark, [])));
        Error(node.Mark, $"The {key.Group!.Name} '{name.Text}' is a group of keys ({Some(key.Group)}); found {key.Found(node)}.");
        return null;
    }

    private static string Unknown(KeyGroup group, string name)
    {
        if (name == "<<")
            return "Merge keys (<<) are not used here. Write the keys out.";
        var place = group == ConfigurationKeys.Root ? "the top level" : $"'{group.Name}'";
        var known = group.Keys.Where(key => key.Kind is not KeyKind.Later).Select(key => key.Name).ToArray();
        return Spelling.Nearest(name, group.Keys.Select(key => key.Name)) is { } near
            ? $"Unknown key '{name}' in {place}. Did you mean '{near}'?"
            : $"Unknown key '{name}' in {place}. Allowed: {string.Join(", ", known)}.";
    }

    private static string Some(KeyGroup group) =>
        string.Join(", ", group.Keys.Take(3).Select(key => key.Name)) + (group.Keys.Length > 3 ? " …" : "");

    private void Error(Mark mark, string message) => errors.Add(new(mark.File, mark.Line, mark.Column, message));

    public static bool IsName(string text) => NamePattern().IsMatch(text);

    [GeneratedRegex(@"\A[a-z0-9._-]{1,64}\z")]
    private static partial Regex NamePattern();
}
