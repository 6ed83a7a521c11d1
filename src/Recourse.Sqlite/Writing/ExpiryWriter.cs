using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Ends waiting deliveries whose time is over.</summary>
internal sealed class ExpiryWriter(SqliteDatabase database, Routes routes, Lanes lanes, OutcomeWriter outcomes)
{
    private readonly record struct Row(long Key, long Route, long? Lane, bool OnlyOne);

    private readonly SqliteStatement _over = database.Prepare(
        """
        SELECT d.key, d.route, d.lane, m.services FROM deliveries d LEFT JOIN messages m ON m.sequence = d.key >> 8
        WHERE d.state = 0 AND d.expires_at <= ?1 ORDER BY d.expires_at, d.key LIMIT ?2
        """);
    private readonly SqliteStatement _expire = database.Prepare(
        """
        UPDATE deliveries SET state = 6, lane = NULL, suspect = 0, ended_at = ?2, prunable_at = ?3, decision = ?4 WHERE key = ?1
        """);

    public int Apply(ExpireCommand command, long now)
    {
        _over.Bind(1, now).Bind(2, command.Limit);
        var rows = new List<Row>();
        while (_over.Step())
            rows.Add(new(_over.Int64(0), _over.Int64(1), _over.Int64OrNull(2), _over.Int64(3) == 1));
        foreach (var row in rows)
            Expire(row.Key, routes.Find(row.Route), row.Lane, row.OnlyOne, now);
        return rows.Count;
    }

    public void Expire(long key, Route? route, long? lane, bool onlyOne, long now)
    {
        _expire.Bind(1, key).Bind(2, now).Bind(3, outcomes.PrunableAt(key, onlyOne, now)).Bind(4, AttemptRules.ExpiredDecision).Run();
        if (lane is { } joined)
            lanes.Settle(joined, key);
        routes.Move(route, DeliveryState.Waiting, DeliveryState.Expired);
    }
}
