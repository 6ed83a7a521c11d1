using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>A dead letter as the commands on it need it.</summary>
internal readonly record struct Letter(
    long Key, Guid Message, int Route, long? Lane, string? OrderKey, string Service, short Rank, long DiedAt, long? Group, int Generation,
    int KeyGeneration, bool MaybeApplied, int Edits, int? EditedIn, LetterMarks Marks);

/// <summary>
/// What is written when a delivery dies, and taken back when it is dead no longer: its time of death, its group, its text for the search;
/// and the history of what people did with it.
/// </summary>
internal sealed class Letters
{
    private readonly LetterGroups _groups = new();
    private long _last;
    private long _written;
    private long? _version;
    private bool _locked;

    /// <summary>
    /// Before a transaction that may touch letters: from here to its commit it alone does, over all nodes. Reads what others have changed
    /// since the last time.
    /// </summary>
    public void Lock(Sql sql)
    {
        var (last, version, removed) = sql.Read(
            "SELECT last, version, removed FROM letter_clock WHERE id = 1 FOR UPDATE",
            row => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)))[0];
        (_last, _written, _locked) = (last, last, true);
        if (_version == version)
            return;
        var known = _version is { } before && before >= removed ? before : -1;
        if (known < 0)
            _groups.Clear();
        foreach (var group in sql.Read($"{Columns} WHERE version > $1", Read, known))
            _groups.Load(group);
        _version = version;
    }

    /// <summary>After a rollback.</summary>
    public void Forget() => (_version, _locked) = (null, false);

    /// <summary>The time of a death that happens now, if it does: then it is counted.</summary>
    public long DiedAt(long now) => LetterRules.DiedAt(now, _last);

    /// <summary>The time of a replay job that is made now.</summary>
    public long MadeAt(long now) => _last = LetterRules.MadeAt(now, _last);

    /// <summary>Counts a death and gives its group.</summary>
    public long Count(string service, string kind, string? code, string? error, long diedAt)
    {
        _last = Math.Max(_last, diedAt);
        return _groups.Add(service, kind, code, error, diedAt);
    }

    /// <summary>A delivery is dead, or was sorted in: it is in the lists as its row says, and its text is findable.</summary>
    public static void Enter(Sql sql, long key, long group, string? error)
    {
        sql.Later("UPDATE deliveries SET letter_group = $2 WHERE key = $1", key, group);
        sql.Later(
            """
            INSERT INTO letters SELECT key, coalesce(ended_at, 0), route, kind, letter_group FROM deliveries WHERE key = $1
            ON CONFLICT (delivery) DO UPDATE SET letter_group = excluded.letter_group
            """, key);
        if (!string.IsNullOrEmpty(error))
            sql.Later(
                "INSERT INTO letter_texts VALUES ($1, $2) ON CONFLICT (delivery) DO UPDATE SET folded = excluded.folded", key,
                LetterRules.Folded(error));
    }

    /// <summary>A delivery that died on another way than by an attempt that failed.</summary>
    public void Died(Sql sql, long key, string service, string kind, string? error, long diedAt) =>
        Enter(sql, key, Count(service, kind, null, error, diedAt), error);

    /// <summary>They are dead no longer.</summary>
    public void Leave(Sql sql, IReadOnlyList<Letter> letters)
    {
        foreach (var letter in letters)
            _groups.Leave(letter.Group);
        var keys = letters.Select(letter => letter.Key).ToList();
        sql.Later("DELETE FROM letters WHERE delivery = ANY ($1)", keys);
        sql.Later("DELETE FROM letter_texts WHERE delivery = ANY ($1)", keys);
        foreach (var letter in letters)
        {
            if (letter.Marks.TakenBy is not null)
                Free(sql, letter.Key);
        }
    }

    /// <summary>Nobody has it in hand any more.</summary>
    public static void Free(Sql sql, long key) =>
        sql.Run("UPDATE letter_marks SET taken_by = NULL, taken_until = NULL WHERE delivery = $1", key);

    /// <summary>Done when <paramref name="actor"/> may act on it now; else what to answer.</summary>
    public DeadLetterOutcome Find(Sql sql, DeliveryId id, string actor, long now, out Letter letter)
    {
        letter = default;
        if (Find(sql, [id], actor, now) is not [var found])
            return DeadLetterOutcome.NotFound;
        letter = found.Letter;
        return found.Outcome;
    }

    /// <summary>The same for many, in their order and by one statement; those that are not there are left out.</summary>
    public List<(DeadLetterOutcome Outcome, Letter Letter)> Find(Sql sql, IEnumerable<DeliveryId> ids, string actor, long now)
    {
        var wanted = ids.Distinct().ToList();
        var found = sql.Read(
            """
            SELECT d.key, m.id, d.route, d.lane, m.order_key, d.service, d.rank, coalesce(d.ended_at, 0), d.letter_group, d.generation,
              d.key_generation, d.maybe_applied, d.edits, b.generation, k.assignee, k.note, coalesce(k.manual, false), k.taken_by,
              k.taken_until, d.state, d.kind
            FROM unnest($1::uuid[], $2::integer[]) WITH ORDINALITY AS i (id, place, n) JOIN messages m ON m.id = i.id
            JOIN deliveries d ON d.key = m.sequence * 256 + i.place LEFT JOIN letter_marks k ON k.delivery = d.key
            LEFT JOIN letter_bodies b ON b.delivery = d.key WHERE i.place BETWEEN 0 AND 255 ORDER BY i.n FOR UPDATE OF d
            """, row => (State: row.GetInt16(19), Kind: row.TextOrNull(20), Letter: new Letter(
                row.GetInt64(0), row.GetGuid(1), row.GetInt32(2), row.Int64OrNull(3), row.TextOrNull(4), row.GetString(5), row.GetInt16(6),
                row.GetInt64(7), row.Int64OrNull(8), row.GetInt32(9), row.GetInt32(10), row.GetBoolean(11), row.GetInt32(12),
                row.IsDBNull(13) ? null : row.GetInt32(13), new(row.TextOrNull(14), row.TextOrNull(15), row.GetBoolean(16),
                    row.TextOrNull(17), row.Int64OrNull(18)))),
            wanted.ConvertAll(id => id.MessageId), wanted.ConvertAll(id => id.Index));
        return found.ConvertAll(row => (row.State, row.Letter) switch
        {
            (not (short)DeliveryState.Dead, _) => (DeadLetterOutcome.NotDead, row.Letter),
            _ when row.Letter.Marks.KeptFrom(actor, now) => (DeadLetterOutcome.Taken, row.Letter),
            (_, { Group: null } letter) => (DeadLetterOutcome.Done,
                letter with { Group = SortIn(sql, letter.Key, letter.Service, row.Kind, letter.DiedAt) }),
            _ => (DeadLetterOutcome.Done, row.Letter),
        });
    }

    /// <summary>Sorts in a letter of an earlier release.</summary>
    private long SortIn(Sql sql, long key, string service, string? kind, long diedAt)
    {
        var (code, error) = sql.Read(
            """
            SELECT a.status, coalesce(a.error, d.decision) FROM deliveries d
            LEFT JOIN attempts a ON a.delivery = d.key AND a.number = d.fault_attempt WHERE d.key = $1
            """, row => (row.TextOrNull(0), row.TextOrNull(1)), key)[0];
        var group = Count(service, kind ?? FaultKind.Unknown.Name(), code, error, diedAt);
        Enter(sql, key, group, null);
        return group;
    }

    public int Apply(Sql sql, IndexLettersCommand command)
    {
        var rows = sql.Read(
            """
            SELECT d.key, d.service, d.kind, l.died_at FROM letters l JOIN deliveries d ON d.key = l.delivery
            WHERE l.letter_group IS NULL ORDER BY l.died_at DESC LIMIT $1
            """, row => (Key: row.GetInt64(0), Service: row.GetString(1), Kind: row.TextOrNull(2), DiedAt: row.GetInt64(3)),
            command.Limit);
        foreach (var row in rows)
            SortIn(sql, row.Key, row.Service, row.Kind, row.DiedAt);
        return rows.Count;
    }

    /// <summary>Adds a line to a letter's history, of which the last 50 are kept.</summary>
    public static void Add(Sql sql, long key, long at, string actor, string verb, string? detail) =>
        Add(sql, [key], at, actor, verb, detail);

    /// <summary>Adds the same line to the histories of many.</summary>
    public static void Add(Sql sql, List<long> keys, long at, string actor, string verb, string? detail)
    {
        sql.Later(
            """
            INSERT INTO letter_acts (delivery, at, actor, verb, detail)
            SELECT key, $2, $3, $4, $5::text FROM unnest($1::bigint[]) AS l (key)
            """, keys, at, actor, verb, AttemptRules.Shorten(detail));
        sql.Later(
            """
            DELETE FROM letter_acts WHERE id IN (SELECT id FROM
              (SELECT id, row_number() OVER (PARTITION BY delivery ORDER BY id DESC) AS place FROM letter_acts WHERE delivery = ANY ($1)) a
              WHERE place > $2)
            """, keys, LetterRules.ActsMax);
    }

    /// <summary>Writes the gathered counts: once for all commands, just before they are committed.</summary>
    public void Write(Sql sql)
    {
        if (!_locked)
            return;
        _locked = false;
        if (!_groups.HasChanges && _last == _written)
            return;
        var version = (long)sql.Scalar(
            """
            UPDATE letter_clock SET last = $1, version = version + 1, removed = CASE WHEN $2 THEN version + 1 ELSE removed END WHERE id = 1
            RETURNING version
            """, _last, _groups.Removed.Count > 0)!;
        _version = version;
        if (_groups.Removed.Count > 0)
            sql.Later("DELETE FROM letter_groups WHERE fingerprint = ANY ($1)", _groups.Removed.ToList());
        foreach (var group in _groups.Changed)
        {
            sql.Later(
                """
                INSERT INTO letter_groups VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (fingerprint) DO UPDATE SET
                  sample = excluded.sample, dead = excluded.dead, total = excluded.total, last_seen = excluded.last_seen,
                  version = excluded.version
                """, group.Fingerprint, group.Service, group.Kind, group.Code, group.Template, group.Sample, group.Dead, group.Total,
                group.FirstSeen, group.LastSeen, version);
        }
        _groups.Written();
    }

    public const string Columns =
        "SELECT fingerprint, service, kind, code, template, sample, dead, total, first_seen, last_seen FROM letter_groups";

    public static LetterGroup Read(NpgsqlDataReader row) => new()
    {
        Fingerprint = row.GetInt64(0),
        Service = row.GetString(1),
        Kind = row.GetString(2),
        Code = row.TextOrNull(3),
        Template = row.GetString(4),
        Sample = row.TextOrNull(5),
        Dead = row.GetInt64(6),
        Total = row.GetInt64(7),
        FirstSeen = row.GetInt64(8),
        LastSeen = row.GetInt64(9),
    };
}
