using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>What people do to a letter beside sending it back or putting it away: edit, note, assign, take.</summary>
internal sealed class LetterMarksWriter(Letters letters)
{
    public DeadLetterOutcome Apply(Sql sql, EditPayloadCommand command, long now)
    {
        if (letters.Find(sql, command.Id, command.Actor, now, out var letter) is not DeadLetterOutcome.Done and var refused)
            return refused;
        if (command.IfEdits is { } read && read != letter.Edits)
            return DeadLetterOutcome.Stale;
        var (bytes, type) = sql.Read(
            """
            SELECT length(coalesce(b.body, m.body)), CASE WHEN b.delivery IS NULL THEN m.content_type ELSE b.content_type END
            FROM messages m LEFT JOIN letter_bodies b ON b.delivery = $1 WHERE m.sequence = $1 >> 8
            """, row => (row.GetInt32(0), row.TextOrNull(1)), letter.Key)[0];
        sql.Later("UPDATE deliveries SET edits = edits + 1 WHERE key = $1", letter.Key);
        sql.Later(
            """
            INSERT INTO letter_bodies VALUES ($1, $2, $3, $4) ON CONFLICT (delivery) DO UPDATE SET
              generation = excluded.generation, content_type = excluded.content_type, body = excluded.body
            """, letter.Key, letter.Generation, command.ContentType ?? type, command.Body.ToArray());
        Letters.Add(sql, letter.Key, now, command.Actor, "edit", LetterRules.Detail(command, bytes));
        return DeadLetterOutcome.Done;
    }

    public DeadLetterOutcome Apply(Sql sql, AnnotateCommand command, long now)
    {
        if (letters.Find(sql, command.Id, command.Actor, now, out var letter) is not DeadLetterOutcome.Done and var refused)
            return refused;
        var marks = letter.Marks.With(command);
        sql.Later(
            """
            INSERT INTO letter_marks (delivery, assignee, note, manual) VALUES ($1, $2, $3, $4) ON CONFLICT (delivery) DO UPDATE SET
              assignee = excluded.assignee, note = excluded.note, manual = excluded.manual
            """, letter.Key, marks.Assignee, marks.Note, marks.Manual);
        foreach (var (verb, detail) in LetterRules.Acts(command))
            Letters.Add(sql, letter.Key, now, command.Actor, verb, detail);
        return DeadLetterOutcome.Done;
    }

    public DeadLetterOutcome Apply(Sql sql, TakeCommand command, long now)
    {
        if (letters.Find(sql, command.Id, command.Actor, now, out var letter) is not DeadLetterOutcome.Done and var refused)
            return refused;
        var until = now + (long)command.Duration.TotalMicroseconds;
        sql.Later(
            """
            INSERT INTO letter_marks (delivery, taken_by, taken_until) VALUES ($1, $2, $3) ON CONFLICT (delivery) DO UPDATE SET
              taken_by = excluded.taken_by, taken_until = excluded.taken_until
            """, letter.Key, command.Actor, until);
        Letters.Add(sql, letter.Key, now, command.Actor, "take", LetterRules.Until(until));
        return DeadLetterOutcome.Done;
    }

    public DeadLetterOutcome Apply(Sql sql, LetGoCommand command, long now)
    {
        var outcome = letters.Find(sql, command.Id, command.Actor, now, out var letter);
        if (outcome is DeadLetterOutcome.NotFound or DeadLetterOutcome.NotDead)
            return outcome;
        if (letter.Marks.HolderAt(now) is not { } holder)
            return DeadLetterOutcome.Done;
        Letters.Free(sql, letter.Key);
        Letters.Add(sql, letter.Key, now, command.Actor, "release", LetterRules.HeldBy(holder, command.Actor));
        return DeadLetterOutcome.Done;
    }
}
