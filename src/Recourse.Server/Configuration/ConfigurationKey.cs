namespace Recourse.Server;

internal enum KeyKind
{
    Text,
    Integer,
    Boolean,
    Duration,
    Size,
    Choice,
    HttpUrl,
    TextList,
    NameList,
    StatusList,
    HeaderMap,
    Group,
    GroupMap,
    Later,
}

/// <summary>One key that a configuration may hold. The table of these drives the reader, its suggestions and the JSON schema.</summary>
internal sealed record ConfigurationKey(string Name, KeyKind Kind, string About)
{
    public long Min { get; init; }
    public long Max { get; init; } = int.MaxValue;
    public TimeSpan Shortest { get; init; }
    public TimeSpan Longest { get; init; } = TimeSpan.FromDays(3_650);

    /// <summary>What a number without a unit means.</summary>
    public TimeSpan Bare { get; init; } = TimeSpan.FromSeconds(1);

    public string[] Choices { get; init; } = [];

    /// <summary>How many entries a list or a group of names may have.</summary>
    public int EntriesMax { get; init; } = int.MaxValue;

    /// <summary>What stands there may be a secret, also when it stands there by mistake: no error shows it.</summary>
    public bool Secret { get; init; }

    public KeyGroup? Group { get; init; }

    /// <summary>The key that says the same in another way; only one of them may stand in a group.</summary>
    public string? SameAs { get; init; }

    /// <summary>What is added to a whole number to say it in the words of <see cref="SameAs"/>.</summary>
    public long Shift { get; init; }

    public static ConfigurationKey Whole(string name, long min, long max, string about) =>
        new(name, KeyKind.Integer, about) { Min = min, Max = max };

    public static ConfigurationKey Time(string name, TimeSpan shortest, TimeSpan longest, string about) =>
        new(name, KeyKind.Duration, about) { Shortest = shortest, Longest = longest };

    public static ConfigurationKey OneOf(string name, string[] choices, string about) =>
        new(name, KeyKind.Choice, about) { Choices = choices };

    /// <summary>A key of which later releases will know the meaning: refused, never passed over.</summary>
    public static ConfigurationKey NotYet(string name, string about) => new(name, KeyKind.Later, about);

    /// <summary>What was found in the place of a value, for the message of an error.</summary>
    public string Found(YamlNode node) => node is not YamlScalar { IsNull: false } text ? node.Describe()
        : Secret ? "a text, which is not shown"
        : Kind is KeyKind.HttpUrl && text.Text.Contains('@', StringComparison.Ordinal) ? "one with a user, which is not shown"
        : text.Describe();

    /// <summary>This key under the name that ends in <c>_ms</c>, whose bare numbers are milliseconds.</summary>
    public ConfigurationKey InMilliseconds() => this with { Name = $"{Name}_ms", SameAs = Name, Bare = TimeSpan.FromMilliseconds(1) };
}

/// <summary>The keys that may stand together.</summary>
internal sealed record KeyGroup(string Name, ConfigurationKey[] Keys)
{
    public ConfigurationKey? Find(string name) => Array.Find(Keys, key => key.Name == name);
}
