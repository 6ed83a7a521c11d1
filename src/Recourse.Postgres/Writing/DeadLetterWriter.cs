using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Replay, discard and pruning.</summary>
internal sealed class DeadLetterWriter(Books books, Letters letters)
{
    public DeadLetterOutcome Apply(Sql sql, ReplayCommand command, long now)
    {
        if (letters.Find(sql, command.Id, command.Actor, now, out var letter) is not DeadLetterOutcome.Done and var refused)
            return refused;
        Replay(sql, [letter], null, command.Key, command.Actor, command.Reason, now);
        return DeadLetterOutcome.Done;
    }

    /// <summary>Sends letters back, all by one statement; those of lanes join theirs one by one, in order.</summary>
    /// <param name="sql">The connection.</param>
    /// <param name="dead">The letters.</param>
    /// <param name="replay">The job that does it; null for a person.</param>
    /// <param name="key">Which Idempotency-Key they carry.</param>
    /// <param name="actor">Who asked for it.</param>
    /// <param name="reason">Why.</param>
    /// <param name="now">The time of the commit.</param>
    public void Replay(Sql sql, List<Letter> dead, long? replay, ReplayKey key, string actor, string? reason, long now)
    {
        var ranks = dead.ConvertAll(letter => replay is null ? letter.Rank : (short)Ranks.Bulk(letter.Rank));
        var lanes = dead.Select((letter, place) => letter.Lane ?? (letter.OrderKey is { } orderKey
            ? Lanes.Join(sql, letter.Service, orderKey, letter.Key, now, letter.Route, ranks[place]) : null)).ToList();
        var keys = dead.ConvertAll(letter => letter.Key);
        letters.Leave(sql, dead);
        sql.Later(
            """
            UPDATE deliveries d SET state = 0, due_at = $1, lane = l.lane, attempts_before = d.attempts, message_faults = 0,
              unknown_faults = 0, last_delay_ms = 0, generation = d.generation + 1, generation_at = $1, suspect = false,
              crashes_alone = 0, ended_at = NULL, expires_at = NULL, decision = $2, rank = l.rank, replay = $3::bigint,
              key_generation = l.key_generation
            FROM unnest($4::bigint[], $5::bigint[], $6::smallint[], $7::integer[]) AS l (key, lane, rank, key_generation)
            WHERE d.key = l.key
            """, now, AttemptRules.Act("replay", actor, reason), replay, keys, lanes, ranks, dead.ConvertAll(letter =>
                LetterRules.KeyGeneration(
                    key, letter.KeyGeneration, letter.Generation, letter.MaybeApplied, letter.EditedIn == letter.Generation)));
        Letters.Add(sql, keys, now, actor, "replay", LetterRules.Detail(key, reason));
        for (var i = 0; i < dead.Count; i++)
        {
            if (lanes[i] is { } joined)
                Lanes.Settle(sql, joined, dead[i].Key);
            books.Move(dead[i].Route, DeliveryState.Dead, DeliveryState.Waiting);
        }
    }

    public DeadLetterOutcome Apply(Sql sql, DiscardCommand command, long now) =>
        PutAway(sql, command.Id, "discard", command.Actor, command.Reason, now, command);

    public DeadLetterOutcome Apply(Sql sql, ResolveCommand command, long now) =>
        PutAway(sql, command.Id, "resolve", command.Actor, command.Reason, now, null);

    private DeadLetterOutcome PutAway(
        Sql sql, DeliveryId id, string verb, string actor, string? reason, long now, DiscardCommand? when)
    {
        if (letters.Find(sql, id, actor, now, out var letter) is not DeadLetterOutcome.Done and var refused)
            return refused;
        if (when?.Passes(letter.DiedAt, letter.Edits) == false)
            return DeadLetterOutcome.Stale;
        letters.Leave(sql, [letter]);
        sql.Later(
            "UPDATE deliveries SET state = 5, ended_at = $2, decision = $3 WHERE key = $1", letter.Key, now,
            AttemptRules.Act(verb, actor, reason));
        Letters.Add(sql, letter.Key, now, actor, verb, reason);
        if (verb == "resolve")
            sql.Later(
                """
                INSERT INTO letter_marks (delivery, resolved_at) VALUES ($1, $2)
                ON CONFLICT (delivery) DO UPDATE SET resolved_at = excluded.resolved_at
                """, letter.Key, now);
        OutcomeWriter.LockMessages(sql, [DeliveryKey.Sequence(letter.Key)]);
        OutcomeWriter.MarkPrunable(sql, letter.Key, now);
        if (letter.Lane is { } lane)
            Lanes.Leave(sql, lane, letter.Key);
        books.Move(letter.Route, DeliveryState.Dead, DeliveryState.Discarded);
        return DeadLetterOutcome.Done;
    }

    public static int Apply(Sql sql, PruneCommand command, long now)
    {
        var before = now - (long)command.OlderThan.TotalMicroseconds;
        if (command.KeepMax is { } most && sql.Scalar(
            """
            SELECT d.prunable_at FROM deliveries d JOIN routes r ON r.id = d.route
            WHERE d.prunable_at IS NOT NULL AND ($1::text IS NULL OR r.queue = $1::text) ORDER BY d.prunable_at DESC OFFSET $2 LIMIT 1
            """, command.Queue, (long)most) is long beyond)
            before = Math.Max(before, beyond);
        var removed = RemoveOld(sql, command, before);
        sql.Later(
            """
            DELETE FROM idempotency WHERE (queue, key) IN
              (SELECT queue, key FROM idempotency WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
            """, now, command.Limit);
        return removed;
    }

    private static int RemoveOld(Sql sql, PruneCommand command, long before)
    {
        for (var removed = 0; ;)
        {
            var old = sql.Read(
                """
                SELECT d.key >> 8 FROM deliveries d JOIN routes r ON r.id = d.route
                WHERE d.prunable_at <= $1 AND ($3::text IS NULL OR r.queue = $3::text)
                ORDER BY d.prunable_at, d.key LIMIT $2 FOR UPDATE OF d SKIP LOCKED
                """, row => row.GetInt64(0), before, command.Limit - removed, command.Queue);
            if (old.Count == 0)
                return removed;
            var (whole, held) = Sort(sql, old);
            Remove(sql, whole);
            removed += whole.Count;
            if (held == 0 || removed == command.Limit)
                return removed;
        }
    }

    /// <summary>
    /// Those of which everything has ended, and how many there are that wait for that: a letter that was imported into a message holds it,
    /// and whoever ends last says anew that the message may go. What is being changed at the moment is left for the next time.
    /// </summary>
    private static (List<long> Whole, int Held) Sort(Sql sql, List<long> sequences)
    {
        var locked = sql.Read("SELECT sequence FROM messages WHERE sequence = ANY ($1) FOR UPDATE SKIP LOCKED",
            row => row.GetInt64(0), sequences).ToHashSet();
        var states = sql.Read(
            """
            SELECT s.sequence, EXISTS (SELECT 1 FROM deliveries
                WHERE key BETWEEN s.sequence * 256 AND s.sequence * 256 + 255 AND state NOT IN (3, 5, 6)),
              EXISTS (SELECT 1 FROM messages m WHERE m.sequence = s.sequence)
            FROM unnest($1::bigint[]) AS s (sequence)
            """, row => (Sequence: row.GetInt64(0), IsHeld: row.GetBoolean(1), Exists: row.GetBoolean(2)), sequences);
        states.RemoveAll(state => state.Exists && !locked.Contains(state.Sequence));
        var held = states.FindAll(state => state.IsHeld).ConvertAll(state => state.Sequence);
        if (held.Count > 0)
            sql.Later(
                """
                UPDATE deliveries d SET prunable_at = NULL FROM unnest($1::bigint[]) AS s (sequence)
                WHERE d.key BETWEEN s.sequence * 256 AND s.sequence * 256 + 255 AND d.prunable_at IS NOT NULL
                """, held);
        return (states.FindAll(state => !state.IsHeld).ConvertAll(state => state.Sequence), held.Count);
    }

    /// <summary>
    /// Takes messages out with all that belongs to them; ids go on behind the last that was given out. While a newer one stays, it says
    /// which that was: nodes do not queue for the mark.
    /// </summary>
    public static void Remove(Sql sql, List<long> old)
    {
        sql.Later(
            """
            INSERT INTO marks SELECT 1, id FROM (SELECT id, sequence FROM messages ORDER BY sequence DESC LIMIT 1) AS newest
            WHERE sequence = ANY ($1)
            ON CONFLICT (id) DO UPDATE SET last_id = greatest(marks.last_id, excluded.last_id)
            """, old);
        sql.Later(
            """
            DELETE FROM attempts a USING unnest($1::bigint[]) AS s (sequence)
            WHERE a.delivery BETWEEN s.sequence * 256 AND s.sequence * 256 + 255
            """, old);
        foreach (var table in (ReadOnlySpan<string>)["letter_marks", "letter_bodies", "letter_acts"])
        {
            sql.Later(
                $"""
                DELETE FROM {table} t USING unnest($1::bigint[]) AS s (sequence)
                WHERE t.delivery BETWEEN s.sequence * 256 AND s.sequence * 256 + 255
                """, old);
        }
        sql.Later(
            """
            DELETE FROM deliveries d USING unnest($1::bigint[]) AS s (sequence)
            WHERE d.key BETWEEN s.sequence * 256 AND s.sequence * 256 + 255
            """, old);
        sql.Later("DELETE FROM messages WHERE sequence = ANY ($1)", old);
    }

    /// <summary>A key of no queue, expired long ago: the next pruning removes it. Random bytes, because the server packs others.</summary>
    public static bool Apply(Sql sql, ProbeCommand command)
    {
        var bytes = new byte[command.Size];
        Random.Shared.NextBytes(bytes);
        sql.Later(
            """
            INSERT INTO idempotency (queue, key, hash, message, expires_at) VALUES ('', '', $1, $2, 0)
            ON CONFLICT (queue, key) DO UPDATE SET hash = excluded.hash
            """, bytes, Guid.Empty);
        return true;
    }
}
