using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Recourse.Server.Api;

/// <summary>How every shape of the API is written: snake case, times in UTC with a Z.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.Strict,
    Converters = [typeof(UtcTimeConverter)])]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(ListView<KeyView>))]
[JsonSerializable(typeof(NewKey))]
[JsonSerializable(typeof(NewKeyView))]
[JsonSerializable(typeof(ListView<AuditView>))]
[JsonSerializable(typeof(Accepted))]
[JsonSerializable(typeof(BatchLine))]
[JsonSerializable(typeof(ListView<QueueView>))]
[JsonSerializable(typeof(ListView<MessageView>))]
[JsonSerializable(typeof(ListView<DeadLetterView>))]
[JsonSerializable(typeof(ListView<ServiceView>))]
[JsonSerializable(typeof(DeadLetterDetailView))]
[JsonSerializable(typeof(DeadLetterActView))]
[JsonSerializable(typeof(ActRequest))]
[JsonSerializable(typeof(ListView<GroupView>))]
[JsonSerializable(typeof(StatsView))]
[JsonSerializable(typeof(EditView))]
[JsonSerializable(typeof(LetterLine))]
[JsonSerializable(typeof(ImportLine))]
[JsonSerializable(typeof(DiffView))]
[JsonSerializable(typeof(BackupRequest))]
[JsonSerializable(typeof(BackupView))]
[JsonSerializable(typeof(ReplayBody))]
[JsonSerializable(typeof(ReplayView))]
[JsonSerializable(typeof(ReplayPreviewView))]
[JsonSerializable(typeof(ListView<ReplayView>))]
[JsonSerializable(typeof(ListView<ReplayItemView>))]
[JsonSerializable(typeof(ListView<NodeView>))]
[JsonSerializable(typeof(NodeReleaseView))]
[JsonSerializable(typeof(LiveView))]
[JsonSerializable(typeof(ReadyView))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>
    /// Quotes and letters of any language as they are: answers are JSON by their type and are never sniffed, so nothing in them is markup.
    /// </summary>
    public static JavaScriptEncoder Encoder { get; } = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>The shapes as the API writes them.</summary>
    public static ApiJson Plain => Written.Context;

    // A class of its own: initializers of one type in two files run in no order that one could rely on.
    private static class Written
    {
        public static ApiJson Context { get; } = new(new(Default.Options) { Encoder = Encoder });
    }
}

/// <summary>RFC 3339 in UTC with milliseconds: <c>2026-01-31T10:30:00.000Z</c>.</summary>
internal sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
}
