using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Takes what is due. Rows that another transaction holds are passed over, never waited for; of a lane its row is held, so nobody
/// overtakes.
/// </summary>
internal sealed class ClaimWriter(Books books, ControlWriter controls, Lanes lanes)
{
    private const int RoundsMax = 16;
    private const long LookAgain = 500_000;

    private readonly ClaimTurns _turns = new();
    private readonly List<long> _keys = [];

    /// <summary>Leases of the transaction under way.</summary>
    public List<long> Leases { get; } = [];

    /// <param name="sql">The connection.</param>
    /// <param name="command">What to take.</param>
    /// <param name="holder">This node; it is registered.</param>
    /// <param name="now">The time of the commit.</param>
    public ClaimResult Apply(Sql sql, ClaimCommand command, long holder, long now)
    {
        var held = controls.Current(sql, now);
        var routes = books.To(sql, command.Service, now).FindAll(route => !held.Holds(route.Queue, command.Service));
        if (routes.Count == 0)
            return new([], null);
        if (command.ProbeFor is not null && !ProbeLease.MayTake(sql, command.Service, holder, now))
            return new([], StoreTime.Nearest(now + LookAgain));
        var earlier = Leases.Count;
        var ids = routes.ConvertAll(route => route.Route);
        var queues = routes.ToDictionary(route => route.Route, route => route.Queue);
        var taken = new List<ClaimedDelivery>();
        _keys.Clear();
        // Expired heads make way for others, but one claim does not empty a store of expired messages.
        for (var round = 0; round < RoundsMax; round++)
        {
            var due = Due(sql, command, ids, queues, command.Max - taken.Count, now);
            var expired = due.Count == 0 ? [] : sql.Read(
                "SELECT key FROM deliveries WHERE key = ANY ($1) AND expires_at <= $2 ORDER BY key", row => row.GetInt64(0),
                due.ConvertAll(candidate => candidate.Key), now);
            if (expired.Count > 0)
            {
                ExpiryWriter.Expire(sql, books, expired, now);
                due.RemoveAll(candidate => expired.Contains(candidate.Key));
            }
            if (due.Count > 0)
                taken.AddRange(Take(sql, command, due, holder, now));
            if (expired.Count == 0 || taken.Count >= command.Max)
                break;
        }
        if (command.ProbeFor is { } atMost && taken.Count > 0)
            ProbeLease.Took(sql, command.Service, Leases[earlier..], _keys, now + (long)atMost.TotalMicroseconds, now);
        return new(taken, Next(sql, command, ids));
    }

    private List<DueDelivery> Due(
        Sql sql, ClaimCommand command, List<int> routes, Dictionary<int, string> queues, int max, long now)
    {
        var (deliveries, lanes) = command.Suspects ? (SuspectDeliveries, SuspectLanes) : (DueDeliveries, DueLanes);
        var due = sql.Read(deliveries, row => new DueDelivery(
            row.GetInt64(0), row.GetInt64(1), null, row.GetInt32(2), queues[row.GetInt32(3)]), routes, now, max);
        due.AddRange(sql.Read(lanes, row => new DueDelivery(
            row.GetInt64(0), row.GetInt64(1), row.GetInt64(4), row.GetInt32(2), queues[row.GetInt32(3)]), routes, now, max));
        if (command.Suspects)
            ClaimTurns.Oldest(due, max);
        else
            _turns.Choose(command.Service, due, max, command.BulkMax);
        return due;
    }

    // Each queue and rank is one range of an index; all of them are one statement.
    private const string DueDeliveries =
        """
        SELECT c.due_at, c.key, k.rank, r.route FROM unnest($1::integer[]) AS r (route) CROSS JOIN generate_series(-10, 9) AS k (rank)
        CROSS JOIN LATERAL (SELECT d.due_at, d.key FROM deliveries d WHERE d.route = r.route AND d.rank = k.rank AND d.state = 0
          AND d.lane IS NULL AND NOT d.suspect AND d.due_at <= $2 ORDER BY d.due_at, d.key LIMIT $3 FOR UPDATE SKIP LOCKED) c
        """;

    private const string DueLanes =
        """
        SELECT c.due_at, c.head, k.rank, r.route, c.id FROM unnest($1::integer[]) AS r (route)
        CROSS JOIN generate_series(-10, 9) AS k (rank)
        CROSS JOIN LATERAL (SELECT l.due_at, l.head, l.id FROM lanes l WHERE l.route = r.route AND l.rank = k.rank AND l.state = 0
          AND NOT l.suspect AND l.due_at <= $2 ORDER BY l.due_at, l.head LIMIT $3 FOR UPDATE SKIP LOCKED) c
        """;

    private const string SuspectDeliveries =
        """
        SELECT due_at, key, 0, route FROM deliveries WHERE route = ANY ($1) AND state = 0 AND lane IS NULL AND suspect AND due_at <= $2
        ORDER BY due_at, key LIMIT $3 FOR UPDATE SKIP LOCKED
        """;

    private const string SuspectLanes =
        """
        SELECT due_at, head, 0, route, id FROM lanes WHERE route = ANY ($1) AND state = 0 AND suspect AND due_at <= $2
        ORDER BY due_at, head LIMIT $3 FOR UPDATE SKIP LOCKED
        """;

    private static DateTimeOffset? Next(Sql sql, ClaimCommand command, List<int> routes)
    {
        var next = (long?)sql.Scalar(command.Suspects
            ? """
              SELECT min(due_at) FROM (
                (SELECT due_at FROM deliveries WHERE route = ANY ($1) AND state = 0 AND lane IS NULL AND suspect)
                UNION ALL (SELECT due_at FROM lanes WHERE route = ANY ($1) AND state = 0 AND suspect)) AS next
              """
            : """
              SELECT min(due_at) FROM unnest($1::integer[]) AS r (route) CROSS JOIN generate_series(-10, 9) AS k (rank)
              CROSS JOIN LATERAL (
                (SELECT d.due_at FROM deliveries d WHERE d.route = r.route AND d.rank = k.rank AND d.state = 0 AND d.lane IS NULL
                   AND NOT d.suspect ORDER BY d.due_at LIMIT 1)
                UNION ALL
                (SELECT l.due_at FROM lanes l WHERE l.route = r.route AND l.rank = k.rank AND l.state = 0 AND NOT l.suspect
                 ORDER BY l.due_at LIMIT 1)) AS next
              """, routes);
        return next is { } due ? StoreTime.Nearest(due) : null;
    }

    private List<ClaimedDelivery> Take(Sql sql, ClaimCommand command, List<DueDelivery> candidates, long holder, long now)
    {
        var heads = candidates.Where(candidate => candidate.Lane is not null).Select(candidate => candidate.Lane!.Value).ToList();
        if (heads.Count > 0)
            sql.Run("UPDATE lanes SET state = 2 WHERE id = ANY ($1)", heads);
        var lease = (long)sql.Scalar("SELECT nextval('leases')")!;
        Leases.Add(lease);
        var taken = sql.Read(
            """
            UPDATE deliveries d SET state = 2, lease = $2, attempts = d.attempts + 1, alone = $3, node = $4, claimed_at = $5,
              holder = $6
            FROM messages m, routes r WHERE d.key = ANY ($1) AND m.sequence = d.key >> 8 AND r.id = d.route
            RETURNING d.key, d.attempts, d.attempts_before, d.message_faults, d.unknown_faults, d.last_delay_ms, d.generation,
              d.generation_at,
              d.key_generation, d.suspect, d.crashes_alone, d.route, m.id, m.created_at, m.order_key, m.content_type, m.headers,
                m.trace_parent,
              m.body, r.queue, d.service, d.rank, d.edits
            """, row => (Row: Claimed(row, lease, now), Route: row.GetInt32(11), Key: row.GetInt64(0), Edited: row.GetInt32(22) > 0),
            candidates.ConvertAll(candidate => candidate.Key), lease, command.Suspects, command.Node, now, holder);
        foreach (var (claimed, route, key, _) in taken)
        {
            _keys.Add(key);
            books.Move(route, DeliveryState.Waiting, DeliveryState.Leased);
            lanes.Claimed(claimed);
        }
        var order = candidates.Select((candidate, place) => (candidate.Key, place)).ToDictionary(row => row.Key, row => row.place);
        return [.. taken.OrderBy(row => order[row.Key]).Select(row => row.Edited ? Edited(sql, row.Key, row.Row) : row.Row)];
    }

    /// <summary>With the body that a person gave it in place of the one that came in.</summary>
    private static ClaimedDelivery Edited(Sql sql, long key, ClaimedDelivery claimed)
    {
        if (claimed.Unreadable is not null)
            return claimed;
        var edited = sql.Read(
            "SELECT content_type, body FROM letter_bodies WHERE delivery = $1",
            row => (Type: row.TextOrNull(0), Body: row.GetFieldValue<byte[]>(1)), key);
        return edited is [var (type, body)] ? claimed with { ContentType = type, Body = body }
            : Unreadable(claimed, "its edited body is not there");
    }

    // A row that cannot be read must not stop the rows behind it. It is claimed like them, and its attempt fails without the handler: so
    // the letters are locked in their order, which a claim does not do.
    private static ClaimedDelivery Claimed(NpgsqlDataReader row, long lease, long now)
    {
        var claimed = Bare(row, lease, now);
        try
        {
            var created = StoreTime.Time(row.GetInt64(13));
            return claimed with
            {
                CreatedAt = created,
                GenerationAt = row.Int64OrNull(7) is { } began ? StoreTime.Time(began) : created,
                ContentType = row.TextOrNull(15),
                Headers = HeaderText.Read(row.TextOrNull(16)),
                Body = row.GetFieldValue<byte[]>(18),
            };
        }
        catch (Exception error) when (error is FormatException or ArithmeticException)
        {
            return Unreadable(claimed, error.Message);
        }
    }

    private static ClaimedDelivery Unreadable(ClaimedDelivery claimed, string why) =>
        claimed with { ContentType = null, Headers = null, Body = default, Unreadable = $"The stored row cannot be read: {why}" };

    /// <summary>What the types of the columns vouch for.</summary>
    private static ClaimedDelivery Bare(NpgsqlDataReader row, long lease, long now)
    {
        var id = new DeliveryId(row.GetGuid(12), DeliveryKey.Index(row.GetInt64(0)));
        var time = StoreTime.Time(now);
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
            CreatedAt = time,
            GenerationAt = time,
            ClaimedAt = time,
            Suspect = row.GetBoolean(9),
            CrashesAlone = row.GetInt32(10),
            Bulk = Ranks.IsBulk(row.GetInt16(21)),
            IdempotencyKey = AttemptRules.IdempotencyKey(id.MessageId, row.GetInt32(8)),
            OrderKey = row.TextOrNull(14),
            TraceParent = row.TextOrNull(17),
            Body = default,
        };
    }
}
