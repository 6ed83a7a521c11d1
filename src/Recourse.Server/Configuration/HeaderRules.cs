using System.Collections.Frozen;

namespace Recourse.Server;

/// <summary>Which headers may be configured, and which of a sender's may go on to a service.</summary>
internal static class HeaderRules
{
    /// <summary>What belongs to one connection or one message frame, so it is never configured and never passed on.</summary>
    private static readonly FrozenSet<string> Ours = new[]
    {
        "host", "content-length", "content-type", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "proxy-authenticate",
        "proxy-authorization", "te", "trailer", "upgrade", "expect", "http2-settings", "idempotency-key", "traceparent", "tracestate",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Secrets =
        new[] { "authorization", "cookie", "set-cookie", "origin", "referer" }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>The relay sets it itself.</summary>
    public static bool IsOurs(string name) => Ours.Contains(name) || name.StartsWith("recourse-", StringComparison.OrdinalIgnoreCase);

    /// <summary>It may be named in <c>allow_headers</c>.</summary>
    public static bool MayGoOn(string name) => IsName(name) && !IsOurs(name) && !Secrets.Contains(name)
        && !name.StartsWith("proxy-", StringComparison.OrdinalIgnoreCase) && !name.StartsWith("sec-", StringComparison.OrdinalIgnoreCase);

    /// <summary>A token of RFC 9110.</summary>
    public static bool IsName(string text) => text.Length is > 0 and <= 128
        && text.All(letter => char.IsAsciiLetterOrDigit(letter) || "!#$%&'*+-.^_`|~".Contains(letter, StringComparison.Ordinal));

    /// <summary>Visible ASCII, spaces and tabs, not more than 8 KiB.</summary>
    public static bool IsValue(string text) => text.Length <= 8_192 && text.All(letter => letter is >= ' ' and < (char)127 or '\t');
}
