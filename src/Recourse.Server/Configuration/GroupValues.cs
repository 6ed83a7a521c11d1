namespace Recourse.Server;

/// <summary>The values of one group of keys, each checked for itself, with the places they came from.</summary>
internal sealed class GroupValues(YamlMap map)
{
    private readonly Dictionary<string, (object Value, YamlNode Node)> _values = [];

    public Mark Mark => map.Mark;

    /// <summary>Keys that stand there with a value that could not be read: their errors are said already.</summary>
    private readonly HashSet<string> _wrong = [];

    public void Set(string key, object value, YamlNode node) => _values[key] = (value, node);

    public void Refuse(string key) => _wrong.Add(key);

    public bool Has(string key) => _values.ContainsKey(key);

    /// <summary>True when neither a value nor a wrong one stands there: what is missing may be said.</summary>
    public bool Lacks(string key) => !Has(key) && !_wrong.Contains(key);

    /// <summary>True when a key stands there whose value could not be read.</summary>
    public bool HasWrong => _wrong.Count > 0;

    public T Get<T>(string key, T otherwise) => _values.TryGetValue(key, out var entry) ? (T)entry.Value : otherwise;

    public int Int(string key, int otherwise) => (int)Get<long>(key, otherwise);

    public T? Maybe<T>(string key) where T : struct => _values.TryGetValue(key, out var entry) ? (T)entry.Value : null;

    /// <summary>Where the value of a key stands; the group itself when the key is missing.</summary>
    public Mark At(string key) => _values.TryGetValue(key, out var entry) ? entry.Node.Mark : map.Mark;
}

/// <summary>A text with the place it came from.</summary>
internal sealed record PlacedText(string Text, Mark Mark);

/// <summary>A group under a name that the user chose.</summary>
internal sealed record NamedGroup(string Name, Mark Mark, GroupValues Values);
