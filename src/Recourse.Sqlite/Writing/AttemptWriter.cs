using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Keeps the history of attempts within its bounds.</summary>
internal sealed class AttemptWriter(SqliteDatabase database, Names nodes)
{
    private readonly SqliteStatement _add = database.Prepare(
        """
        INSERT OR REPLACE INTO attempts (delivery, number, generation, started_at, duration_ms, outcome, kind, applied, status, error,
          node, decision)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        """);
    private readonly SqliteStatement _forget = database.Prepare("DELETE FROM attempts WHERE delivery = ?1 AND number = ?2");

    private readonly SqliteStatement _forgetBefore = database.Prepare("DELETE FROM attempts WHERE delivery = ?1 AND number < ?2");

    public long? NodeId(string? node) => node is null ? null : nodes.Id(node);

    public void Add(long delivery, Attempt attempt)
    {
        Keep(delivery, attempt);
        Forget(delivery, attempt.Number);
    }

    /// <summary>Without a history: the last attempt in place of all before it.</summary>
    public void AddOnly(long delivery, Attempt attempt)
    {
        if (attempt.Number > 1)
            _forgetBefore.Bind(1, delivery).Bind(2, attempt.Number).Run();
        Keep(delivery, attempt);
    }

    /// <summary>One of a history that is within its bounds.</summary>
    public void Keep(long delivery, Attempt attempt) =>
        _add.Bind(1, delivery).Bind(2, attempt.Number).Bind(3, attempt.Generation).Bind(4, StoreTime.Micros(attempt.StartedAt))
            .Bind(5, attempt.DurationMs).Bind(6, attempt.Outcome).Bind(7, attempt.Kind?.Name()).Bind(8, (long)attempt.Applied)
            .Bind(9, attempt.Status).Bind(10, attempt.Error).Bind(11, NodeId(attempt.Node)).Bind(12, attempt.Decision).Run();

    /// <summary>With attempt <paramref name="number"/> done, the one that falls out of the last 20 goes.</summary>
    public void Forget(long delivery, int number)
    {
        if (AttemptRules.Forgotten(number) is > 0 and var forgotten)
            _forget.Bind(1, delivery).Bind(2, forgotten).Run();
    }
}
