using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>A dead letter as the commands on it need it.</summary>
internal readonly record struct Letter(
    long Key, long Route, long? Lane, string? OrderKey, bool OnlyOne, long DiedAt, long? Group, int Generation, int KeyGeneration,
    bool MaybeApplied, int Edits, int Rank, bool Marked, LetterMarks Marks);

/// <summary>Finds a letter for who wants to act on it, and keeps the history of what was done.</summary>
internal sealed class LetterFinder(SqliteDatabase database, Letters letters)
{
    private readonly SqliteStatement _find = database.Prepare(
        """
        SELECT d.key, d.state, d.route, d.lane, m.order_key, m.services, d.ended_at, d.letter_group, d.generation, d.key_generation,
          d.maybe_applied, d.edits, d.kind, k.delivery, k.assignee, k.note, k.manual, k.taken_by, k.taken_until, d.rank
        FROM messages m JOIN deliveries d ON d.key = m.sequence * 256 + ?2 LEFT JOIN letter_marks k ON k.delivery = d.key WHERE m.id = ?1
        """);
    private readonly SqliteStatement _add = database.Prepare(
        "INSERT INTO letter_acts (delivery, at, actor, verb, detail) VALUES (?1, ?2, ?3, ?4, ?5)");
    private readonly SqliteStatement _forget = database.Prepare(
        "DELETE FROM letter_acts WHERE id IN (SELECT id FROM letter_acts WHERE delivery = ?1 ORDER BY id DESC LIMIT -1 OFFSET ?2)");
    private readonly SqliteStatement _free = database.Prepare(
        "UPDATE letter_marks SET taken_by = NULL, taken_until = NULL WHERE delivery = ?1");

    /// <summary>Done when <paramref name="actor"/> may act on it now; else what to answer.</summary>
    public DeadLetterOutcome Find(DeliveryId id, string actor, long now, out Letter letter)
    {
        letter = default;
        if (id.Index is < 0 or >= DeliveryKey.ServicesMax || !_find.Bind(1, id.MessageId).Bind(2, id.Index).Step())
            return DeadLetterOutcome.NotFound;
        var (state, kind) = (_find.Int64(1), _find.TextOrNull(12));
        letter = new(
            _find.Int64(0), _find.Int64(2), _find.Int64OrNull(3), _find.TextOrNull(4), _find.Int64(5) == 1, _find.Int64(6),
            _find.Int64OrNull(7), _find.Int32(8), _find.Int32(9), _find.Bool(10), _find.Int32(11), _find.Int32(19),
            !_find.IsNull(13),
            new(_find.TextOrNull(14), _find.TextOrNull(15), _find.Bool(16), _find.TextOrNull(17), _find.Int64OrNull(18)));
        _find.Reset();
        if (state != (long)DeliveryState.Dead)
            return DeadLetterOutcome.NotDead;
        if (letter.Marks.KeptFrom(actor, now))
            return DeadLetterOutcome.Taken;
        if (letter.Group is null)
            letter = letter with { Group = letters.SortIn(letter.Key, letter.Route, kind, letter.DiedAt) };
        return DeadLetterOutcome.Done;
    }

    /// <summary>The letter is dead no longer.</summary>
    public void Leave(in Letter letter)
    {
        letters.Leave(letter.Group, letter.DiedAt);
        if (letter.Marked)
            Free(letter);
    }

    /// <summary>Nobody has it in hand any more.</summary>
    public void Free(in Letter letter) => _free.Bind(1, letter.Key).Run();

    /// <summary>Adds a line to its history, of which the last 50 are kept.</summary>
    public void Add(long key, long at, string actor, string verb, string? detail)
    {
        _add.Bind(1, key).Bind(2, at).Bind(3, actor).Bind(4, verb).Bind(5, AttemptRules.Shorten(detail)).Run();
        _forget.Bind(1, key).Bind(2, LetterRules.ActsMax).Run();
    }
}
