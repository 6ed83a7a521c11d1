using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>What people do to a letter beside sending it back or putting it away: edit, note, assign, take.</summary>
internal sealed class LetterMarksWriter(SqliteDatabase database, LetterFinder letters)
{
    private readonly SqliteStatement _edited = database.Prepare("UPDATE deliveries SET edits = edits + 1 WHERE key = ?1");
    private readonly SqliteStatement _body = database.Prepare(
        """
        INSERT INTO letter_bodies (delivery, generation, content_type, body) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (delivery) DO UPDATE SET generation = ?2, content_type = ?3, body = ?4
        """);
    private readonly SqliteStatement _before = database.Prepare(
        """
        SELECT length(coalesce(b.body, m.body)), CASE WHEN b.delivery IS NULL THEN m.content_type ELSE b.content_type END
        FROM messages m LEFT JOIN letter_bodies b ON b.delivery = ?1 WHERE m.sequence = ?1 >> 8
        """);
    private readonly SqliteStatement _annotate = database.Prepare(
        """
        INSERT INTO letter_marks (delivery, assignee, note, manual) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (delivery) DO UPDATE SET assignee = ?2, note = ?3, manual = ?4
        """);
    private readonly SqliteStatement _take = database.Prepare(
        """
        INSERT INTO letter_marks (delivery, taken_by, taken_until) VALUES (?1, ?2, ?3)
        ON CONFLICT (delivery) DO UPDATE SET taken_by = ?2, taken_until = ?3
        """);

    public DeadLetterOutcome Apply(EditPayloadCommand command, long now)
    {
        if (letters.Find(command.Id, command.Actor, now, out var letter) is not DeadLetterOutcome.Done and var refused)
            return refused;
        if (command.IfEdits is { } read && read != letter.Edits)
            return DeadLetterOutcome.Stale;
        _before.Bind(1, letter.Key);
        _before.Step();
        var (bytes, type) = (_before.Int64(0), _before.TextOrNull(1));
        _before.Reset();
        _edited.Bind(1, letter.Key).Run();
        _body.Bind(1, letter.Key).Bind(2, letter.Generation).Bind(3, command.ContentType ?? type).Bind(4, command.Body.Span).Run();
        letters.Add(letter.Key, now, command.Actor, "edit", LetterRules.Detail(command, bytes));
        return DeadLetterOutcome.Done;
    }

    public DeadLetterOutcome Apply(AnnotateCommand command, long now)
    {
        if (letters.Find(command.Id, command.Actor, now, out var letter) is not DeadLetterOutcome.Done and var refused)
            return refused;
        var marks = letter.Marks.With(command);
        _annotate.Bind(1, letter.Key).Bind(2, marks.Assignee).Bind(3, marks.Note).Bind(4, marks.Manual).Run();
        foreach (var (verb, detail) in LetterRules.Acts(command))
            letters.Add(letter.Key, now, command.Actor, verb, detail);
        return DeadLetterOutcome.Done;
    }

    public DeadLetterOutcome Apply(TakeCommand command, long now)
    {
        if (letters.Find(command.Id, command.Actor, now, out var letter) is not DeadLetterOutcome.Done and var refused)
            return refused;
        var until = now + (long)command.Duration.TotalMicroseconds;
        _take.Bind(1, letter.Key).Bind(2, command.Actor).Bind(3, until).Run();
        letters.Add(letter.Key, now, command.Actor, "take", LetterRules.Until(until));
        return DeadLetterOutcome.Done;
    }

    public DeadLetterOutcome Apply(LetGoCommand command, long now)
    {
        var outcome = letters.Find(command.Id, command.Actor, now, out var letter);
        if (outcome is DeadLetterOutcome.NotFound or DeadLetterOutcome.NotDead)
            return outcome;
        if (letter.Marks.HolderAt(now) is not { } holder)
            return DeadLetterOutcome.Done;
        letters.Free(letter);
        letters.Add(letter.Key, now, command.Actor, "release", LetterRules.HeldBy(holder, command.Actor));
        return DeadLetterOutcome.Done;
    }
}
