using System.Text;
using System.Text.Json;

namespace Recourse.Durable;

/// <summary>A message's headers as a JSON object, as the SQL stores keep them.</summary>
internal static class HeaderText
{
    public static string? Write(IReadOnlyDictionary<string, string>? headers)
    {
        if (headers is null or { Count: 0 })
            return null;
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach (var (name, value) in headers)
                json.WriteString(name, value);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <exception cref="FormatException">The text is no JSON object of strings.</exception>
    public static IReadOnlyDictionary<string, string>? Read(string? text)
    {
        if (text is null)
            return null;
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.EnumerateObject().ToDictionary(
                header => header.Name, header => header.Value.GetString() ?? "", StringComparer.OrdinalIgnoreCase);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new FormatException($"The stored headers cannot be read: {error.Message}", error);
        }
    }
}
