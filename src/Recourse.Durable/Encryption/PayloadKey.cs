using System.Security.Cryptography;

namespace Recourse.Durable;

/// <summary>A key of the user's with which bodies and headers are sealed in the store: AES-256 in GCM.</summary>
public sealed record PayloadKey
{
    private const int KeyBytes = 32;

    /// <param name="id">Names the key in each row: 1 to 32 of <c>a-z 0-9 . _ -</c>. Never give another key the same id.</param>
    /// <param name="key">32 bytes, random.</param>
    /// <exception cref="ArgumentException">The id or the key has another form; the message says which.</exception>
    public PayloadKey(string id, ReadOnlySpan<byte> key)
    {
        if (id.Length is 0 or > 32 || !id.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter
            is '.' or '_' or '-'))
            throw new ArgumentException($"The id of a payload key is '{id}'; it must have 1 to 32 of a-z 0-9 . _ -");
        if (key.Length != KeyBytes)
            throw new ArgumentException($"The payload key '{id}' has {key.Length} bytes; it must have {KeyBytes}.");
        Id = id;
        // Keys of their own for each purpose: none of them says anything about another.
        Sealing = Derived(key, "recourse seal");
        Hashing = Derived(key, "recourse idempotency");
        Check = Derived(key, "recourse check")[..16];
    }

    /// <summary>Names the key in each row.</summary>
    public string Id { get; }

    internal byte[] Sealing { get; }
    internal byte[] Hashing { get; }

    /// <summary>Stored beside the id: tells another key under the same id from this one, and nothing more.</summary>
    internal byte[] Check { get; }

    private static byte[] Derived(ReadOnlySpan<byte> key, string purpose)
    {
        var derived = new byte[KeyBytes];
        HKDF.Expand(HashAlgorithmName.SHA256, key, derived, System.Text.Encoding.ASCII.GetBytes(purpose));
        return derived;
    }

    /// <summary>Says the id, and nothing of the key.</summary>
    public override string ToString() => $"payload key '{Id}'";
}
