using System.Text.Json;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>What an exported line becomes: the dead letter that it was, or a new message for the service it died at.</summary>
internal sealed class LetterImport(Relay relay, bool asDead, string actor)
{
    /// <summary>How long a line that was sent as a message is known again.</summary>
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(365);

    /// <summary>Takes one line in; a bad one costs itself. The same line again is a duplicate, whatever became of the first.</summary>
    public async Task<ImportLine> TakeAsync(int number, byte[]? line)
    {
        string? id = null;
        try
        {
            if (line is null)
                return Refused("The line is longer than a letter can be.");
            Zeros.Check(line);
            var letter = JsonSerializer.Deserialize(line, ApiJson.Plain.LetterLine) ?? throw new JsonException("The line is null.");
            id = letter.Id;
            // A warning alone refuses nothing: whoever wrote masked values back may have left it.
            if (letter.BodyBase64 is null)
                return Refused($"The line has no body. {letter.Warning}".TrimEnd());
            if (!relay.Intake.TryGetValue(letter.Queue, out var door))
                return Refused($"There is no queue '{letter.Queue}'.");
            if (!relay.Configuration.Services.ContainsKey(letter.Service))
                return Refused($"There is no service '{letter.Service}'.");
            if (Math.Max(letter.BodyBase64.Length, letter.OriginalBodyBase64?.Length ?? 0) > door.MaxBody)
                return Refused($"A message in the queue '{letter.Queue}' may have {door.MaxBody:N0} bytes.");
            CheckHeaders(letter);
            relay.Redactor.Whole(letter.BodyBase64, letter.Headers);
            if (letter.OriginalBodyBase64 is { } before)
                relay.Redactor.Whole(before, null);
            return asDead ? await AsDeadAsync(number, letter) : await AsNewAsync(number, letter);
        }
        catch (ProblemException error)
        {
            return Refused(error.Problem.Detail);
        }
        catch (Exception error) when (error is JsonException or ArgumentException or StoreException)
        {
            return Refused(error.Message);
        }

        ImportLine Refused(string why) => new(number, id, "refused", why);
    }

    // What came in by the queue was looked at there; a line may say anything.
    private static void CheckHeaders(LetterLine line)
    {
        _ = IntakeHeaders.ContentType(line.ContentType);
        _ = IntakeHeaders.ContentType(line.OriginalContentType);
        foreach (var (name, value) in line.Headers ?? new Dictionary<string, string>())
        {
            if (!HeaderRules.IsName(name) || HeaderRules.IsOurs(name) || !HeaderRules.IsValue(value ?? "\0"))
                throw IntakeHeaders.Bad($"The header '{Shown(name)}' cannot go on to a service: its name or its value is none of a header, "
                    + "or the relay sets it itself.");
        }
    }

    private static string Shown(string name) => HeaderRules.IsName(name) ? name : "?";

    private async Task<ImportLine> AsDeadAsync(int number, LetterLine line)
    {
        var body = new Payload(line.BodyBase64, line.ContentType, line.Headers);
        var original = line.OriginalBodyBase64 is { } before ? new Payload(before, line.OriginalContentType, line.Headers) : body;
        var command = new ImportLetterCommand(Letter(line), original, actor) { Edited = line.OriginalBodyBase64 is null ? null : body };
        return await relay.Store.CommitAsync(command) switch
        {
            ImportOutcome.Imported => new(number, line.Id, "imported", null),
            ImportOutcome.Duplicate => new(number, line.Id, "duplicate", null),
            _ => new(number, line.Id, "refused", "Its id belongs to another message here."),
        };
    }

    /// <summary>The letter as it was stored, from its line.</summary>
    /// <exception cref="JsonException">A word in it is none that an export writes.</exception>
    internal static StoredDelivery Letter(LetterLine line)
    {
        if (!DeliveryId.TryParse(line.Id, out var id))
            throw new JsonException($"Its id '{line.Id}' is none of a delivery: a message's id, a dot and a number.");
        return new()
        {
            Id = id,
            Queue = line.Queue,
            Service = line.Service,
            State = DeliveryState.Dead,
            Generation = line.Generation,
            CreatedAt = line.CreatedAt ?? line.DeadAt ?? DateTimeOffset.UnixEpoch,
            DeadAt = line.DeadAt,
            AttemptCount = line.AttemptCount,
            Priority = line.Priority,
            OrderKey = line.Key,
            Kind = Kind(line.Kind),
            Persistence = Word(line.Persistence, Persistence.Unknown),
            Blame = Word(line.Blame, Blame.Unknown),
            Error = line.Error,
            Decision = line.Decision,
            Edits = line.Edits,
            Assignee = line.Assignee,
            Note = line.Note,
            Parked = line.Parked,
            TraceParent = line.TraceParent,
            IdempotencyKey = line.IdempotencyKey ?? id.MessageId.ToString("D"),
            Attempts = [.. (line.Attempts ?? []).Select(Attempt)],
            Acts = [.. (line.Acts ?? []).Select(act => new LetterAct(act.At, act.Actor, act.Verb, act.Detail))],
        };
    }

    private static Attempt Attempt(AttemptView attempt) => new()
    {
        Number = attempt.Number,
        Generation = attempt.Generation,
        StartedAt = attempt.StartedAt,
        DurationMs = attempt.DurationMs,
        Outcome = attempt.Outcome,
        Kind = Kind(attempt.Kind),
        Applied = Word(attempt.Applied, Applied.Maybe),
        Status = attempt.Code,
        Error = attempt.Error,
        Node = attempt.Node,
        Decision = attempt.Decision,
    };

    // Of a later release, whose kinds are not all known here.
    private static FaultKind? Kind(string? name) =>
        name is null ? null : FaultKinds.TryParse(name, out var kind) ? kind : FaultKind.Unknown;

    private static T Word<T>(string? word, T without) where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
        {
            if (word == ViewMapping.Snake(value))
                return value;
        }
        return word is null ? without : throw new JsonException($"'{word}' is none of {string.Join(", ", Enum.GetNames<T>())}.");
    }

    private async Task<ImportLine> AsNewAsync(int number, LetterLine line)
    {
        var result = await relay.Store.CommitAsync(new EnqueueCommand(new()
        {
            Queue = line.Queue,
            Services = [line.Service],
            Body = line.BodyBase64,
            ContentType = line.ContentType,
            OrderKey = relay.Configuration.Queues[line.Queue].Ordered ? line.Key : null,
            IdempotencyKey = $"import:{line.Id}",
            Headers = line.Headers,
            TraceParent = line.TraceParent,
        })
        { IdempotencyWindow = Remembered });
        return result.Status switch
        {
            EnqueueStatus.Accepted => new(number, result.MessageId.ToString(), "accepted", null),
            EnqueueStatus.Duplicate => new(number, result.MessageId.ToString(), "duplicate", null),
            _ => new(number, line.Id, "refused", "This letter was imported before with another body."),
        };
    }
}

/// <summary>What became of one line of an import.</summary>
internal sealed record ImportLine(int Line, string? Id, string Result, string? Problem);
