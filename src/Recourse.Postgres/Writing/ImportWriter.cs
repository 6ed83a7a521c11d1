using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Writes dead letters that come in from outside: the rows that a death here would have left.</summary>
internal sealed class ImportWriter(Books books, Letters letters)
{
    public ImportOutcome Apply(Sql sql, ImportLetterCommand command, long now)
    {
        var (letter, row) = (command.Letter, command.Row);
        var found = sql.Read(
            """
            SELECT sequence, queue, body, EXISTS (SELECT 1 FROM deliveries WHERE key = sequence * 256 + $2) FROM messages WHERE id = $1
            """,
            there => (Sequence: there.GetInt64(0), There: there.GetBoolean(3), Same: there.GetString(1) == letter.Queue
                && there.GetFieldValue<byte[]>(2).AsSpan().SequenceEqual(row.Message.Body.Span)),
            letter.Id.MessageId, letter.Id.Index);
        if (found is [var known])
        {
            if (known.There || !known.Same)
                return known.There ? ImportOutcome.Duplicate : ImportOutcome.Conflict;
            // Pruned since it was read: it comes in as if it had not been there.
            if (!TryJoin(sql, known.Sequence))
                found.Clear();
        }
        var sequence = found is [var old] ? old.Sequence : AddMessage(sql, letter.Id.MessageId, row, now);
        Write(sql, command, DeliveryKey.Of(sequence, letter.Id.Index), now);
        return ImportOutcome.Imported;
    }

    /// <summary>The message has one more that must end before it may be pruned.</summary>
    private static bool TryJoin(Sql sql, long sequence)
    {
        if (sql.Run("UPDATE messages SET services = services + 1 WHERE sequence = $1", sequence) == 0)
            return false;
        var first = DeliveryKey.Of(sequence, 0);
        sql.Later("UPDATE deliveries SET prunable_at = NULL WHERE key BETWEEN $1 AND $2 AND prunable_at IS NOT NULL",
            first, first + DeliveryKey.ServicesMax - 1);
        return true;
    }

    private static long AddMessage(Sql sql, Guid id, ImportedLetter row, long now)
    {
        // After a start, ids go on behind those that were made here, whatever comes in.
        sql.Later(
            """
            INSERT INTO marks SELECT 1, id FROM messages ORDER BY sequence DESC LIMIT 1
            ON CONFLICT (id) DO UPDATE SET last_id = greatest(marks.last_id, excluded.last_id)
            """);
        var message = row.Message;
        return (long)sql.Scalar(
            """
            INSERT INTO messages (id, queue, services, created_at, order_key, content_type, headers, trace_parent, body)
            VALUES ($1, $2, 1, $3, $4::text, $5::text, $6::text, $7::text, $8) RETURNING sequence
            """, id, message.Queue, row.CreatedBy(now), message.OrderKey, message.ContentType, HeaderText.Write(message.Headers),
            message.TraceParent, message.Body.ToArray())!;
    }

    private void Write(Sql sql, ImportLetterCommand command, long key, long now)
    {
        var (letter, row) = (command.Letter, command.Row);
        var route = books.Route(sql, letter.Queue, letter.Service);
        var (died, kind, words) = (letters.DiedAt(now), row.Kind.Name(), row.Words(letter));
        var group = letters.Count(letter.Service, kind, row.Code, words, died);
        sql.Later(
            """
            INSERT INTO deliveries (key, route, service, state, due_at, attempts, generation, generation_at, key_generation, maybe_applied,
              kind, persistence, blame, fault_attempt, decision, ended_at, rank, edits)
            VALUES ($1, $2, $3, 4, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::text, $15, $16, $17)
            """, key, route, letter.Service, now, row.AttemptCount, letter.Generation, row.CreatedBy(now), row.KeyGeneration,
            row.MaybeApplied, kind, (int)letter.Persistence, (int)letter.Blame, row.FaultAttempt, AttemptRules.Shorten(letter.Decision),
            died, (short)row.Message.Priority, row.Edits);
        Letters.Enter(sql, key, group, words);
        foreach (var attempt in row.Attempts)
            OutcomeWriter.Keep(sql, key, attempt);
        if (letter.Assignee is not null || letter.Note is not null || letter.Parked)
            sql.Later("INSERT INTO letter_marks (delivery, assignee, note, manual) VALUES ($1, $2::text, $3::text, $4)",
                key, letter.Assignee, letter.Note, letter.Parked);
        if (command.Edited is { } edited)
            sql.Later("INSERT INTO letter_bodies VALUES ($1, $2, $3::text, $4)", key, row.EditedIn!.Value, edited.ContentType,
                edited.Body.ToArray());
        foreach (var act in row.Acts)
            Letters.Add(sql, key, StoreTime.Micros(act.At), act.Actor, act.Verb, act.Detail);
        Letters.Add(sql, key, now, command.Actor, "import", row.DiedBefore);
        books.Add(route, DeliveryState.Dead);
    }
}
