using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Replay, discard and pruning.</summary>
internal sealed class DeadLetterWriter(Books books)
{
    private readonly record struct Row(long Key, short State, int Route, long? Lane, string? OrderKey, string Service);

    public DeadLetterOutcome Apply(Sql sql, ReplayCommand command, long now)
    {
        if (Find(sql, command.Id) is not { } row)
            return DeadLetterOutcome.NotFound;
        if (row.State != (short)DeliveryState.Dead)
            return DeadLetterOutcome.NotDead;
        var lane = row.Lane ?? (row.OrderKey is { } orderKey ? Lanes.Join(sql, row.Service, orderKey, row.Key, now) : null);
        sql.Run(
            """
            UPDATE deliveries SET state = 0, due_at = $2, lane = $3::bigint, attempts_before = attempts, message_faults = 0,
              unknown_faults = 0,
              last_delay_ms = 0, generation = generation + 1, generation_at = $2, suspect = false, crashes_alone = 0, ended_at = NULL,
                decision = $4,
              key_generation = CASE WHEN maybe_applied THEN key_generation ELSE generation + 1 END WHERE key = $1
            """, row.Key, now, lane, AttemptRules.Act("replay", command.Actor, command.Reason));
        if (lane is { } joined)
            Lanes.Settle(sql, joined, row.Key);
        books.Move(row.Route, DeliveryState.Dead, DeliveryState.Waiting);
        return DeadLetterOutcome.Done;
    }

    public DeadLetterOutcome Apply(Sql sql, DiscardCommand command, long now)
    {
        if (Find(sql, command.Id) is not { } row)
            return DeadLetterOutcome.NotFound;
        if (row.State != (short)DeliveryState.Dead)
            return DeadLetterOutcome.NotDead;
        sql.Run(
            "UPDATE deliveries SET state = 5, ended_at = $2, decision = $3 WHERE key = $1", row.Key, now,
            AttemptRules.Act("discard", command.Actor, command.Reason));
        OutcomeWriter.MarkPrunable(sql, row.Key, now);
        if (row.Lane is { } lane)
            OutcomeWriter.LeaveLane(sql, lane, row.Key);
        books.Move(row.Route, DeliveryState.Dead, DeliveryState.Discarded);
        return DeadLetterOutcome.Done;
    }

    private static Row? Find(Sql sql, DeliveryId id) => sql.Read(
        """
        SELECT d.key, d.state, d.route, d.lane, m.order_key, d.service
        FROM messages m JOIN deliveries d ON d.key = m.sequence * 256 + $2 WHERE m.id = $1 AND $2 BETWEEN 0 AND 255 FOR UPDATE OF d
        """, row => new Row(row.GetInt64(0), row.GetInt16(1), row.GetInt32(2), row.Int64OrNull(3), row.TextOrNull(4), row.GetString(5)),
        id.MessageId, id.Index) is [var found] ? found : null;

    public static int Apply(Sql sql, PruneCommand command, long now)
    {
        var before = now - (long)command.OlderThan.TotalMicroseconds;
        if (command.KeepMax is { } most && sql.Scalar(
            """
            SELECT d.prunable_at FROM deliveries d JOIN routes r ON r.id = d.route
            WHERE d.prunable_at IS NOT NULL AND ($1::text IS NULL OR r.queue = $1::text) ORDER BY d.prunable_at DESC OFFSET $2 LIMIT 1
            """, command.Queue, (long)most) is long beyond)
            before = Math.Max(before, beyond);
        var old = sql.Read(
            """
            SELECT d.key >> 8 FROM deliveries d JOIN routes r ON r.id = d.route
            WHERE d.prunable_at <= $1 AND ($3::text IS NULL OR r.queue = $3::text)
            ORDER BY d.prunable_at, d.key LIMIT $2 FOR UPDATE OF d SKIP LOCKED
            """, row => row.GetInt64(0), before, command.Limit, command.Queue);
        sql.Run(
            """
            INSERT INTO marks SELECT 1, id FROM messages ORDER BY sequence DESC LIMIT 1
            ON CONFLICT (id) DO UPDATE SET last_id = excluded.last_id
            """);
        sql.Run(
            """
            DELETE FROM attempts a USING unnest($1::bigint[]) AS s (sequence)
            WHERE a.delivery BETWEEN s.sequence * 256 AND s.sequence * 256 + 255
            """, old);
        sql.Run(
            """
            DELETE FROM deliveries d USING unnest($1::bigint[]) AS s (sequence)
            WHERE d.key BETWEEN s.sequence * 256 AND s.sequence * 256 + 255
            """, old);
        sql.Run("DELETE FROM messages WHERE sequence = ANY ($1)", old);
        sql.Run(
            """
            DELETE FROM idempotency WHERE (queue, key) IN
              (SELECT queue, key FROM idempotency WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)
            """, now, command.Limit);
        return old.Count;
    }

    /// <summary>A key of no queue, expired long ago: the next pruning removes it. Random bytes, because the server packs others.</summary>
    public static bool Apply(Sql sql, ProbeCommand command)
    {
        var bytes = new byte[command.Size];
        Random.Shared.NextBytes(bytes);
        sql.Run(
            """
            INSERT INTO idempotency (queue, key, hash, message, expires_at) VALUES ('', '', $1, $2, 0)
            ON CONFLICT (queue, key) DO UPDATE SET hash = excluded.hash
            """, bytes, Guid.Empty);
        return true;
    }
}
