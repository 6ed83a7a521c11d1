namespace Recourse.Durable;

/// <summary>What became of a command on keys.</summary>
public enum KeyOutcome
{
    /// <summary>Done.</summary>
    Done,
    /// <summary>There is no such key, or the key of the session is gone or over.</summary>
    NotFound,
    /// <summary>Another key has this name or id.</summary>
    NameTaken,
    /// <summary>The first key must be an admin's: with any other, nobody could make a second one.</summary>
    NeedsAdmin,
    /// <summary>It is the last admin's key, and others are left that nobody could look after.</summary>
    LastAdmin,
    /// <summary>There are 1,000 keys, as many as are kept.</summary>
    Full,
}

/// <summary>
/// Keeps a key, or a session of one (<see cref="Parent"/>). A key has at most 20 sessions; the oldest ends when there is one more.
/// </summary>
/// <param name="id">See <see cref="ApiKey.Id"/>; new.</param>
/// <param name="name">See <see cref="ApiKey.Name"/>; of a session it counts for nothing.</param>
/// <param name="role">What it may do; of a session it counts for nothing.</param>
/// <param name="hash">The SHA-256 of the secret.</param>
/// <param name="actor">Who makes it.</param>
public sealed class AddKeyCommand(string id, string name, Role role, ReadOnlyMemory<byte> hash, string actor) : StoreCommand<KeyOutcome>
{
    /// <summary>The id.</summary>
    public string Id { get; } = id;
    /// <summary>The name.</summary>
    public string Name { get; } = name;
    /// <summary>What it may do.</summary>
    public Role Role { get; } = role;
    /// <summary>The SHA-256 of the secret.</summary>
    public ReadOnlyMemory<byte> Hash { get; } = hash;
    /// <summary>Who makes it.</summary>
    public string Actor { get; } = actor;
    /// <summary>How long it counts, from the commit; more than zero. Null (the default) is for ever; a session must end.</summary>
    public TimeSpan? Lifetime { get; init; }
    /// <summary>The id of the key that a session begins with; null (the default) makes a key.</summary>
    public string? Parent { get; init; }
}

/// <summary>Takes a key away with all its sessions, or ends one session. It counts for nothing from the commit on.</summary>
/// <param name="id">The id of the key or session.</param>
/// <param name="actor">Who takes it away.</param>
public sealed class RemoveKeyCommand(string id, string actor) : StoreCommand<KeyOutcome>
{
    /// <summary>The id.</summary>
    public string Id { get; } = id;
    /// <summary>Who takes it away.</summary>
    public string Actor { get; } = actor;

    /// <summary>What was removed, or was to be, for the audit; set while the command is applied.</summary>
    internal ApiKey? Removed { get; set; }
}
