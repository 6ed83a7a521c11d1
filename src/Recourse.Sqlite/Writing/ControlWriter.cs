using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Keeps what operators hold, in the file and in memory, where each claim looks.</summary>
internal sealed class ControlWriter
{
    private readonly SqliteStatement _all;
    private readonly SqliteStatement _set;
    private readonly SqliteStatement _remove;

    public ControlWriter(SqliteDatabase database)
    {
        _all = database.Prepare(ReplaySql.Controls);
        _set = database.Prepare("INSERT INTO controls (kind, name, actor, reason, since) VALUES (?1, ?2, ?3, ?4, ?5)");
        _remove = database.Prepare("DELETE FROM controls WHERE kind = ?1 AND name = ?2");
        Reload();
    }

    public ControlSet Set { get; } = new();

    public bool Apply(ControlCommand command, long now)
    {
        if (!Set.Apply(command, StoreTime.Time(now)))
            return false;
        if (command.Excludes is { } other)
            _remove.Bind(1, other.ToString()).Bind(2, command.Name).Run();
        if (command.On)
            _set.Bind(1, command.Kind.ToString()).Bind(2, command.Name).Bind(3, command.Actor).Bind(4, command.Reason).Bind(5, now).Run();
        else
            _remove.Bind(1, command.Kind.ToString()).Bind(2, command.Name).Run();
        return true;
    }

    /// <summary>At the start, and after a rollback.</summary>
    public void Reload() => Set.Load(ReplaySql.ReadControls(_all));
}
