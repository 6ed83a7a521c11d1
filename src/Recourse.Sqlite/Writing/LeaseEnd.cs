using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// At the start: ends what an earlier process left in hand. Each such delivery is suspect from now on and runs alone; one that has ended
/// three processes while it ran alone is dead as a poison message.
/// </summary>
internal static class LeaseEnd
{
    private readonly record struct Row(
        long Key, long Route, long? Lane, int Attempts, int Generation, int CrashesAlone, long ClaimedAt, string? Node, int Rank,
        long? Replay);

    /// <summary>Runs in the caller's transaction.</summary>
    public static StoreOpening Apply(SqliteDatabase database, Routes routes, Lanes lanes, AttemptWriter attempts,
        Letters letters, ReplayBooks replays, Func<string, bool> blocksLane, long now)
    {
        using var update = database.Prepare(
            """
            UPDATE deliveries SET state = ?2, lease = 0, alone = 0, suspect = 1, crashes_alone = ?3, maybe_applied = 1, due_at = ?4,
              ended_at = ?5, kind = ?6, persistence = 0, blame = 0, fault_attempt = attempts, decision = NULL,
              lane = CASE WHEN ?7 THEN NULL ELSE lane END, rank = ?8, replay = ?9 WHERE key = ?1
            """);
        var poisoned = 0;
        var rows = Leased(database);
        foreach (var row in rows)
        {
            var attempt = AttemptRules.OfCrash(row.Attempts, row.Generation, TimeOf(row, now), row.Node, row.CrashesAlone);
            var poison = row.CrashesAlone >= AttemptRules.CrashesAloneMax;
            // Null where a damaged row names none.
            var route = routes.Find(row.Route);
            var state = poison ? DeliveryState.Dead : DeliveryState.Waiting;
            long? died = poison ? letters.DiedAt(now) : null;
            update.Bind(1, row.Key).Bind(2, (long)state).Bind(3, row.CrashesAlone).Bind(4, now).Bind(5, died)
                .Bind(6, attempt.Kind!.Value.Name()).Bind(7, poison && !blocksLane(route?.Queue ?? ""))
                .Bind(8, poison ? Ranks.Live(row.Rank) : row.Rank).Bind(9, poison ? null : row.Replay).Run();
            if (poison && row.Replay is { } replay)
                replays.Ended(replay, row.Key, ReplayOutcome.Dead, now);
            attempts.Add(row.Key, attempt);
            if (died is { } end && route is not null)
                letters.Died(row.Key, route, attempt.Kind.Value.Name(), attempt.Error, end);
            if (row.Lane is { } lane)
                lanes.Settle(lane, row.Key);
            if (route is not null)
                routes.Move(route, DeliveryState.Leased, state);
            poisoned += poison ? 1 : 0;
        }
        return new(rows.Count, poisoned);
    }

    /// <summary>When the attempt began; now, where the row is damaged: the store must open all the same.</summary>
    private static DateTimeOffset TimeOf(Row row, long now)
    {
        try
        {
            return StoreTime.Time(row.ClaimedAt);
        }
        catch (ArithmeticException)
        {
            return StoreTime.Time(now);
        }
    }

    private static List<Row> Leased(SqliteDatabase database)
    {
        using var leased = database.Prepare(
            """
            SELECT d.key, d.route, d.lane, d.attempts, d.generation, d.crashes_alone + d.alone, d.claimed_at, n.name, d.rank, d.replay
            FROM deliveries d LEFT JOIN nodes n ON n.id = d.node WHERE d.state = 2 ORDER BY d.key
            """);
        var rows = new List<Row>();
        while (leased.Step())
        {
            rows.Add(new(
                leased.Int64(0), leased.Int64(1), leased.Int64OrNull(2), leased.Int32(3), leased.Int32(4), leased.Int32(5), leased.Int64(6),
                leased.TextOrNull(7), leased.Int32(8), leased.Int64OrNull(9)));
        }
        return rows;
    }
}
