using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// At the start: what an earlier owner left in hand becomes suspect, or dead when it has ended three processes while it ran alone.
/// </summary>
internal static class LeaseEnd
{
    public static StoreOpening Apply(Sql sql, Books books, Letters letters, Func<string, bool> blocksLane, long now)
    {
        var rows = sql.Read(
            """
            SELECT d.key, d.route, d.lane, d.attempts, d.generation, d.crashes_alone + d.alone::integer, d.claimed_at, d.node, r.queue,
              d.service, d.replay
            FROM deliveries d JOIN routes r ON r.id = d.route WHERE d.state = 2 ORDER BY d.key
            """,
            row => (Key: row.GetInt64(0), Route: row.GetInt32(1), Lane: row.Int64OrNull(2), Attempts: row.GetInt32(3),
                Generation: row.GetInt32(4),
                CrashesAlone: row.GetInt32(5), ClaimedAt: row.GetInt64(6), Node: row.TextOrNull(7),
                Queue: row.GetString(8), Service: row.GetString(9), Replay: row.Int64OrNull(10)));
        var poisoned = 0;
        foreach (var row in rows)
        {
            var attempt = AttemptRules.OfCrash(row.Attempts, row.Generation, StoreTime.Time(row.ClaimedAt), row.Node, row.CrashesAlone);
            var poison = row.CrashesAlone >= AttemptRules.CrashesAloneMax;
            var state = poison ? DeliveryState.Dead : DeliveryState.Waiting;
            long? died = poison ? letters.DiedAt(now) : null;
            sql.Run(
                """
                UPDATE deliveries SET state = $2, lease = 0, alone = false, suspect = true, crashes_alone = $3, maybe_applied = true,
                  due_at = $4,
                  ended_at = $5::bigint, kind = $6, persistence = 0, blame = 0, fault_attempt = attempts, decision = NULL,
                  rank = CASE WHEN $2 = 4 AND rank < 0 THEN rank + 10 ELSE rank END, replay = CASE WHEN $2 = 4 THEN NULL ELSE replay END
                WHERE key = $1
                """, row.Key, (short)state, row.CrashesAlone, now, died, attempt.Kind!.Value.Name());
            OutcomeWriter.Add(sql, row.Key, attempt);
            if (died is { } end)
                letters.Died(sql, row.Key, row.Service, attempt.Kind.Value.Name(), attempt.Error, end);
            if (poison && row.Replay is { } replay)
                books.Ended(replay, row.Key, ReplayOutcome.Dead);
            if (row.Lane is { } left && poison && !blocksLane(row.Queue))
                OutcomeWriter.LeaveLane(sql, left, row.Key);
            else if (row.Lane is { } lane)
                Lanes.Settle(sql, lane, row.Key);
            books.Move(row.Route, DeliveryState.Leased, state);
            poisoned += poison ? 1 : 0;
        }
        return new(rows.Count, poisoned);
    }
}
