using System.Security.Cryptography;
using System.Text;

namespace Recourse.Server;

/// <summary>How the relay shows a service who it is. Exactly one way is set; null everywhere means that it does not.</summary>
public sealed record ServiceAuth
{
    /// <summary>Sent as <c>Authorization: Bearer …</c>.</summary>
    public string? Bearer { get; init; }

    /// <summary>With <see cref="Password"/>, sent as <c>Authorization: Basic …</c>; without a colon.</summary>
    public string? User { get; init; }

    /// <summary>The password of <see cref="User"/>.</summary>
    public string? Password { get; init; }

    /// <summary>The name of the header that carries <see cref="Value"/>, such as X-Api-Key.</summary>
    public string? Header { get; init; }

    /// <summary>The value of <see cref="Header"/>.</summary>
    public string? Value { get; init; }

    /// <summary>
    /// Where an access token is asked for with <see cref="ClientId"/> and <see cref="ClientSecret"/> (OAuth 2.0 client credentials); it is
    /// sent as <c>Authorization: Bearer …</c> and kept until shortly before it ends.
    /// </summary>
    public Uri? TokenUrl { get; init; }

    /// <summary>Who the relay is to the token endpoint.</summary>
    public string? ClientId { get; init; }

    /// <summary>The secret of <see cref="ClientId"/>.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>What the token shall allow, names with spaces between; null leaves it to the token endpoint.</summary>
    public string? Scope { get; init; }

    /// <summary>For whom the token is, where the token endpoint asks for that; null (the default) is not sent.</summary>
    public string? Audience { get; init; }

    /// <summary>
    /// True sends id and secret in the form to the token endpoint; false (the default) as Basic authentication, which each must take.
    /// </summary>
    public bool SecretInForm { get; init; }

    /// <summary>The header that a delivery carries.</summary>
    /// <param name="token">The access token, where <see cref="TokenUrl"/> gives them out.</param>
    internal (string Name, string Value) Carried(string? token = null) => Bearer is not null ? ("Authorization", $"Bearer {Bearer}")
        : User is not null ? ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{Password}")))
        : TokenUrl is not null ? ("Authorization", $"Bearer {token}")
        : (Header!, Value!);

    /// <summary>Says which way, and no secret.</summary>
    public override string ToString() => Bearer is not null ? "bearer" : User is not null ? "basic"
        : TokenUrl is not null ? $"client credentials of {ClientId}" : $"header {Header}";
}

/// <summary>
/// Signs deliveries as Standard Webhooks has it: <c>webhook-id</c>, <c>webhook-timestamp</c>, <c>webhook-signature: v1,…</c>, an
/// HMAC-SHA256 of id, time and body. With several secrets there is a signature of each, so that a receiver can change over.
/// </summary>
internal sealed class DeliverySigner
{
    internal const string SecretPrefix = "whsec_";
    private const int SecretBytesMin = 16;
    private readonly byte[][] _secrets;

    /// <param name="secrets">Texts that <see cref="ReadSecret"/> reads.</param>
    internal DeliverySigner(IEnumerable<string> secrets) => _secrets = [.. secrets.Select(secret => ReadSecret(secret)!)];

    /// <summary>
    /// The bytes of a secret: base64 behind <c>whsec_</c>, else the text itself; null when it has fewer than 16 bytes, or is no base64.
    /// </summary>
    internal static byte[]? ReadSecret(string text)
    {
        byte[] bytes;
        if (text.StartsWith(SecretPrefix, StringComparison.Ordinal))
        {
            bytes = new byte[text.Length];
            if (!Convert.TryFromBase64String(text[SecretPrefix.Length..], bytes, out var length))
                return null;
            bytes = bytes[..length];
        }
        else
            bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length < SecretBytesMin ? null : bytes;
    }

    /// <summary>The value of <c>webhook-signature</c>.</summary>
    internal string Sign(string id, long unixSeconds, ReadOnlySpan<byte> body)
    {
        var head = Encoding.UTF8.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{id}.{unixSeconds}."));
        var signatures = new string[_secrets.Length];
        for (var i = 0; i < signatures.Length; i++)
        {
            using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _secrets[i]);
            hmac.AppendData(head);
            hmac.AppendData(body);
            signatures[i] = "v1," + Convert.ToBase64String(hmac.GetHashAndReset());
        }
        return string.Join(' ', signatures);
    }
}
