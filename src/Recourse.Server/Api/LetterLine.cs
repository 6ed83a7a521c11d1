using System.Text.Json.Serialization;
using Recourse.Durable;
using Recourse.Server.Redaction;

namespace Recourse.Server.Api;

/// <summary>
/// One dead letter as a line of NDJSON, whole: what the archive and the export write, and what the import reads. Bodies are base64, so that
/// they come back byte for byte.
/// </summary>
internal sealed record LetterLine
{
    public required string Id { get; init; }
    public required string Queue { get; init; }
    public required string Service { get; init; }
    public string? Kind { get; init; }
    public string? Persistence { get; init; }
    public string? Blame { get; init; }
    public string? Error { get; init; }
    public string? Decision { get; init; }
    public int Generation { get; init; }
    public int AttemptCount { get; init; }
    public int Priority { get; init; } = 4;
    public DateTimeOffset? CreatedAt { get; init; }
    public DateTimeOffset? DeadAt { get; init; }
    public string? Key { get; init; }
    public string? IdempotencyKey { get; init; }
    public string? TraceParent { get; init; }
    public string? Group { get; init; }
    public string? Assignee { get; init; }
    public string? Note { get; init; }
    /// <summary>A person put it into the manual queue.</summary>
    public bool Parked { get; init; }
    public int Edits { get; init; }
    public IReadOnlyList<AttemptView>? Attempts { get; init; }
    public IReadOnlyList<LetterActView>? Acts { get; init; }
    public string? ContentType { get; init; }
    public IReadOnlyDictionary<string, string>? Headers { get; init; }
    /// <summary>The body as it would be sent.</summary>
    public byte[]? BodyBase64 { get; init; }
    /// <summary>The body as it came in, when it was edited.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public byte[]? OriginalBodyBase64 { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? OriginalContentType { get; init; }
    /// <summary>Why it is not whole, and so cannot be imported as it is: its row could not be read, it is without its payload, or
    /// values in it are masked.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Warning { get; init; }

    /// <summary>Reads one whole; a row that cannot be read costs itself: its line says why.</summary>
    public static async Task<LetterLine> ReadAsync(StoreQueries queries, DeliverySummary letter, CancellationToken cancellationToken)
    {
        try
        {
            return await queries.DeliveryAsync(letter.Id, cancellationToken) is { } whole
                ? Of(whole, await queries.PayloadAsync(letter.Id, cancellationToken),
                    whole.Edits > 0 ? await queries.OriginalPayloadAsync(letter.Id, cancellationToken) : null)
                : Damaged(letter, "the row is gone, or cannot be found by its id");
        }
        catch (Exception error) when (error is FormatException or ArithmeticException or InvalidCastException
            or StoreException { Problem: StoreProblem.Other or StoreProblem.Corrupt })
        {
            return Damaged(letter, error.Message);
        }
    }

    /// <summary>The line for those who may not see payloads.</summary>
    public LetterLine WithoutPayload() => this with
    {
        Headers = null,
        BodyBase64 = null,
        OriginalBodyBase64 = null,
        Warning = Warning ?? "Without its payload: the key that asked for it does not show payloads.",
    };

    /// <summary>The line, with a warning where an import would refuse it for its masks.</summary>
    public LetterLine WithWarningOfMasks(Redactor redactor)
    {
        try
        {
            redactor.Whole(BodyBase64, Headers);
            redactor.Whole(OriginalBodyBase64, null);
            return this;
        }
        catch (ArgumentException error)
        {
            return this with { Warning = $"Values in it are masked, so an import refuses it: {error.Message}" };
        }
    }

    private static LetterLine Of(StoredDelivery letter, Payload? payload, Payload? original) => new()
    {
        Id = letter.Id.ToString(),
        Queue = letter.Queue,
        Service = letter.Service,
        Kind = letter.Kind?.Name(),
        Persistence = ViewMapping.Snake(letter.Persistence),
        Blame = ViewMapping.Snake(letter.Blame),
        Error = letter.Error,
        Decision = letter.Decision,
        Generation = letter.Generation,
        AttemptCount = letter.AttemptCount,
        Priority = letter.Priority,
        CreatedAt = letter.CreatedAt,
        DeadAt = letter.DeadAt,
        Key = letter.OrderKey,
        IdempotencyKey = letter.IdempotencyKey,
        TraceParent = letter.TraceParent,
        Group = letter.Group,
        Assignee = letter.Assignee,
        Note = letter.Note,
        Parked = letter.Parked,
        Edits = letter.Edits,
        Attempts = [.. letter.Attempts.Select(ViewMapping.View)],
        Acts = [.. letter.Acts.Select(act => new LetterActView(act.At, act.Actor, act.Verb, act.Detail))],
        ContentType = payload?.ContentType,
        Headers = payload?.Headers,
        BodyBase64 = payload?.Body.ToArray(),
        OriginalBodyBase64 = original?.Body.ToArray(),
        OriginalContentType = original?.ContentType,
    };

    private static LetterLine Damaged(DeliverySummary letter, string why) => new()
    {
        Id = letter.Id.ToString(),
        Queue = letter.Queue,
        Service = letter.Service,
        Error = letter.Error,
        DeadAt = letter.DeadAt,
        Warning = $"This row could not be read: {why}",
    };
}
