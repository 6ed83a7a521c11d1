namespace Recourse.Durable;

/// <summary>Dead letters that come in from outside.</summary>
internal sealed partial class MemoryCommands
{
    private ImportOutcome Import(ImportLetterCommand command)
    {
        var (letter, row, now) = (command.Letter, command.Row, Now);
        if (Find(letter.Id) is not null)
            return ImportOutcome.Duplicate;
        if (!Messages.TryGetValue(letter.Id.MessageId, out var stored))
        {
            stored = new()
            {
                Sequence = ++_sequence,
                Id = letter.Id.MessageId,
                Message = row.Message with { Body = row.Message.Body.ToArray() },
                CreatedAt = StoreTime.Time(row.CreatedBy(now)),
            };
            Messages.Add(stored.Id, stored);
        }
        else if (stored.Message.Queue != letter.Queue || !stored.Message.Body.Span.SequenceEqual(row.Message.Body.Span))
        {
            return ImportOutcome.Conflict;
        }
        var delivery = new MemoryDelivery
        {
            Message = stored,
            Index = letter.Id.Index,
            Service = letter.Service,
            GenerationAt = StoreTime.Micros(stored.CreatedAt),
            Rank = row.Message.Priority,
            AttemptCount = row.AttemptCount,
            Generation = letter.Generation,
            KeyGeneration = row.KeyGeneration,
            MaybeApplied = row.MaybeApplied,
            Fault = FaultOf(row.Kind, letter),
            Kind = row.Kind,
            Decision = AttemptRules.Shorten(letter.Decision),
            Edits = row.Edits,
            Edited = command.Edited is { } edited ? (row.EditedIn!.Value, edited.Body.ToArray(), edited.ContentType) : null,
            Marks = new(letter.Assignee, letter.Note, letter.Parked, null, null),
        };
        delivery.Attempts.AddRange(row.Attempts);
        delivery.Acts.AddRange(row.Acts);
        delivery.Add(now, command.Actor, "import", row.DiedBefore);
        delivery.Error = row.Words(letter);
        Die(delivery, row.Code);
        delivery.Error = row.Error;
        var place = stored.Deliveries.FindIndex(other => other.Index > delivery.Index);
        stored.Deliveries.Insert(place < 0 ? stored.Deliveries.Count : place, delivery);
        Deliveries.Add(delivery.Key, delivery);
        Services.Add(delivery.Service);
        TotalsOf(delivery.Queue).Accepted++;
        return ImportOutcome.Imported;
    }

    private static Classification FaultOf(FaultKind kind, StoredDelivery letter) => new()
    {
        Kind = kind,
        Persistence = letter.Persistence,
        Blame = letter.Blame,
        Scope = RetryScope.Call,
        Applied = Applied.Maybe,
        Evidence = "import",
    };
}
