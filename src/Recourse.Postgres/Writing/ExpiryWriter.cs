using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Ends waiting deliveries whose time is over.</summary>
internal static class ExpiryWriter
{
    public static int Apply(Sql sql, Books books, ExpireCommand command, long now)
    {
        // Lanes before deliveries, as everywhere; what another transaction holds is for the next pass.
        var lanes = sql.Read(
            """
            SELECT id FROM lanes WHERE id IN (SELECT lane FROM deliveries WHERE state = 0 AND expires_at <= $1
              ORDER BY expires_at, key LIMIT $2) FOR UPDATE SKIP LOCKED
            """, row => row.GetInt64(0), now, command.Limit);
        var over = sql.Read(
            """
            SELECT key FROM deliveries WHERE state = 0 AND expires_at <= $1 AND (lane IS NULL OR lane = ANY ($3))
            ORDER BY expires_at, key LIMIT $2 FOR UPDATE SKIP LOCKED
            """, row => row.GetInt64(0), now, command.Limit, lanes);
        Expire(sql, books, over, now);
        return over.Count;
    }

    public static void Expire(Sql sql, Books books, List<long> keys, long now)
    {
        if (keys.Count == 0)
            return;
        var ended = sql.Read(
            """
            UPDATE deliveries SET state = 6, suspect = false, ended_at = $2, decision = $3 WHERE key = ANY ($1) RETURNING key, route, lane
            """, row => (Key: row.GetInt64(0), Route: row.GetInt32(1), Lane: row.Int64OrNull(2)), keys, now, AttemptRules.ExpiredDecision);
        OutcomeWriter.LockMessages(sql, ended.ConvertAll(row => DeliveryKey.Sequence(row.Key)));
        foreach (var (key, route, lane) in ended)
        {
            OutcomeWriter.MarkPrunable(sql, key, now);
            if (lane is { } left)
                Lanes.Leave(sql, left, key);
            books.Move(route, DeliveryState.Waiting, DeliveryState.Expired);
        }
    }
}
