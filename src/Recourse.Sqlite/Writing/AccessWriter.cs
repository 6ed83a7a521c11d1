using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Keeps keys, and notes what was done.</summary>
internal sealed class AccessWriter
{
    private readonly SqliteStatement _keys;
    private readonly SqliteStatement _addKey;
    private readonly SqliteStatement _removeKey;
    private readonly SqliteStatement _note;
    private readonly SqliteStatement _prune;
    private readonly SqliteStatement _surplus;
    private readonly SqliteStatement _noteKey;
    private readonly SqliteStatement _forgetKey;
    private readonly SqliteStatement _reseal;
    private readonly SqliteStatement _resealEdit;

    public AccessWriter(SqliteDatabase database)
    {
        _keys = database.Prepare(AccessSql.Keys);
        _addKey = database.Prepare(
            """
            INSERT INTO api_keys (id, name, role, hash, created_at, created_by, expires_at, parent)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """);
        _removeKey = database.Prepare("DELETE FROM api_keys WHERE id = ?1");
        _note = database.Prepare("INSERT INTO acts (at, actor, verb, target, reason, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        _noteKey = database.Prepare("INSERT OR REPLACE INTO payload_keys (id, check_value) VALUES (?1, ?2)");
        _forgetKey = database.Prepare("DELETE FROM payload_keys WHERE id = ?1");
        _reseal = database.Prepare(
            "UPDATE messages SET content_type = ?2, headers = NULL, body = ?3 WHERE sequence = ?1 AND content_type IS ?4 AND id = ?5");
        _resealEdit = database.Prepare("UPDATE letter_bodies SET content_type = ?2, body = ?3 WHERE delivery = ?1 AND content_type IS ?4");
        // The newest that is one too many; what stands before it goes too.
        _surplus = database.Prepare("SELECT number FROM acts ORDER BY number DESC LIMIT 1 OFFSET ?1");
        _prune = database.Prepare(
            """
            DELETE FROM acts WHERE number IN (SELECT number FROM acts WHERE number <= ?1
              UNION SELECT number FROM acts WHERE at <= ?2 ORDER BY number LIMIT ?3)
            """);
    }

    public KeyOutcome Apply(AddKeyCommand command, long now) =>
        Keep(KeyRules.Apply(command, AccessSql.ReadKeys(_keys), StoreTime.Time(now)));

    public KeyOutcome Apply(RemoveKeyCommand command, long now) =>
        Keep(KeyRules.Apply(command, AccessSql.ReadKeys(_keys), StoreTime.Time(now)));

    public int Apply(PruneAuditCommand command, long now) =>
        _prune.Bind(1, _surplus.Bind(1, command.KeepMax).Scalar() ?? -1).Bind(2, now - (long)command.OlderThan.TotalMicroseconds)
            .Bind(3, command.Limit).Run();

    public bool Apply(NotePayloadKeyCommand command) => command.InUse
        ? _noteKey.Bind(1, command.Id).Bind(2, command.Check.Span).Run() > 0 : _forgetKey.Bind(1, command.Id).Run() > 0;

    public bool Apply(ReplacePayloadCommand command)
    {
        var row = command.Row;
        var statement = row.Edited ? _resealEdit : _reseal.Bind(5, row.Message);
        return statement.Bind(1, row.Key).Bind(2, command.ContentType).Bind(3, command.Body.Span).Bind(4, row.ContentType).Run() > 0;
    }

    /// <summary>Notes a command that was an act, when it was applied.</summary>
    public void Note(StoreCommand command, long now)
    {
        if (AuditRules.Of(command, StoreTime.Time(now)) is { } act)
        {
            _note.Bind(1, now).Bind(2, act.Actor).Bind(3, act.Verb).Bind(4, act.Target).Bind(5, act.Reason).Bind(6, act.Outcome).Run();
        }
    }

    private KeyOutcome Keep(KeyChange change)
    {
        foreach (var id in change.Removed)
            _removeKey.Bind(1, id).Run();
        if (change.Added is { } key)
        {
            _addKey.Bind(1, key.Id).Bind(2, key.Name).Bind(3, key.Role.Name()).Bind(4, key.Hash.Span)
                .Bind(5, StoreTime.Micros(key.CreatedAt)).Bind(6, key.CreatedBy)
                .Bind(7, key.ExpiresAt is { } end ? StoreTime.Micros(end) : (long?)null).Bind(8, key.Parent).Run();
        }
        return change.Outcome;
    }
}
