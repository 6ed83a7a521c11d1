using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using Recourse.Durable;

namespace Recourse.Server.Redaction;

/// <summary>
/// Masks secrets wherever payloads, headers and errors are shown, exported or archived. Headers by their names; JSON by places; text, of
/// errors and of bodies that are no JSON, where one of those names stands with a value behind it.
/// </summary>
internal sealed class Redactor
{
    public const string Mask = "[redacted]";

    /// <summary>Headers that are masked whatever is configured; a star stands for any letters.</summary>
    public static readonly string[] DefaultHeaders =
        ["Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "*-Key", "*token*", "*secret*", "*password*"];

    private readonly Regex _header;
    private readonly Regex _inText;
    private readonly JsonMask? _json;
    private readonly HashSet<string> _always;

    /// <param name="headers">Names of headers beside the defaults, with stars.</param>
    /// <param name="paths">Places in JSON.</param>
    public Redactor(IReadOnlyList<string> headers, IReadOnlyList<JsonPath> paths)
    {
        var globs = DefaultHeaders.Concat(headers).Distinct(StringComparer.OrdinalIgnoreCase).ToList();
        _header = new($"^(?:{string.Join('|', globs.Select(glob => Pattern(glob, ".*")))})$", Options);
        var names = paths.Select(path => path.LastName).OfType<string>().ToList();
        _always = new(names, StringComparer.OrdinalIgnoreCase);
        _json = paths.Count > 0 ? new(paths) : null;
        var words = globs.Select(glob => Pattern(glob, "[A-Za-z0-9_-]*")).Concat(names.Select(Regex.Escape));
        // The name, perhaps in quotes, which are escaped where JSON stands in a string, then : or =. The value is looked for behind it.
        _inText = new($"(?<name>{string.Join('|', words)})(?:\\\\*\")?[ \\t]*[:=][ \\t]*", Options);
    }

    private const RegexOptions Options =
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture;

    private static string Pattern(string glob, string any) => Regex.Escape(glob).Replace("\\*", any, StringComparison.Ordinal);

    public bool IsSecret(string header) => _header.IsMatch(header);

    public IReadOnlyDictionary<string, string>? Headers(IReadOnlyDictionary<string, string>? headers) =>
        headers is null || !headers.Keys.Any(IsSecret) ? headers
            : headers.ToDictionary(header => header.Key, header => IsSecret(header.Key) ? Mask : header.Value);

    /// <summary>Text with the values of secret names masked.</summary>
    public string Text(string text)
    {
        StringBuilder? masked = null;
        var done = 0;
        for (var match = _inText.Match(text); match.Success; match = _inText.Match(text, Math.Max(done, match.Index + match.Length)))
        {
            var start = match.Index + match.Length;
            var end = SecretValue.End(text, start, out var quote);
            if (end == start || !LooksSecret(match.Groups["name"].Value, text[start..end], quote))
                continue;
            (masked ??= new()).Append(text, done, start - done).Append(quote).Append(Mask).Append(quote);
            done = end;
        }
        return masked is null ? text : masked.Append(text, done, text.Length - done).ToString();
    }

    // "unexpected token: end" is no secret: a bare word that stands behind a name by chance stays.
    private bool LooksSecret(string name, string value, string quote) => value != Mask && (_always.Contains(name) || quote.Length > 0
        || value.Length >= 16 || value.Any(char.IsAsciiDigit) || value.AsSpan().IndexOfAny(" \t=") >= 0);

    public Payload Payload(Payload payload)
    {
        // Only where places are configured. A body that cannot be read by place (cut, a form, no JSON) holds the same names as a text.
        var body = _json is null || payload.Body.IsEmpty ? null
            : _json.TryMask(payload.Body, out var masked) ? masked : Plain(payload.Body.Span);
        var headers = Headers(payload.Headers);
        return body is null && ReferenceEquals(headers, payload.Headers) ? payload
            : payload with { Body = body ?? payload.Body, Headers = headers };
    }

    private byte[]? Plain(ReadOnlySpan<byte> body)
    {
        // One byte that is no UTF-8 must not show the rest: then each byte is a letter, and comes out as it went in.
        var encoding = Utf8.IsValid(body) ? Encoding.UTF8 : Encoding.Latin1;
        var text = encoding.GetString(body);
        var masked = Text(text);
        return masked == text ? null : encoding.GetBytes(masked);
    }

    /// <summary>Refuses what was exported with masks: taken in, it would be sent with them.</summary>
    /// <exception cref="ArgumentException">A mask stands in the body or the headers.</exception>
    public void Whole(ReadOnlyMemory<byte> body, IReadOnlyDictionary<string, string>? headers)
    {
        _ = Restore(body, default);
        if (headers?.FirstOrDefault(header => header.Value == Mask && IsSecret(header.Key)).Key is { } name)
            throw new ArgumentException($"The header '{name}' was exported as {Mask}. Write the value, or leave the header out.");
    }

    /// <summary>An edited body with each mask put back from the stored one.</summary>
    /// <exception cref="ArgumentException">A mask stands for nothing.</exception>
    public ReadOnlyMemory<byte> Restore(ReadOnlyMemory<byte> edited, ReadOnlyMemory<byte> stored)
    {
        if (_json is null)
            return edited;
        if (_json.TryRestore(edited, stored, out var restored))
            return restored ?? edited;
        return edited.Span.IndexOf("[redacted]"u8) >= 0 && stored.Span.IndexOf("[redacted]"u8) < 0
            ? throw new ArgumentException($"The body holds {Mask}, which was shown in place of a value. Write the value.") : edited;
    }
}
