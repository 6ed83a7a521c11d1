namespace Recourse.Durable;

/// <summary>What a command changes in the keys of a store.</summary>
/// <param name="Outcome">What the command came to; the rest is empty unless it is done.</param>
/// <param name="Added">The key to keep; null for none.</param>
/// <param name="Removed">The ids of those that go.</param>
internal readonly record struct KeyChange(KeyOutcome Outcome, ApiKey? Added, IReadOnlyList<string> Removed)
{
    public static KeyChange None(KeyOutcome outcome) => new(outcome, null, []);
}

/// <summary>
/// What every store holds to about keys: names are unique, and there is an admin or no key at all. Pure; the store gives all its keys.
/// </summary>
internal static class KeyRules
{
    public const int KeysMax = 1_000;
    public const int SessionsMax = 20;
    private const int HashBytes = 32;

    /// <summary>Refuses what no store keeps.</summary>
    /// <exception cref="ArgumentException">A value is out of its bounds; the message names it.</exception>
    public static void Check(AddKeyCommand command)
    {
        if (command.Id.Length is < 8 or > 32 || !command.Id.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter)))
            throw new ArgumentException($"AddKeyCommand.Id is '{command.Id}'; it must have 8 to 32 of a-z and 0-9.");
        if (command.Hash.Length != HashBytes)
            throw new ArgumentException($"AddKeyCommand.Hash has {command.Hash.Length} bytes; a SHA-256 has {HashBytes}.");
        if (command.Lifetime <= TimeSpan.Zero || command.Lifetime > TimeSpan.FromDays(3_650))
            throw new ArgumentException($"AddKeyCommand.Lifetime is {command.Lifetime}; it must be more than zero and at most 3650 days.");
        if (command.Name == AuditRules.Policy)
            throw new ArgumentException($"AddKeyCommand.Name is '{AuditRules.Policy}', which stands for what the configuration does.");
        if (command.Parent is null)
            EnqueueChecks.CheckName(command.Name, "AddKeyCommand.Name");
        else if (command.Lifetime is null)
            throw new ArgumentException("AddKeyCommand.Lifetime is null; a session must end.");
    }

    public static KeyChange Apply(AddKeyCommand command, IReadOnlyList<ApiKey> all, DateTimeOffset now)
    {
        if (all.Any(key => key.Id == command.Id))
            return KeyChange.None(KeyOutcome.NameTaken);
        var added = new ApiKey
        {
            Id = command.Id,
            Name = command.Name,
            Role = command.Role,
            Hash = command.Hash.ToArray(),
            CreatedAt = now,
            CreatedBy = command.Actor,
            ExpiresAt = now + command.Lifetime,
            Parent = command.Parent,
        };
        if (command.Parent is { } id)
            return Session(added, all.FirstOrDefault(key => key.Id == id && key.Parent is null), all, now);
        var keys = all.Where(key => key.Parent is null).ToList();
        var outcome = keys.Exists(key => key.Name == command.Name) ? KeyOutcome.NameTaken
            : keys.Count >= KeysMax ? KeyOutcome.Full
            : command.Role is not Role.Admin && !keys.Exists(key => key.Role is Role.Admin) ? KeyOutcome.NeedsAdmin
            : KeyOutcome.Done;
        return outcome is KeyOutcome.Done ? new(outcome, added, []) : KeyChange.None(outcome);
    }

    private static KeyChange Session(ApiKey session, ApiKey? parent, IReadOnlyList<ApiKey> all, DateTimeOffset now)
    {
        if (parent is null || parent.ExpiresAt <= now)
            return KeyChange.None(KeyOutcome.NotFound);
        var over = all.Where(key => key.Parent is not null && key.ExpiresAt <= now).Select(key => key.Id).ToList();
        var open = all.Where(key => key.Parent == parent.Id && key.ExpiresAt > now)
            .OrderBy(key => key.CreatedAt).ThenBy(key => key.Id, StringComparer.Ordinal).ToList();
        over.AddRange(open.Take(open.Count - SessionsMax + 1).Select(key => key.Id));
        // It cannot outlive its key.
        var ends = parent.ExpiresAt < session.ExpiresAt ? parent.ExpiresAt : session.ExpiresAt;
        return new(KeyOutcome.Done, session with { Name = parent.Name, Role = parent.Role, ExpiresAt = ends }, over);
    }

    public static KeyChange Apply(RemoveKeyCommand command, IReadOnlyList<ApiKey> all, DateTimeOffset now)
    {
        if (all.FirstOrDefault(key => key.Id == command.Id) is not { } found)
            return KeyChange.None(KeyOutcome.NotFound);
        // Also where it stays: the audit names what somebody wanted to take away.
        command.Removed = found;
        var others = all.Where(key => key.Parent is null && key.Id != found.Id).ToList();
        if (found is { Parent: null, Role: Role.Admin } && others.Count > 0
            && !others.Exists(key => key.Role is Role.Admin && !(key.ExpiresAt <= now)))
            return KeyChange.None(KeyOutcome.LastAdmin);
        return new(KeyOutcome.Done, null, [found.Id, .. all.Where(key => key.Parent == found.Id).Select(key => key.Id)]);
    }
}
