using System.Text;
using System.Text.RegularExpressions;
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

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
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
        // The name, perhaps in quotes, then : or =, then a value: in quotes, after a scheme, or up to the next space or comma.
        _inText = new($"(?<name>{string.Join('|', words)})(?<sign>\"?[ \\t]*[:=][ \\t]*)"
            + "(?<value>\"(?:[^\"\\\\]|\\\\.)*\"|(?:Bearer|Basic|Digest)[ \\t]+[^\\s,;\"]+|[^\\s,;\"&}\\]]+)", Options);
    }

    private const RegexOptions Options =
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture;

    private static string Pattern(string glob, string any) => Regex.Escape(glob).Replace("\\*", any, StringComparison.Ordinal);

    public bool IsSecret(string header) => _header.IsMatch(header);

    public IReadOnlyDictionary<string, string>? Headers(IReadOnlyDictionary<string, string>? headers) =>
        headers is null || !headers.Keys.Any(IsSecret) ? headers
            : headers.ToDictionary(header => header.Key, header => IsSecret(header.Key) ? Mask : header.Value);

    /// <summary>Text with the values of secret names masked.</summary>
    public string Text(string text) => _inText.Replace(text, match =>
    {
        var value = match.Groups["value"].Value;
        return LooksSecret(match.Groups["name"].Value, value)
            ? match.Groups["name"].Value + match.Groups["sign"].Value + (value[0] == '"' ? $"\"{Mask}\"" : Mask) : match.Value;
    });

    // "unexpected token: end" is no secret: a bare word that stands behind a name by chance stays.
    private bool LooksSecret(string name, string value) => value != Mask && (_always.Contains(name) || value[0] == '"'
        || value.Length >= 16 || value.Any(char.IsAsciiDigit) || value.AsSpan().IndexOfAny(" \t=") >= 0);

    public Payload Payload(Payload payload)
    {
        var body = _json?.Mask(payload.Body) is { } masked ? masked : Plain(payload.Body);
        var headers = Headers(payload.Headers);
        return body is null && ReferenceEquals(headers, payload.Headers) ? payload
            : payload with { Body = body ?? payload.Body, Headers = headers };
    }

    // Only where places are configured: then a body that is cut, or is a form, holds the same names. JSON was looked at by place.
    private byte[]? Plain(ReadOnlyMemory<byte> body)
    {
        if (_json is null || body.IsEmpty || IsJson(body))
            return null;
        try
        {
            var text = Strict.GetString(body.Span);
            var masked = Text(text);
            return masked == text ? null : Encoding.UTF8.GetBytes(masked);
        }
        catch (ArgumentException)
        {
            return null; // Bytes that are no text are shown as bytes.
        }
    }

    private static bool IsJson(ReadOnlyMemory<byte> body)
    {
        var reader = new System.Text.Json.Utf8JsonReader(body.Span);
        try
        {
            while (reader.Read())
            {
                // Reading is the check.
            }
            return true;
        }
        catch (System.Text.Json.JsonException)
        {
            return false;
        }
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
        if (_json.Restore(edited, stored) is { } restored)
            return restored;
        return !IsJson(edited) && edited.Span.IndexOf("[redacted]"u8) >= 0 && stored.Span.IndexOf("[redacted]"u8) < 0
            ? throw new ArgumentException($"The body holds {Mask}, which was shown in place of a value. Write the value.") : edited;
    }
}
