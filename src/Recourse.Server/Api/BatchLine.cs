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
internal sealed record BatchEnvelope
{
    private static readonly string[] Keys =
    [
        "body", "body_base64", "content_type", "idempotency_key", "key", "delay", "deliver_at", "expires", "priority", "headers",
    ];

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

    /// <summary>Reads a line that is valid JSON. A key that is not known is refused: it would be lost without a word.</summary>
    /// <exception cref="ProblemException">The line is no envelope; the detail names the key.</exception>
    public static BatchEnvelope Read(byte[] line)
    {
        var root = JsonElement.Parse(line);
        if (root.ValueKind is not JsonValueKind.Object)
            throw BatchIntake.Bad($"The line is {Words(root.ValueKind)}; an envelope is an object of {string.Join(", ", Keys)}.");
        var envelope = new BatchEnvelope();
        foreach (var part in root.EnumerateObject())
        {
            envelope = part.Name switch
            {
                "body" => envelope with { Body = part.Value.ValueKind is JsonValueKind.Null ? null : part.Value },
                "body_base64" => envelope with { BodyBase64 = Text(part) },
                "content_type" => envelope with { ContentType = Text(part) },
                "idempotency_key" => envelope with { IdempotencyKey = Text(part) },
                "key" => envelope with { Key = Text(part) },
                "delay" => envelope with { Delay = Text(part) },
                "deliver_at" => envelope with { DeliverAt = Text(part) },
                "expires" => envelope with { Expires = Text(part) },
                "priority" => envelope with { Priority = Whole(part) },
                "headers" => envelope with { Headers = Texts(part) },
                var name => throw BatchIntake.Bad($"'{name}' is no key of an envelope; it has {string.Join(", ", Keys)}."
                    + (Spelling.Nearest(name, Keys) is { } near ? $" Did you mean '{near}'?" : "")),
            };
        }
        return envelope;
    }

    // Null is the same as leaving the key out.
    private static string? Text(JsonProperty part) => part.Value.ValueKind switch
    {
        JsonValueKind.String => part.Value.GetString(),
        JsonValueKind.Null => null,
        var kind => throw BatchIntake.Bad($"'{part.Name}' is {Words(kind)}; it must be text."),
    };

    private static int? Whole(JsonProperty part) => part.Value.ValueKind switch
    {
        JsonValueKind.Number when part.Value.TryGetInt32(out var number) => number,
        JsonValueKind.Null => null,
        var kind => throw BatchIntake.Bad($"'{part.Name}' is {Words(kind)}; it must be a whole number."),
    };

    private static Dictionary<string, string>? Texts(JsonProperty part)
    {
        if (part.Value.ValueKind is JsonValueKind.Null)
            return null;
        if (part.Value.ValueKind is not JsonValueKind.Object)
            throw BatchIntake.Bad($"'headers' is {Words(part.Value.ValueKind)}; it must be an object of names and texts.");
        var texts = new Dictionary<string, string>();
        foreach (var header in part.Value.EnumerateObject())
            texts[header.Name] = Text(header) ?? throw BatchIntake.Bad($"The header '{header.Name}' is null; it must be text.");
        return texts;
    }

    private static string Words(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "text",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };
}
