namespace Recourse.Sqlite;

/// <summary>A table of names that rows refer to by number. Remembered, because there are few and each command needs some.</summary>
internal sealed class Names(SqliteDatabase database, string table)
{
    private readonly Dictionary<string, long> _ids = [];
    private readonly SqliteStatement _find = database.Prepare($"SELECT id FROM {table} WHERE name = ?1");
    private readonly SqliteStatement _add = database.Prepare($"INSERT INTO {table} (name) VALUES (?1) RETURNING id");

    /// <summary>The bound on what is remembered: beyond it names cost a look-up, never memory.</summary>
    private const int Remembered = 10_000;

    public long? Find(string name)
    {
        if (_ids.TryGetValue(name, out var id))
            return id;
        if (_find.Bind(1, name).Scalar() is not { } found)
            return null;
        Remember(name, found);
        return found;
    }

    public long Id(string name)
    {
        if (Find(name) is { } found)
            return found;
        var id = _add.Bind(1, name).Scalar()!.Value;
        Remember(name, id);
        return id;
    }

    /// <summary>After a rollback: what was added in it is not there.</summary>
    public void Forget() => _ids.Clear();

    private void Remember(string name, long id)
    {
        if (_ids.Count >= Remembered)
            _ids.Clear();
        _ids[name] = id;
    }
}
