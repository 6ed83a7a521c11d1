using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Ends the leases of nodes that are not registered: what they had in hand becomes suspect, or dead when it has ended three processes while
/// it ran alone. An outcome that such a node is handing in just now comes first.
/// </summary>
internal sealed class LeaseEnd(Books books, Letters letters)
{
    private const string Orphaned =
        "d.state = 2 AND (d.holder IS NULL OR NOT EXISTS (SELECT 1 FROM nodes n WHERE n.id = d.holder))";

    private readonly record struct Orphan(
        long Key, int Route, long? Lane, int Attempts, int Generation, int CrashesAlone, long ClaimedAt, string? Node, string Queue,
        string Service, long? Replay);

    public static bool HasWork(Sql sql) => (bool)sql.Scalar($"SELECT EXISTS (SELECT 1 FROM deliveries d WHERE {Orphaned})")!;

    /// <summary>Whether a dead letter of a queue holds the deliveries behind it in its lane.</summary>
    public Func<string, bool> BlocksLane { get; set; } = _ => true;

    public StoreOpening Apply(Sql sql, TakeOverCommand command, long now)
    {
        if (command.Dead.Count > 0)
            sql.Later(
                "DELETE FROM nodes n USING unnest($1::bigint[], $2::bigint[]) AS d (id, beats) WHERE n.id = d.id AND n.beats = d.beats",
                command.Dead.Select(node => node.Id).ToList(), command.Dead.Select(node => node.Beats).ToList());
        return Apply(sql, now, null);
    }

    public StoreOpening? Apply(Sql sql, ReleaseNodeCommand command, long now) =>
        sql.Run("DELETE FROM nodes WHERE id = $1", command.Id) == 0 ? null
            : Apply(sql, now, AttemptRules.Act("its leases were ended", command.Actor, command.Reason));

    /// <param name="sql">The connection.</param>
    /// <param name="now">The time of the commit.</param>
    /// <param name="error">What the attempts show; null for: the process ended.</param>
    public StoreOpening Apply(Sql sql, long now, string? error)
    {
        // In the order in which all lock them.
        sql.LaterLock(
            $"""
            SELECT 1 FROM lanes WHERE id IN (SELECT d.lane FROM deliveries d WHERE {Orphaned}) ORDER BY service, order_key FOR UPDATE
            """);
        var rows = sql.Read(
            $"""
            SELECT d.key, d.route, d.lane, d.attempts, d.generation, d.crashes_alone + d.alone::integer, d.claimed_at, d.node, r.queue,
              d.service, d.replay
            FROM deliveries d JOIN routes r ON r.id = d.route WHERE {Orphaned} ORDER BY d.key FOR UPDATE OF d SKIP LOCKED
            """,
            row => new Orphan(row.GetInt64(0), row.GetInt32(1), row.Int64OrNull(2), row.GetInt32(3), row.GetInt32(4), row.GetInt32(5),
                row.GetInt64(6), row.TextOrNull(7), row.GetString(8), row.GetString(9), row.Int64OrNull(10)));
        var poisoned = 0;
        foreach (var row in rows)
            poisoned += End(sql, row, now, error) ? 1 : 0;
        return new(rows.Count, poisoned);
    }

    private bool End(Sql sql, in Orphan row, long now, string? error)
    {
        var attempt = AttemptRules.OfCrash(row.Attempts, row.Generation, StoreTime.Nearest(row.ClaimedAt), row.Node, row.CrashesAlone);
        if (error is not null)
            attempt = attempt with { Error = error };
        var poison = row.CrashesAlone >= AttemptRules.CrashesAloneMax;
        var state = poison ? DeliveryState.Dead : DeliveryState.Waiting;
        long? died = poison ? letters.DiedAt(now) : null;
        sql.Later(
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
        if (row.Lane is { } left && poison && !BlocksLane(row.Queue))
            Lanes.Leave(sql, left, row.Key);
        else if (row.Lane is { } lane)
            Lanes.Settle(sql, lane, row.Key);
        books.Move(row.Route, DeliveryState.Leased, state);
        return poison;
    }
}
