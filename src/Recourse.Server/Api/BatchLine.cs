using System.Text.Json;
using System.Text.Json.Serialization;

namespace Recourse.Server.Api;

/// <summary>The answer to one line of a batch: <c>id</c> when it was stored, else <c>problem</c>.</summary>
internal sealed record BatchLine(int Index, int Status)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Guid? Id { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Duplicate { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Problem? Problem { get; init; }
}

/// <summary>
/// A line of <c>application/vnd.recourse+ndjson</c>: the body as JSON, or any bytes as base64, with what would be headers.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record BatchEnvelope
{
    public JsonElement? Body { get; init; }
    public string? BodyBase64 { get; init; }
    public string? ContentType { get; init; }
    public string? IdempotencyKey { get; init; }
    public string? Key { get; init; }
    /// <summary>As the header Recourse-Delay.</summary>
    public string? Delay { get; init; }
    /// <summary>As the header Recourse-Deliver-At.</summary>
    public string? DeliverAt { get; init; }
    /// <summary>As the header Recourse-Expires.</summary>
    public string? Expires { get; init; }
    /// <summary>As the header Recourse-Priority.</summary>
    public int? Priority { get; init; }
    public Dictionary<string, string>? Headers { get; init; }
}
