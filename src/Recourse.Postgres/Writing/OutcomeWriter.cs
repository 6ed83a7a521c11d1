using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Ends attempts. All completions of a batch are one statement; the lease is compared in it, so an old one updates no row. Only what is
/// leased has one above 0; to ask for the state as well would make the server look through the index of all that is leased.
/// </summary>
internal sealed class OutcomeWriter(Books books, Letters letters)
{
    private readonly record struct Ended(
        long Key, int Route, long? Lane, int Attempts, int Generation, int Services, long? Replay);

    /// <param name="sql">The connection.</param>
    /// <param name="commands">Attempts that delivered.</param>
    /// <param name="known">What is known of each.</param>
    /// <param name="now">The time of the commit.</param>
    public void Apply(Sql sql, List<CompleteCommand> commands, List<InHand.Delivery?> known, Moment now)
    {
        var plain = new List<(CompleteCommand Command, long Key)>();
        var others = new List<CompleteCommand>();
        for (var i = 0; i < commands.Count; i++)
        {
            commands[i].Result = false;
            if (known[i] is { IsPlain: true } delivery && commands[i].KeepHistory)
                plain.Add((commands[i], delivery.Key));
            else
                others.Add(commands[i]);
        }
        if (plain.Count > 0)
            Deliver(sql, plain, now);
        if (others.Count > 0)
            Apply(sql, others, now);
    }

    // The ordinary case: known to change nothing but the row and the books, so that the commit goes in the same trip. A message that
    // had one delivery may have been joined by an imported letter since: pruning looks.
    private void Deliver(Sql sql, List<(CompleteCommand Command, long Key)> ends, Moment now)
    {
        ends.Sort(static (left, right) => left.Key.CompareTo(right.Key));
        sql.AskWithCommit(
            $"""
            WITH ended AS (
              UPDATE deliveries d SET state = 3, lease = 0, suspect = false, alone = false, crashes_alone = 0, ended_at = {Moment.InSql},
                prunable_at = {Moment.InSql}, started_at = c.started_at, duration_ms = c.duration_ms, status = c.status, node = c.node
              FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[]) WITH ORDINALITY
                AS c (key, lease, started_at, duration_ms, status, node, n)
              WHERE d.key = c.key AND d.lease = c.lease AND c.lease > 0 RETURNING c.n, d.route),
            booked AS (INSERT INTO books SELECT route, - count(*), 0, count(*), 0, 0, 0 FROM ended GROUP BY route)
            SELECT n, route FROM ended
            """,
            row => (Place: (int)row.GetInt64(0) - 1, Route: row.GetInt32(1)),
            now.Given, ends.ConvertAll(end => end.Key), ends.ConvertAll(end => end.Command.Lease),
            ends.ConvertAll(end => StoreTime.Micros(end.Command.Attempt.StartedAt)),
            ends.ConvertAll(end => end.Command.Attempt.DurationMs),
            ends.ConvertAll(end => AttemptRules.Shorten(end.Command.Attempt.Status)),
            ends.ConvertAll(end => end.Command.Attempt.Node)).Then = rows =>
            {
                rows.ForEach(row => ends[row.Place].Command.Result = true);
                books.Entered(rows.Select(row => row.Route).Distinct().Count());
            };
    }

    private void Apply(Sql sql, List<CompleteCommand> commands, Moment now)
    {
        var ended = sql.Read(
            $"""
            UPDATE deliveries d SET state = 3, lease = 0, suspect = false, alone = false, crashes_alone = 0, ended_at = {Moment.InSql},
              prunable_at = CASE WHEN m.services = 1 THEN {Moment.InSql} END, started_at = c.started_at, duration_ms = c.duration_ms,
              status = c.status, node = c.node
            FROM unnest($2::uuid[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[])
              WITH ORDINALITY AS c (id, place, lease, started_at, duration_ms, status, node, n) JOIN messages m ON m.id = c.id
            WHERE d.key = m.sequence * 256 + c.place AND d.lease = c.lease AND c.lease > 0
            RETURNING c.n, d.key, d.route, d.lane, d.attempts, d.generation, m.services, d.replay
            """,
            row => (Place: (int)row.GetInt64(0) - 1,
                Row: new Ended(row.GetInt64(1), row.GetInt32(2), row.Int64OrNull(3), row.GetInt32(4), row.GetInt32(5), row.GetInt32(6),
                    row.Int64OrNull(7))),
            now.Given, commands.ConvertAll(command => command.Id.MessageId), commands.ConvertAll(command => command.Id.Index),
            commands.ConvertAll(command => command.Lease), commands.ConvertAll(command => StoreTime.Micros(command.Attempt.StartedAt)),
            commands.ConvertAll(command => command.Attempt.DurationMs),
            commands.ConvertAll(command => AttemptRules.Shorten(command.Attempt.Status)),
            commands.ConvertAll(command => command.Attempt.Node));
        var (lanes, keys) = (new List<long>(), new List<long>());
        LockMessages(sql, [.. ended.Where(each => each.Row.Services > 1).Select(each => DeliveryKey.Sequence(each.Row.Key))]);
        foreach (var (place, row) in ended)
        {
            commands[place].Result = true;
            Forget(sql, row.Key, row.Attempts);
            books.Move(row.Route, DeliveryState.Leased, DeliveryState.Delivered);
            if (row.Replay is { } replay)
                books.Ended(replay, row.Key, ReplayOutcome.Delivered);
            if (row.Services > 1)
                MarkPrunable(sql, row.Key, now.Value);
            if (row.Lane is { } lane)
            {
                lanes.Add(lane);
                keys.Add(row.Key);
            }
        }
        Lanes.Leave(sql, lanes, keys);
        RemoveEnded(sql, [.. ended.Where(each => !commands[each.Place].KeepHistory).Select(each => DeliveryKey.Sequence(each.Row.Key))]);
    }

    /// <summary>Without a history: messages that have ended whole leave nothing but the totals.</summary>
    private static void RemoveEnded(Sql sql, List<long> sequences)
    {
        if (sequences.Count == 0)
            return;
        var whole = sql.Read(
            """
            SELECT s.sequence FROM unnest($1::bigint[]) AS s (sequence) WHERE NOT EXISTS (SELECT 1 FROM deliveries
              WHERE key BETWEEN s.sequence * 256 AND s.sequence * 256 + 255 AND state NOT IN (3, 5, 6))
            """, row => row.GetInt64(0), sequences);
        if (whole.Count > 0)
            DeadLetterWriter.Remove(sql, whole);
    }

    public bool Apply(Sql sql, FailCommand command, long now)
    {
        var dead = command.Decision.Action is DeliveryAction.DeadLetter;
        var fault = command.Fault;
        long? died = dead ? letters.DiedAt(now) : null;
        var ended = sql.Read(
            """
            UPDATE deliveries d SET state = $4, lease = 0, suspect = false, alone = false, crashes_alone = 0, due_at =
              coalesce($5::bigint, d.due_at),
              ended_at = $6::bigint, message_faults = d.message_faults + $7, unknown_faults = d.unknown_faults + $8,
              maybe_applied = d.maybe_applied OR $9, last_delay_ms = $10, kind = $11, persistence = $12, blame = $13, fault_attempt =
                d.attempts,
              decision = NULL, rank = CASE WHEN $4 = 4 AND d.rank < 0 THEN d.rank + 10 ELSE d.rank END
            FROM messages m WHERE m.id = $1 AND d.key = m.sequence * 256 + $2 AND d.lease = $3 AND $3 > 0
            RETURNING d.key, d.route, d.lane, d.attempts, d.generation, m.services, d.replay
            """,
            row => new Ended(row.GetInt64(0), row.GetInt32(1), row.Int64OrNull(2), row.GetInt32(3), row.GetInt32(4), row.GetInt32(5),
                row.Int64OrNull(6)),
            command.Id.MessageId, command.Id.Index, command.Lease, (short)(dead ? DeliveryState.Dead : DeliveryState.Waiting),
            dead ? null : command.Decision.DueAt is { } at ? StoreTime.Micros(at) : now, died, fault.Blame is Blame.Message
                ? 1 : 0,
            fault.Blame is Blame.Unknown ? 1 : 0, fault.Applied is not Applied.No, (long)command.Decision.Delay.TotalMilliseconds,
            AttemptRules.KindOf(command).Name(), (int)fault.Persistence, (int)fault.Blame);
        if (ended is not [var row])
            return false;
        var attempt = AttemptRules.Of(command, row.Attempts, row.Generation);
        if (!command.KeepHistory)
            sql.Later("DELETE FROM attempts WHERE delivery = $1 AND number < $2", row.Key, row.Attempts);
        Add(sql, row.Key, attempt);
        if (died is { } end)
        {
            var service = (string)sql.Scalar("SELECT service FROM deliveries WHERE key = $1", row.Key)!;
            var group = letters.Count(service, AttemptRules.KindOf(command).Name(), attempt.Status, attempt.Error, end);
            Letters.Enter(sql, row.Key, group, attempt.Error);
        }
        books.Move(row.Route, DeliveryState.Leased, dead ? DeliveryState.Dead : DeliveryState.Waiting);
        if (dead && row.Replay is { } replay)
        {
            books.Ended(replay, row.Key, ReplayOutcome.Dead);
            sql.Later("UPDATE deliveries SET replay = NULL WHERE key = $1", row.Key);
        }
        if (row.Lane is not { } lane)
            return true;
        if (dead && !command.BlockLane)
            Lanes.Leave(sql, lane, row.Key);
        else
            Lanes.Settle(sql, lane, row.Key);
        return true;
    }

    public bool Apply(Sql sql, ReleaseCommand command)
    {
        var released = sql.Read(
            """
            UPDATE deliveries d SET state = 0, lease = 0, alone = false, attempts = d.attempts - 1
            FROM messages m WHERE m.id = $1 AND d.key = m.sequence * 256 + $2 AND d.lease = $3 AND $3 > 0 RETURNING d.key, d.route,
              d.lane
            """, row => (Key: row.GetInt64(0), Route: row.GetInt32(1), Lane: row.Int64OrNull(2)), command.Id.MessageId, command.Id.Index,
              command.Lease);
        if (released is not [var row])
            return false;
        books.Move(row.Route, DeliveryState.Leased, DeliveryState.Waiting);
        if (row.Lane is { } lane)
            Lanes.Settle(sql, lane, row.Key);
        return true;
    }

    /// <summary>Gives back all that was claimed under these leases, and never begun.</summary>
    public void Release(Sql sql, List<long> leases)
    {
        var released = sql.Read(
            """
            UPDATE deliveries d SET state = 0, lease = 0, alone = false, attempts = d.attempts - 1
            WHERE d.state = 2 AND d.lease = ANY ($1) RETURNING d.key, d.route, d.lane
            """, row => (Key: row.GetInt64(0), Route: row.GetInt32(1), Lane: row.Int64OrNull(2)), leases);
        foreach (var (key, route, lane) in released)
        {
            books.Move(route, DeliveryState.Leased, DeliveryState.Waiting);
            if (lane is { } held)
                Lanes.Settle(sql, held, key);
        }
    }

    /// <summary>
    /// Deliveries of one message can end on two nodes at once, and each would see the other's as not yet ended: so one after the other.
    /// </summary>
    public static void LockMessages(Sql sql, List<long> sequences)
    {
        if (sequences.Count > 0)
            sql.LaterUnread("SELECT 1 FROM messages WHERE sequence = ANY ($1) ORDER BY sequence FOR NO KEY UPDATE", sequences);
    }

    /// <summary>
    /// The delivery that ended its message last carries the time from which the message may be pruned, alone. The message is locked.
    /// </summary>
    public static void MarkPrunable(Sql sql, long key, long now)
    {
        var first = DeliveryKey.Of(DeliveryKey.Sequence(key), 0);
        sql.Later(
            """
            UPDATE deliveries SET prunable_at = CASE WHEN key = $3 THEN $4::bigint END
            WHERE key BETWEEN $1 AND $2 AND (key = $3 OR prunable_at IS NOT NULL)
              AND NOT EXISTS (SELECT 1 FROM deliveries WHERE key BETWEEN $1 AND $2 AND state NOT IN (3, 5, 6))
            """, first, first + DeliveryKey.ServicesMax - 1, key, now);
    }

    public static void Add(Sql sql, long delivery, Attempt attempt)
    {
        Keep(sql, delivery, attempt);
        Forget(sql, delivery, attempt.Number);
    }

    /// <summary>One of a history that is within its bounds.</summary>
    public static void Keep(Sql sql, long delivery, Attempt attempt) => sql.Later(
        """
        INSERT INTO attempts VALUES ($1, $2, $3, $4, $5::bigint, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (delivery, number) DO NOTHING
        """,
        delivery, attempt.Number, attempt.Generation, StoreTime.Micros(attempt.StartedAt), attempt.DurationMs, attempt.Outcome,
        attempt.Kind?.Name(),
        (int)attempt.Applied, attempt.Status, attempt.Error, attempt.Node, attempt.Decision);

    private static void Forget(Sql sql, long delivery, int number)
    {
        if (AttemptRules.Forgotten(number) is > 0 and var forgotten)
            sql.Later("DELETE FROM attempts WHERE delivery = $1 AND number = $2", delivery, forgotten);
    }
}
