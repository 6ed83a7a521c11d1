using System.Text.Json;
using System.Text.Json.Serialization;

namespace Recourse.Durable;

/// <summary>A replay's request as JSON, as the SQL stores keep it. A condition that this program does not know is an error, never passed
/// over: a filter that forgets a condition would send back too much.</summary>
internal static class ReplayText
{
    public static string Write(ReplayRequest request) => JsonSerializer.Serialize(request, ReplayJson.Default.ReplayRequest);

    /// <exception cref="FormatException">The text cannot be read, or holds a condition of a later release.</exception>
    public static ReplayRequest Read(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, ReplayJson.Default.ReplayRequest) ?? throw new FormatException("The replay is empty.");
        }
        catch (JsonException error)
        {
            throw new FormatException($"The stored replay cannot be read: {error.Message}", error);
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    UseStringEnumConverter = true,
    Converters = [typeof(FaultKindText)])]
[JsonSerializable(typeof(ReplayRequest))]
internal sealed partial class ReplayJson : JsonSerializerContext;

/// <summary>Kinds by their names, as everywhere.</summary>
internal sealed class FaultKindText : JsonConverter<FaultKind>
{
    public override FaultKind Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        FaultKinds.TryParse(reader.GetString() ?? "", out var kind) ? kind
            : throw new JsonException($"'{reader.GetString()}' is no kind of fault that this release knows.");

    public override void Write(Utf8JsonWriter writer, FaultKind value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Name());
}
