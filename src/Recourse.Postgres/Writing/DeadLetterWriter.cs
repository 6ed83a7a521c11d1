using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Replay, discard and pruning.</summary>
internal sealed class DeadLetterWriter(Books books)
{
    private readonly record struct Row(long Key, short State, int Route, long? Lane, string? OrderKey, string Service, short Rank);

    public DeadLetterOutcome Apply(Sql sql, ReplayCommand command, long now)
    {
        if (Find(sql, command.Id) is not { } row)
            return DeadLetterOutcome.NotFound;
        if (row.State != (short)DeliveryState.Dead)
            return DeadLetterOutcome.NotDead;
        Replay(sql, [new(row.Key, row.Route, row.Lane, row.OrderKey, row.Service, row.Rank)], null, ReplayKey.Auto,
            AttemptRules.Act("replay", command.Actor, command.Reason), now);
        return DeadLetterOutcome.Done;
    }

    /// <summary>A dead letter that is sent back, with its rank afterwards.</summary>
    public readonly record struct Letter(long Key, int Route, long? Lane, string? OrderKey, string Service, short Rank);

    /// <summary>Sends letters back, all by one statement; those of lanes join theirs one by one, in order.</summary>
    public void Replay(Sql sql, IReadOnlyList<Letter> letters, long? replay, ReplayKey key, string decision, long now)
    {
        var lanes = letters.Select(letter => letter.Lane ?? (letter.OrderKey is { } orderKey
            ? Lanes.Join(sql, letter.Service, orderKey, letter.Key, now, letter.Route, letter.Rank) : null)).ToList();
        sql.Run(
            """
            UPDATE deliveries d SET state = 0, due_at = $1, lane = l.lane, attempts_before = d.attempts, message_faults = 0,
              unknown_faults = 0, last_delay_ms = 0, generation = d.generation + 1, generation_at = $1, suspect = false,
              crashes_alone = 0, ended_at = NULL, expires_at = NULL, decision = $2, rank = l.rank, replay = $3::bigint,
              key_generation = CASE WHEN $4 = 1 OR ($4 = 0 AND d.maybe_applied) THEN d.key_generation ELSE d.generation + 1 END
            FROM unnest($5::bigint[], $6::bigint[], $7::smallint[]) AS l (key, lane, rank) WHERE d.key = l.key
            """, now, decision, replay, (int)key, letters.Select(letter => letter.Key).ToList(), lanes,
            letters.Select(letter => letter.Rank).ToList());
        for (var i = 0; i < letters.Count; i++)
        {
            if (lanes[i] is { } joined)
                Lanes.Settle(sql, joined, letters[i].Key);
            books.Move(letters[i].Route, DeliveryState.Dead, DeliveryState.Waiting);
        }
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
        SELECT d.key, d.state, d.route, d.lane, m.order_key, d.service, d.rank
        FROM messages m JOIN deliveries d ON d.key = m.sequence * 256 + $2 WHERE m.id = $1 AND $2 BETWEEN 0 AND 255 FOR UPDATE OF d
        """, row => new Row(row.GetInt64(0), row.GetInt16(1), row.GetInt32(2), row.Int64OrNull(3), row.TextOrNull(4), row.GetString(5),
            row.GetInt16(6)),
        id.MessageId, id.Index) is [var found] ? found : null;

    public static int Apply(Sql sql, PruneCommand command, long now)
    {
        var old = sql.Read(
            "SELECT key >> 8 FROM deliveries WHERE prunable_at <= $1 ORDER BY prunable_at, key LIMIT $2 FOR UPDATE SKIP LOCKED", row =>
                row.GetInt64(0),
            now - (long)command.OlderThan.TotalMicroseconds, command.Limit);
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
}
