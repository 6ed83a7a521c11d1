using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Recourse.Server.Api;

/// <summary>Which headers of a sender count, and what they may hold.</summary>
internal static class IntakeHeaders
{
    public const string IdempotencyKey = "Idempotency-Key";
    public const string OrderKey = "Recourse-Key";
    public const int MaxKeyLength = 255;

    /// <summary>The value of a key header; null when it was not sent.</summary>
    public static string? Key(IHeaderDictionary headers, string name)
    {
        if (!headers.TryGetValue(name, out var values))
            return null;
        var value = values.Count == 1 ? values[0]! : throw Bad($"The header {name} was sent {values.Count} times; once is allowed.");
        return CheckedKey(value, name);
    }

    public static string CheckedKey(string value, string name) =>
        value.Length is > 0 and <= MaxKeyLength && !value.AsSpan().ContainsAnyInRange('\0', '\x1f') && value.Trim().Length == value.Length
            ? value
            : throw Bad($"{name} must have 1 to {MaxKeyLength} characters, no control characters, and no space at either end.");

    /// <summary>The content type, byte for byte as the services will get it; null when there is none.</summary>
    public static string? ContentType(string? value) => value switch
    {
        null or "" => null,
        "application/json" => value,
        { Length: > 255 } => throw Bad($"The content type has {value.Length} characters; at most 255 are taken."),
        _ when !HeaderRules.IsValue(value) =>
            throw Bad("The content type has characters that no header can carry; it is visible ASCII such as application/json."),
        _ when !MediaTypeHeaderValue.TryParse(value, out _) || value.TrimEnd().EndsWith(';') =>
            throw Bad($"The content type '{value}' is none; it is written type/subtype, with parameters as in text/plain; charset=utf-8."),
        _ when value.AsSpan().TrimStart().StartsWith("application/vnd.recourse.sealed", StringComparison.OrdinalIgnoreCase) =>
            throw Bad($"The content type '{value}' marks what the relay itself has sealed in its store. Use another one."),
        _ => value,
    };

    /// <summary>The trace context; one that is malformed is passed over, as its standard says.</summary>
    public static string? TraceParent(IHeaderDictionary headers)
    {
        var value = headers.TraceParent;
        return value.Count == 1 && value[0] is { Length: 55 } text && text[2] == '-' && text[35] == '-' && text[52] == '-'
            && text.All(letter => letter == '-' || char.IsAsciiHexDigitLower(letter)) ? text : null;
    }

    /// <summary>
    /// The headers that go on to the services of a queue: CloudEvents attributes and what a service allows. Null when there are none.
    /// </summary>
    public static IReadOnlyDictionary<string, string>? ThatGoOn(IHeaderDictionary headers, FrozenSet<string> allowed)
    {
        Dictionary<string, string>? found = null;
        foreach (var (name, value) in headers)
        {
            if (GoesOn(name, allowed) && HeaderRules.IsValue(value.ToString()))
                (found ??= new(StringComparer.OrdinalIgnoreCase))[name.ToLowerInvariant()] = value.ToString();
        }
        return found;
    }

    public static bool GoesOn(string name, FrozenSet<string> allowed) =>
        name.StartsWith("ce-", StringComparison.OrdinalIgnoreCase) || (allowed.Count > 0 && allowed.Contains(name));

    public static ProblemException Bad(string detail) => new(Problem.Of(StatusCodes.Status400BadRequest, "bad-header", detail));
}
