using System.Globalization;

namespace Recourse.Durable;

/// <summary>A letter that comes in from outside, as every store writes it.</summary>
/// <param name="Message">The message with this one delivery.</param>
/// <param name="CreatedAt">When it came in first.</param>
/// <param name="Kind">The kind it died of.</param>
/// <param name="AttemptCount">How many attempts were counted.</param>
/// <param name="FaultAttempt">The attempt with the error's text; 0 where there is none.</param>
/// <param name="Code">The code of that attempt, for the group.</param>
/// <param name="Error">The error's text; null where there is none.</param>
/// <param name="KeyGeneration">The generation in its Idempotency-Key.</param>
/// <param name="MaybeApplied">An attempt may have had an effect.</param>
/// <param name="EditedIn">The generation in which it was edited last; null when it never was.</param>
/// <param name="Edits">How often it was edited.</param>
/// <param name="Attempts">Those that are kept.</param>
/// <param name="Acts">Those that are kept, without the import's own.</param>
/// <param name="DiedBefore">What the history says of its first death.</param>
internal sealed record ImportedLetter(
    NewMessage Message, long CreatedAt, FaultKind Kind, int AttemptCount, int FaultAttempt, string? Code, string? Error, int KeyGeneration,
    bool MaybeApplied, int? EditedIn, int Edits, IReadOnlyList<Attempt> Attempts, IReadOnlyList<LetterAct> Acts, string? DiedBefore)
{
    private const int AttemptsMax = AttemptRules.KeptFirst + AttemptRules.KeptLast;
    private const int WordCharsMax = 64;

    /// <summary>When it came in, by the clock of this store: nothing comes in after now.</summary>
    public long CreatedBy(long now) => Math.Min(CreatedAt, now);

    /// <summary>What its group and the search know of it: without an error's text, the decision that ended it.</summary>
    public string? Words(StoredDelivery letter) => Error ?? AttemptRules.Shorten(letter.Decision);

    /// <summary>Checks what came from outside, and derives what an export does not say.</summary>
    /// <exception cref="ArgumentException">Something is out of its bounds; the message names it.</exception>
    public static ImportedLetter Of(ImportLetterCommand command)
    {
        var letter = command.Letter;
        That(letter.Id.MessageId != Guid.Empty, "Id has no message id");
        That(letter.Id.Index is >= 0 and < DeliveryKey.ServicesMax, $"Id has the place {letter.Id.Index}; it must be 0 to 255");
        That(letter.Generation is >= 0 and < 1_000_000, $"Generation is {letter.Generation}; it must be 0 to 999999");
        That(letter.AttemptCount is >= 0 and < 1_000_000_000, $"AttemptCount is {letter.AttemptCount}; it must be 0 to 999999999");
        That(letter.Edits is >= 0 and < 1_000_000, $"Edits is {letter.Edits}; it must be 0 to 999999");
        That(letter.Note is null || letter.Note.Length <= LetterRules.NoteCharsMax,
            $"Note has {letter.Note?.Length} characters; at most {LetterRules.NoteCharsMax} are kept");
        That(letter.Assignee is null || letter.Assignee.Length <= LetterRules.ActorCharsMax,
            $"Assignee has {letter.Assignee?.Length} characters; at most {LetterRules.ActorCharsMax} are kept");
        That(command.Actor.Length is > 0 and <= LetterRules.ActorCharsMax,
            $"Actor has {command.Actor.Length} characters; it must have 1 to {LetterRules.ActorCharsMax}");
        EnqueueChecks.CheckZero(letter.Note, "ImportLetterCommand.Letter.Note");
        EnqueueChecks.CheckZero(letter.Assignee, "ImportLetterCommand.Letter.Assignee");
        var message = new NewMessage
        {
            Queue = letter.Queue,
            Services = [letter.Service],
            Body = command.Original.Body,
            ContentType = command.Original.ContentType,
            Headers = command.Original.Headers,
            OrderKey = letter.OrderKey,
            TraceParent = letter.TraceParent,
            Priority = letter.Priority,
        };
        EnqueueChecks.Check(message, command.IsSealed);
        if (!command.IsSealed)
            SealedPayload.Refuse(command.Edited?.ContentType, "ImportLetterCommand.Edited.ContentType");
        var (attempts, fault) = Kept(letter);
        var count = Math.Max(letter.AttemptCount, attempts.Count == 0 ? 0 : attempts[^1].Number);
        var edited = command.Edited is not null;
        return new(
            message, StoreTime.Micros(letter.CreatedAt), letter.Kind ?? FaultKind.Unknown, count, fault?.Number ?? 0, fault?.Status,
            fault?.Error, KeyGenerationOf(letter), attempts.Count < count || attempts.Any(attempt => attempt.Applied is not Applied.No),
            edited ? EditedInOf(letter) : null, edited ? Math.Max(1, letter.Edits) : 0, attempts,
            [.. letter.Acts.TakeLast(LetterRules.ActsMax - 1).Select(Rounded)],
            letter.DeadAt is { } died ? string.Create(CultureInfo.InvariantCulture, $"died {died.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}")
                : null);
    }

    /// <summary>The attempts within the bounds, and the one that has the error; made up where the error stands alone.</summary>
    private static (List<Attempt> Attempts, Attempt? Fault) Kept(StoredDelivery letter)
    {
        var attempts = letter.Attempts.Select(attempt => attempt with
        {
            StartedAt = StoreTime.Rounded(attempt.StartedAt),
            Error = AttemptRules.Shorten(attempt.Error),
            Status = AttemptRules.Shorten(attempt.Status),
            Decision = AttemptRules.Shorten(attempt.Decision),
        }).ToList();
        That(attempts.Count <= AttemptsMax, $"Attempts has {attempts.Count} entries; at most {AttemptsMax} are kept");
        for (var i = 0; i < attempts.Count; i++)
        {
            var (attempt, before) = (attempts[i], i == 0 ? 0 : attempts[i - 1].Number);
            That(attempt.Number > before && attempt.Number < 1_000_000_000,
                $"Attempts has number {attempt.Number} after {before}; numbers rise from 1");
            That(attempt.Outcome.Length is > 0 and <= WordCharsMax, $"Attempts has the outcome '{attempt.Outcome}'");
            That(attempt.Node is null || attempt.Node.Length <= 200, "Attempts has a node with more than 200 characters");
        }
        if (letter.Error is null)
            return (attempts, null);
        var error = AttemptRules.Shorten(letter.Error);
        if (attempts.FindLast(attempt => attempt.Error == error) is { } fault)
            return (attempts, fault);
        fault = new()
        {
            Number = Math.Max(letter.AttemptCount, (attempts.Count == 0 ? 0 : attempts[^1].Number) + 1),
            Generation = letter.Generation,
            StartedAt = StoreTime.Rounded(letter.DeadAt ?? letter.CreatedAt),
            Outcome = AttemptRules.Failed,
            Kind = letter.Kind ?? FaultKind.Unknown,
            Applied = Applied.Maybe,
            Error = error,
        };
        attempts.Add(fault);
        if (attempts.Count > AttemptsMax)
            attempts.RemoveAt(AttemptRules.KeptFirst);
        return (attempts, fault);
    }

    private static LetterAct Rounded(LetterAct act)
    {
        That(act.Verb.Length is > 0 and <= WordCharsMax && act.Actor.Length <= LetterRules.ActorCharsMax,
            $"Acts has a line of '{act.Actor}' ('{act.Verb}') that no store wrote");
        return act with { At = StoreTime.Rounded(act.At), Detail = AttemptRules.Shorten(act.Detail) };
    }

    // The generation stands behind the message's id, where it is not 0.
    private static int KeyGenerationOf(StoredDelivery letter)
    {
        if (letter.IdempotencyKey == AttemptRules.IdempotencyKey(letter.Id.MessageId, 0))
            return 0;
        var at = letter.IdempotencyKey.LastIndexOf(".g", StringComparison.Ordinal);
        var known = at >= 0 && int.TryParse(letter.IdempotencyKey.AsSpan(at + 2), NumberStyles.None, CultureInfo.InvariantCulture,
            out var generation) && generation <= letter.Generation
            && letter.IdempotencyKey == AttemptRules.IdempotencyKey(letter.Id.MessageId, generation) ? generation : (int?)null;
        That(known is not null, $"IdempotencyKey is '{letter.IdempotencyKey}', which is none of this delivery");
        return known!.Value;
    }

    /// <summary>An edit is of the generation that the replays after it left behind.</summary>
    private static int EditedInOf(StoredDelivery letter)
    {
        var replays = 0;
        for (var i = letter.Acts.Count - 1; i >= 0 && letter.Acts[i].Verb != "edit"; i--)
            replays += letter.Acts[i].Verb == "replay" ? 1 : 0;
        return Math.Max(0, letter.Generation - replays);
    }

    private static void That(bool good, string message)
    {
        if (!good)
            throw new ArgumentException($"ImportLetterCommand.Letter.{message}.");
    }
}
