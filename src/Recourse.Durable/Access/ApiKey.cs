namespace Recourse.Durable;

/// <summary>
/// A key that was given out, or a session that somebody began with one. The secret itself is never stored: <see cref="Hash"/> is what a
/// secret is recognised by.
/// </summary>
public sealed record ApiKey
{
    /// <summary>Names the key in public: it stands in the secret, in lists and in logs. 8 to 32 of a-z and 0-9.</summary>
    public required string Id { get; init; }

    /// <summary>Who uses it, 1 to 64 of <c>a-z 0-9 . _ -</c>: the actor of all that is done with it. A session has its key's.</summary>
    public required string Name { get; init; }

    /// <summary>What it may do. A session has its key's.</summary>
    public required Role Role { get; init; }

    /// <summary>
    /// The SHA-256 of the secret, 32 bytes. A plain hash is enough because secrets are 32 random bytes: there is nothing to guess that a
    /// slow hash would make dearer.
    /// </summary>
    public required ReadOnlyMemory<byte> Hash { get; init; }

    /// <summary>When it was made, by the store's clock.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who made it.</summary>
    public string CreatedBy { get; init; } = "";

    /// <summary>From when on it counts for nothing; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The <see cref="Id"/> of the key that this session began with; null for a key.</summary>
    public string? Parent { get; init; }
}
