namespace Recourse.Server;

/// <summary>A place in a file; both numbers from 1.</summary>
internal readonly record struct Mark(string File, int Line, int Column);

/// <summary>A node of a YAML file that knows where it stands.</summary>
internal abstract record YamlNode(Mark Mark)
{
    /// <summary>How many nodes it holds, itself included, when every alias is written out.</summary>
    public abstract int Size { get; }

    /// <summary>What it is, in the words of an error message.</summary>
    public abstract string Describe();
}

/// <summary>
/// Text as the file has it. <see cref="Text"/> is after <c>${…}</c> was replaced; messages show <see cref="Raw"/>, so no secret leaks.
/// </summary>
internal sealed record YamlScalar(Mark Mark, string Raw, string Text, bool Quoted) : YamlNode(Mark)
{
    public override int Size => 1;

    public bool IsNull => !Quoted && Text is "" or "~" or "null";

    public override string Describe() => IsNull ? "nothing" : Quoted || Raw.Length == 0 ? $"\"{Shorten(Raw)}\"" : Shorten(Raw);

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..57] + "...";
}

internal sealed record YamlList(Mark Mark, IReadOnlyList<YamlNode> Items) : YamlNode(Mark)
{
    public override int Size { get; } = 1 + Items.Sum(item => item.Size);

    public override string Describe() => $"a list of {Items.Count}";
}

internal sealed record YamlMap(Mark Mark, IReadOnlyList<KeyValuePair<YamlScalar, YamlNode>> Entries) : YamlNode(Mark)
{
    public override int Size { get; } = 1 + Entries.Sum(entry => 1 + entry.Value.Size);

    public override string Describe() => "a group of keys";

    public YamlNode? Find(string key) => Entries.FirstOrDefault(entry => entry.Key.Text == key).Value;

    /// <summary>This map over another: groups are merged key by key, anything else here wins.</summary>
    public YamlMap Over(YamlMap under)
    {
        var entries = new List<KeyValuePair<YamlScalar, YamlNode>>(Entries.Count + under.Entries.Count);
        foreach (var (key, value) in Entries)
            entries.Add(new(key, value is YamlMap map && under.Find(key.Text) is YamlMap below ? map.Over(below) : value));
        entries.AddRange(under.Entries.Where(entry => Find(entry.Key.Text) is null));
        return new(Mark, entries);
    }
}
