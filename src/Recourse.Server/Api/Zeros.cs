using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Recourse.Server.Api;

/// <summary>
/// Refuses a zero (U+0000) in all that is stored as text, or looked for in stored text: PostgreSQL keeps none, and SQLite ends a text at
/// one. Bodies of messages are bytes and may hold any. Asked where a request comes in, so that no route can forget it.
/// </summary>
internal static class Zeros
{
    /// <summary>The problem of a query or a path that holds one; null for none.</summary>
    public static Problem? In(HttpRequest request)
    {
        foreach (var (name, values) in request.Query)
        {
            if (Holds(name) || values.Any(Holds))
                return Refused("bad-query", $"The parameter '{Shown(name)}'");
        }
        foreach (var (name, value) in request.RouteValues)
        {
            if (Holds(value as string))
                return Refused("bad-path", $"The part of the path that stands for '{name}'");
        }
        return null;
    }

    /// <summary>Refuses a form with one; all but an edited body, which is stored as bytes.</summary>
    public static void Check(IFormCollection form)
    {
        foreach (var (name, values) in form)
        {
            if (name != "body" && (Holds(name) || values.Any(Holds)))
                throw new ProblemException(Refused("bad-form", $"The field '{Shown(name)}'"));
        }
    }

    /// <summary>Refuses JSON with one. What is no JSON passes: whoever reads it says what is wrong with it.</summary>
    public static void Check(ReadOnlySpan<byte> json)
    {
        // JSON can say it as an escape only, and nearly none does.
        if (json.IndexOf("\\u0000"u8) >= 0 && FieldOf(json) is { } field)
            throw new ProblemException(Refused("bad-json", $"The field '{Shown(field)}'"));
    }

    private static string? FieldOf(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var field = "";
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is not (JsonTokenType.PropertyName or JsonTokenType.String))
                    continue;
                var text = reader.GetString();
                field = reader.TokenType is JsonTokenType.PropertyName ? text! : field;
                if (Holds(text))
                    return field;
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Malformed, or half a character.
        }
        return null;
    }

    private static bool Holds(string? text) => text?.Contains('\0') is true;

    private static string Shown(string name) => name.Replace("\0", "\\u0000", StringComparison.Ordinal);

    private static Problem Refused(string type, string what) =>
        Problem.Of(StatusCodes.Status400BadRequest, type, $"{what} holds a zero (U+0000), which no text here can have; leave it out.");
}
