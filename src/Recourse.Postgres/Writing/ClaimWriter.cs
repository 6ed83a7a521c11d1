using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Takes what is due. Rows that another transaction holds are passed over, never waited for; of a lane its row is held, so nobody
/// overtakes.
/// </summary>
internal sealed class ClaimWriter(Books books)
{
    private readonly record struct Candidate(long DueAt, long Key, long? Lane);

    public ClaimResult Apply(Sql sql, ClaimCommand command, long now)
    {
        var candidates = sql.Read(
            """
            SELECT due_at, key FROM deliveries WHERE service = $1 AND suspect = $2 AND state = 0 AND lane IS NULL AND due_at <= $3
            ORDER BY due_at, key LIMIT $4 FOR UPDATE SKIP LOCKED
            """, row => new Candidate(row.GetInt64(0), row.GetInt64(1), null), command.Service, command.Suspects, now, command.Max);
        candidates.AddRange(sql.Read(
            """
            SELECT due_at, head, id FROM lanes WHERE service = $1 AND suspect = $2 AND state = 0 AND due_at <= $3
            ORDER BY due_at, head LIMIT $4 FOR UPDATE SKIP LOCKED
            """, row => new Candidate(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), command.Service, command.Suspects, now,
              command.Max));
        candidates.Sort(static (left, right) => (left.DueAt, left.Key).CompareTo((right.DueAt, right.Key)));
        if (candidates.Count > command.Max)
            candidates.RemoveRange(command.Max, candidates.Count - command.Max);

        var taken = candidates.Count == 0 ? [] : Take(sql, command, candidates, now);
        var next = (long?)sql.Scalar(
            """
            SELECT min(due_at) FROM (
              (SELECT due_at FROM deliveries WHERE service = $1 AND suspect = $2 AND state = 0 AND lane IS NULL ORDER BY due_at LIMIT 1)
              UNION ALL
              (SELECT due_at FROM lanes WHERE service = $1 AND suspect = $2 AND state = 0 ORDER BY due_at LIMIT 1)) AS next
            """, command.Service, command.Suspects);
        return new(taken, next is { } due ? StoreTime.Time(due) : null);
    }

    private List<ClaimedDelivery> Take(Sql sql, ClaimCommand command, List<Candidate> candidates, long now)
    {
        var lanes = candidates.Where(candidate => candidate.Lane is not null).Select(candidate => candidate.Lane!.Value).ToList();
        if (lanes.Count > 0)
            sql.Run("UPDATE lanes SET state = 2 WHERE id = ANY ($1)", lanes);
        var lease = (long)sql.Scalar("SELECT nextval('leases')")!;
        var taken = sql.Read(
            """
            UPDATE deliveries d SET state = 2, lease = $2, attempts = d.attempts + 1, alone = $3, node = $4, claimed_at = $5
            FROM messages m, routes r WHERE d.key = ANY ($1) AND m.sequence = d.key >> 8 AND r.id = d.route
            RETURNING d.key, d.attempts, d.attempts_before, d.message_faults, d.unknown_faults, d.last_delay_ms, d.generation,
              d.generation_at,
              d.key_generation, d.suspect, d.crashes_alone, d.route, m.id, m.created_at, m.order_key, m.content_type, m.headers,
                m.trace_parent,
              m.body, r.queue, d.service, d.edits
            """, row => (Row: Claimed(row, lease, now), Route: row.GetInt32(11), Key: row.GetInt64(0), Edited: row.GetInt32(21) > 0),
            candidates.ConvertAll(candidate => candidate.Key), lease, command.Suspects, command.Node, now);
        foreach (var (_, route, _, _) in taken)
            books.Move(route, DeliveryState.Waiting, DeliveryState.Leased);
        var order = candidates.Select((candidate, place) => (candidate.Key, place)).ToDictionary(row => row.Key, row => row.place);
        return [.. taken.OrderBy(row => order[row.Key]).Select(row => row.Edited ? Edited(sql, row.Key, row.Row) : row.Row)];
    }

    /// <summary>With the body that a person gave it in place of the one that came in.</summary>
    private static ClaimedDelivery Edited(Sql sql, long key, ClaimedDelivery claimed)
    {
        var (type, body) = sql.Read(
            "SELECT content_type, body FROM letter_bodies WHERE delivery = $1",
            row => (row.TextOrNull(0), row.GetFieldValue<byte[]>(1)), key)[0];
        return claimed with { ContentType = type, Body = body };
    }

    private static ClaimedDelivery Claimed(NpgsqlDataReader row, long lease, long now)
    {
        var id = new DeliveryId(row.GetGuid(12), DeliveryKey.Index(row.GetInt64(0)));
        var created = StoreTime.Time(row.GetInt64(13));
        return new()
        {
            Id = id,
            Lease = lease,
            Queue = row.GetString(19),
            Service = row.GetString(20),
            Attempt = row.GetInt32(1),
            AttemptInGeneration = row.GetInt32(1) - row.GetInt32(2),
            MessageFaults = row.GetInt32(3),
            UnknownFaults = row.GetInt32(4),
            LastDelayMs = row.GetInt64(5),
            Generation = row.GetInt32(6),
            CreatedAt = created,
            GenerationAt = row.Int64OrNull(7) is { } began ? StoreTime.Time(began) : created,
            ClaimedAt = StoreTime.Time(now),
            Suspect = row.GetBoolean(9),
            CrashesAlone = row.GetInt32(10),
            IdempotencyKey = AttemptRules.IdempotencyKey(id.MessageId, row.GetInt32(8)),
            OrderKey = row.TextOrNull(14),
            ContentType = row.TextOrNull(15),
            Headers = HeaderText.Read(row.TextOrNull(16)),
            TraceParent = row.TextOrNull(17),
            Body = row.GetFieldValue<byte[]>(18),
        };
    }
}
