using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Writes dead letters that come in from outside: the rows that a death here would have left.</summary>
internal sealed class ImportWriter(
    SqliteDatabase database, Routes routes, EnqueueWriter messages, HeldDeliveries held, AttemptWriter attempts, Letters letters,
    LetterFinder histories)
{
    private readonly SqliteStatement _find = database.Prepare(
        """
        SELECT m.sequence, q.name, m.body, EXISTS (SELECT 1 FROM deliveries WHERE key = m.sequence * 256 + ?2)
        FROM messages m LEFT JOIN queues q ON q.id = m.queue WHERE m.id = ?1
        """);
    private readonly SqliteStatement _add = database.Prepare(
        """
        INSERT INTO deliveries (key, route, state, due_at, attempts, generation, generation_at, key_generation, maybe_applied, kind,
          persistence, blame, fault_attempt, decision, ended_at, rank, letter_group, edits)
        VALUES (?1, ?2, 4, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
        """);
    private readonly SqliteStatement _oneMore = database.Prepare("UPDATE messages SET services = services + 1 WHERE sequence = ?1");
    private readonly SqliteStatement _notPrunable = database.Prepare(
        "UPDATE deliveries SET prunable_at = NULL WHERE key BETWEEN ?1 AND ?2 AND prunable_at IS NOT NULL");
    private readonly SqliteStatement _marks = database.Prepare(
        "INSERT INTO letter_marks (delivery, assignee, note, manual) VALUES (?1, ?2, ?3, ?4)");
    private readonly SqliteStatement _body = database.Prepare(
        "INSERT INTO letter_bodies (delivery, generation, content_type, body) VALUES (?1, ?2, ?3, ?4)");

    public ImportOutcome Apply(ImportLetterCommand command, long now)
    {
        var (letter, row) = (command.Letter, command.Row);
        long sequence;
        if (_find.Bind(1, letter.Id.MessageId).Bind(2, letter.Id.Index).Step())
        {
            var there = _find.Bool(3);
            var same = _find.TextOrNull(1) == letter.Queue && _find.Blob(2).AsSpan().SequenceEqual(row.Message.Body.Span);
            sequence = _find.Int64(0);
            _find.Reset();
            if (there || !same)
                return there ? ImportOutcome.Duplicate : ImportOutcome.Conflict;
            Join(sequence);
        }
        else
        {
            sequence = messages.Add(letter.Id.MessageId, row.Message, row.CreatedBy(now));
        }
        Write(command, DeliveryKey.Of(sequence, letter.Id.Index), now);
        return ImportOutcome.Imported;
    }

    /// <summary>The message has one more that must end before it may be pruned.</summary>
    private void Join(long sequence)
    {
        _oneMore.Bind(1, sequence).Run();
        var first = DeliveryKey.Of(sequence, 0);
        _notPrunable.Bind(1, first).Bind(2, first + DeliveryKey.ServicesMax - 1).Run();
        // What is in hand was remembered as the only one of its message.
        held.Forget();
    }

    private void Write(ImportLetterCommand command, long key, long now)
    {
        var (letter, row) = (command.Letter, command.Row);
        var route = routes.Of(letter.Queue, letter.Service);
        var (died, kind, words) = (letters.DiedAt(now), row.Kind.Name(), row.Words(letter));
        var group = letters.Count(route, kind, row.Code, words, died);
        _add.Bind(1, key).Bind(2, route.Id).Bind(3, now).Bind(4, row.AttemptCount).Bind(5, letter.Generation).Bind(6, row.CreatedBy(now))
            .Bind(7, row.KeyGeneration).Bind(8, row.MaybeApplied).Bind(9, kind).Bind(10, (long)letter.Persistence)
            .Bind(11, (long)letter.Blame).Bind(12, row.FaultAttempt).Bind(13, AttemptRules.Shorten(letter.Decision)).Bind(14, died)
            .Bind(15, row.Message.Priority).Bind(16, group).Bind(17, row.Edits).Run();
        letters.Index(words, died);
        foreach (var attempt in row.Attempts)
            attempts.Keep(key, attempt);
        if (letter.Assignee is not null || letter.Note is not null || letter.Parked)
            _marks.Bind(1, key).Bind(2, letter.Assignee).Bind(3, letter.Note).Bind(4, letter.Parked).Run();
        if (command.Edited is { } edited)
            _body.Bind(1, key).Bind(2, row.EditedIn!.Value).Bind(3, edited.ContentType).Bind(4, edited.Body.Span).Run();
        foreach (var act in row.Acts)
            histories.Add(key, StoreTime.Micros(act.At), act.Actor, act.Verb, act.Detail);
        histories.Add(key, now, command.Actor, "import", row.DiedBefore);
        routes.AcceptDead(route);
    }
}
