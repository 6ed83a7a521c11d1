using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Keeps what operators hold, in the database and in memory, where each claim looks.</summary>
internal sealed class ControlWriter
{
    private bool _loaded;

    /// <summary>What holds now; read again after a rollback.</summary>
    public ControlSet Current(Sql sql)
    {
        if (_loaded)
            return Set;
        Set.Load(sql.Read(ReplaySql.Controls, ReplaySql.Control).OfType<Control>());
        _loaded = true;
        return Set;
    }

    private ControlSet Set { get; } = new();

    public bool Apply(Sql sql, ControlCommand command, long now)
    {
        if (!Current(sql).Apply(command, StoreTime.Time(now)))
            return false;
        if (command.Excludes is { } other)
            sql.Run("DELETE FROM controls WHERE kind = $1 AND name = $2", other.ToString(), command.Name);
        if (command.On)
            sql.Run("INSERT INTO controls VALUES ($1, $2, $3, $4, $5)", command.Kind.ToString(), command.Name, command.Actor,
                command.Reason, now);
        else
            sql.Run("DELETE FROM controls WHERE kind = $1 AND name = $2", command.Kind.ToString(), command.Name);
        return true;
    }

    /// <summary>After a rollback.</summary>
    public void Forget() => _loaded = false;
}
