using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// What is written when a delivery dies, and taken back when it is dead no longer: its time of death, its group, its text for the search.
/// </summary>
internal sealed class Letters
{
    private readonly LetterGroups _groups = new();
    private readonly SqliteStatement _all;
    private readonly SqliteStatement _write;
    private readonly SqliteStatement _remove;
    private readonly SqliteStatement _index;
    private readonly SqliteStatement _unindex;
    private readonly SqliteStatement _sort;
    private readonly SqliteStatement _unsorted;
    private readonly SqliteStatement _error;
    private readonly Routes _routes;
    private long _last;

    public Letters(SqliteDatabase database, Routes routes)
    {
        _routes = routes;
        _all = database.Prepare(
            "SELECT fingerprint, service, kind, code, template, sample, dead, total, first_seen, last_seen FROM letter_groups");
        _write = database.Prepare(
            """
            INSERT INTO letter_groups (fingerprint, service, kind, code, template, sample, dead, total, first_seen, last_seen)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            ON CONFLICT (fingerprint) DO UPDATE SET sample = ?6, dead = ?7, total = ?8, last_seen = ?10
            """);
        _remove = database.Prepare("DELETE FROM letter_groups WHERE fingerprint = ?1");
        _index = database.Prepare("INSERT INTO letter_text (rowid, error) VALUES (?1, ?2)");
        _unindex = database.Prepare("DELETE FROM letter_text WHERE rowid = ?1");
        _sort = database.Prepare("UPDATE deliveries SET letter_group = ?2 WHERE key = ?1");
        _unsorted = database.Prepare(
            "SELECT key, route, kind, ended_at FROM deliveries WHERE state = 4 AND letter_group IS NULL ORDER BY ended_at DESC LIMIT ?1");
        _error = database.Prepare(
            """
            SELECT a.status, coalesce(a.error, d.decision) FROM deliveries d
            LEFT JOIN attempts a ON a.delivery = d.key AND a.number = d.fault_attempt WHERE d.key = ?1
            """);
        // Behind the last replay job too: it is not to take what dies now for its own when the clock went back.
        _last = Math.Max(database.Number("SELECT max(ended_at) FROM deliveries WHERE state = 4") ?? 0,
            database.Number("SELECT max(made_at) FROM replays") ?? 0);
        Load();
    }

    /// <summary>The time of a death that happens now, if it does: then it is counted.</summary>
    public long DiedAt(long now) => LetterRules.DiedAt(now, _last);

    /// <summary>The time of a replay job that is made now.</summary>
    public long MadeAt(long now) => _last = LetterRules.MadeAt(now, _last);

    /// <summary>Counts a death and gives its group.</summary>
    public long Count(Route route, string kind, string? code, string? error, long diedAt)
    {
        _last = Math.Max(_last, diedAt);
        return _groups.Add(route.Service, kind, code, error, diedAt);
    }

    /// <summary>Takes back what <see cref="Count"/> counted: the delivery did not die after all.</summary>
    public void Uncount(long group) => _groups.Revoke(group);

    /// <summary>Makes the text of a death findable.</summary>
    public void Index(string? error, long diedAt)
    {
        if (!string.IsNullOrEmpty(error))
            _index.Bind(1, diedAt).Bind(2, LetterRules.Folded(error)).Run();
    }

    /// <summary>A delivery that died on another way than by an attempt that failed.</summary>
    public void Died(long key, Route route, string kind, string? error, long diedAt)
    {
        _sort.Bind(1, key).Bind(2, Count(route, kind, null, error, diedAt)).Run();
        Index(error, diedAt);
    }

    /// <summary>It is dead no longer.</summary>
    public void Leave(long? group, long diedAt)
    {
        _groups.Leave(group);
        _unindex.Bind(1, diedAt).Run();
    }

    /// <summary>Sorts in a letter of an earlier release.</summary>
    public long SortIn(long key, long route, string? kind, long diedAt)
    {
        _error.Bind(1, key);
        _error.Step();
        var (code, error) = (_error.TextOrNull(0), _error.TextOrNull(1));
        _error.Reset();
        var group = Count(_routes.Of(route), kind ?? FaultKind.Unknown.Name(), code, error, diedAt);
        _sort.Bind(1, key).Bind(2, group).Run();
        Index(error, diedAt);
        return group;
    }

    public int Apply(IndexLettersCommand command)
    {
        var rows = new List<(long Key, long Route, string? Kind, long DiedAt)>();
        _unsorted.Bind(1, command.Limit);
        while (_unsorted.Step())
            rows.Add((_unsorted.Int64(0), _unsorted.Int64(1), _unsorted.TextOrNull(2), _unsorted.Int64(3)));
        foreach (var row in rows)
            SortIn(row.Key, row.Route, row.Kind, row.DiedAt);
        return rows.Count;
    }

    /// <summary>Writes the gathered counts: once for all commands, just before they are committed.</summary>
    public void Write()
    {
        if (!_groups.HasChanges)
            return;
        foreach (var removed in _groups.Removed)
            _remove.Bind(1, removed).Run();
        foreach (var group in _groups.Changed)
        {
            _write.Bind(1, group.Fingerprint).Bind(2, group.Service).Bind(3, group.Kind).Bind(4, group.Code).Bind(5, group.Template)
                .Bind(6, group.Sample).Bind(7, group.Dead).Bind(8, group.Total).Bind(9, group.FirstSeen).Bind(10, group.LastSeen).Run();
        }
        _groups.Written();
    }

    /// <summary>After a rollback: the rows know.</summary>
    public void Reload()
    {
        _groups.Clear();
        Load();
    }

    private void Load()
    {
        while (_all.Step())
            _groups.Load(Read(_all));
    }

    /// <summary>A group from the columns in the order of the table.</summary>
    public static LetterGroup Read(SqliteStatement row) => new()
    {
        Fingerprint = row.Int64(0),
        Service = row.Text(1),
        Kind = row.Text(2),
        Code = row.TextOrNull(3),
        Template = row.Text(4),
        Sample = row.TextOrNull(5),
        Dead = row.Int64(6),
        Total = row.Int64(7),
        FirstSeen = row.Int64(8),
        LastSeen = row.Int64(9),
    };
}
