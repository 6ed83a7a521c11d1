using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Recourse.Durable;

/// <summary>Messages as JSON, and back.</summary>
internal static class MessageBody
{
    public const string ContentType = "application/json";

    public static byte[] Write<T>(T message, JsonSerializerOptions json) =>
        JsonSerializer.SerializeToUtf8Bytes(message, (JsonTypeInfo<T>)json.GetTypeInfo(typeof(T)));

    /// <exception cref="MessageRejectedException">The body is not what the handler takes: no later attempt would read it
    /// either.</exception>
    public static T Read<T>(ClaimedDelivery delivery, JsonSerializerOptions json)
    {
        try
        {
            return JsonSerializer.Deserialize(delivery.Body.Span, (JsonTypeInfo<T>)json.GetTypeInfo(typeof(T)))
                ?? throw new MessageRejectedException($"The body is null; the handler '{delivery.Service}' takes {typeof(T).Name}.",
                    FaultKind.MissingField);
        }
        catch (JsonException error)
        {
            throw new MessageRejectedException($"The body is no {typeof(T).Name}: {error.Message}", FaultKind.TypeMismatch, error);
        }
    }
}
