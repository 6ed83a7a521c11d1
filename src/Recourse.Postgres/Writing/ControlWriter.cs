using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Keeps what operators hold, in the database and in memory, where each claim looks.</summary>
internal sealed class ControlWriter(Changes changes)
{
    private const long Fresh = 500_000;

    private (long At, int Times)? _read;
    private bool _changed;

    /// <summary>True when <see cref="Current"/> need not read.</summary>
    public bool IsFresh(Moment moment) =>
        _read is { } read && read.Times == changes.Times && Math.Abs(moment.Rough - read.At) < Fresh;

    /// <summary>What holds, read again after a rollback, and when it is half a second old: another node may have set it.</summary>
    public ControlSet Current(Sql sql, Moment moment)
    {
        if (IsFresh(moment))
            return Set;
        var (now, times) = (moment.Rough, changes.Times);
        Set.Load(sql.Read(ReplaySql.Controls, ReplaySql.Control).OfType<Control>());
        _read = (now, times);
        return Set;
    }

    private ControlSet Set { get; } = new();

    public bool Apply(Sql sql, ControlCommand command, long now)
    {
        _changed = true;
        if (!command.On)
            return sql.Run("DELETE FROM controls WHERE kind = $1 AND name = $2", command.Kind.ToString(), command.Name) > 0;
        if (sql.Run("INSERT INTO controls VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING", command.Kind.ToString(), command.Name,
            command.Actor, command.Reason, now) == 0)
            return false;
        if (command.Excludes is { } other)
            sql.Later("DELETE FROM controls WHERE kind = $1 AND name = $2", other.ToString(), command.Name);
        return true;
    }

    /// <summary>Counts a reset: each node that sees the number change closes its breaker.</summary>
    public static bool Apply(Sql sql, ResetServiceCommand command)
    {
        sql.Later(
            """
            INSERT INTO service_resets AS r VALUES ($1, 1) ON CONFLICT (service) DO UPDATE SET number = r.number + 1
            """, command.Service);
        return true;
    }

    /// <summary>After a commit: whoever claims reads them again.</summary>
    public void Committed()
    {
        if (_changed)
            changes.Add();
        _changed = false;
    }

    /// <summary>After a rollback.</summary>
    public void Forget() => _read = null;
}
