using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Recourse.Server.Security;

/// <summary>
/// The secret of a key, as it is given out once: <c>rk_{id}_{32 random bytes}</c>. The id in it names the key in public; the rest is what
/// nobody can guess, so its plain SHA-256 is all that needs to be kept.
/// </summary>
internal readonly record struct KeySecret(string Id, string Text)
{
    private const string Prefix = "rk_";
    private const int IdLength = 8;
    private const int SecretBytes = 32;
    private static readonly int Length = Prefix.Length + IdLength + 1 + Base64Url.GetEncodedLength(SecretBytes);

    public static KeySecret New()
    {
        var id = RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz0123456789", IdLength);
        return new(id, $"{Prefix}{id}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes))}");
    }

    /// <summary>Reads a text that looks like a secret; whether it is one, only its hash tells.</summary>
    public static bool TryParse(string? text, out KeySecret secret)
    {
        secret = default;
        if (text?.Length != Length || !text.StartsWith(Prefix, StringComparison.Ordinal) || text[Prefix.Length + IdLength] != '_')
            return false;
        secret = new(text.Substring(Prefix.Length, IdLength), text);
        return true;
    }

    public byte[] Hash() => SHA256.HashData(Encoding.UTF8.GetBytes(Text));
}
