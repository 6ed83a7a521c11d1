using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Takes what is due. Rows that another transaction holds are passed over, never waited for; of a lane its row is held, so nobody
/// overtakes. Two trips: what is due, and its taking.
/// </summary>
internal sealed class ClaimWriter(Books books, ControlWriter controls, Lanes lanes)
{
    private const int RoundsMax = 16;
    private const long LookAgain = 500_000;
    private const long RegisterFirst = 1_000_000;

    private readonly ClaimTurns _turns = new();
    private readonly List<long> _keys = [];
    private readonly HashSet<long> _expired = [];

    /// <summary>Leases of the transaction under way.</summary>
    public List<long> Leases { get; } = [];

    /// <summary>
    /// Asks whether this node is registered. Others may have declared it dead; what it claimed then would be nobody's.
    /// </summary>
    public static Answer<long> AskHolder(Sql sql, long node) => sql.Ask("SELECT id FROM nodes WHERE id = $1", row => row.GetInt64(0), node);

    /// <param name="sql">The connection.</param>
    /// <param name="command">What to take.</param>
    /// <param name="holder">This node, when it is registered.</param>
    /// <param name="now">The time of the commit.</param>
    public ClaimResult Apply(Sql sql, ClaimCommand command, Answer<long> holder, Moment now)
    {
        var held = controls.Current(sql, now);
        var routes = books.To(sql, command.Service, now).FindAll(route => !held.Holds(route.Queue, command.Service));
        if (routes.Count == 0)
            return new([], null);
        if (command.ProbeFor is not null
            && !(holder.Rows is [var prober] && ProbeLease.MayTake(sql, command.Service, prober, now.Value)))
            return new([], StoreTime.Nearest(now.Value + LookAgain));
        var fence = sql.Ask("SELECT nextval('leases')", row => row.GetInt64(0));
        var search = new Search(sql, command, routes, now);
        var due = Due(search, command.Max);
        if (holder.Rows is not [var node])
        {
            lanes.ForgetClaims();
            return new([], StoreTime.Nearest(now.Value + RegisterFirst));
        }
        var taken = new List<ClaimedDelivery>();
        _keys.Clear();
        Answer<long?> next;
        // Expired heads make way for others, but one claim does not empty a store of expired messages.
        for (var round = 1; ; round++)
        {
            var expired = due.Where(candidate => _expired.Contains(candidate.Key)).Select(candidate => candidate.Key).Order().ToList();
            ExpiryWriter.Expire(sql, books, expired, now.Value);
            due.RemoveAll(candidate => _expired.Contains(candidate.Key));
            var taking = due.Count > 0 ? AskTake(search, due, fence.Rows[0], node) : null;
            next = AskNext(search);
            if (taking is not null)
            {
                if (taking.Rows.Count < due.Count)
                    next = PutAside(search, due.FindAll(candidate => !taking.Rows.Exists(row => row.Key == candidate.Key)));
                taken.AddRange(Taken(sql, due, taking.Rows));
            }
            if (expired.Count == 0 || taken.Count >= command.Max || round == RoundsMax)
                break;
            due = Due(search, command.Max - taken.Count);
        }
        if (command.ProbeFor is { } atMost && taken.Count > 0)
            ProbeLease.Took(sql, command.Service, [fence.Rows[0]], [.. _keys], now.Value + (long)atMost.TotalMicroseconds, now.Value);
        return new(taken, next.Rows is [{ } at] ? StoreTime.Nearest(at) : null);
    }

    /// <summary>What a claim looks for, and when.</summary>
    private readonly record struct Search(Sql Sql, ClaimCommand Command, List<(int Route, string Queue)> Routes, Moment Now)
    {
        public List<int> Ids => Routes.ConvertAll(static route => route.Route);

        public string Queue(int route) => Routes.Find(each => each.Route == route).Queue;
    }

    private readonly record struct Row(
        ClaimedDelivery Claimed, int Route, long Key, bool Edited);

    private List<DueDelivery> Due(Search search, int max)
    {
        var (sql, command) = (search.Sql, search.Command);
        var (deliveries, heads) = command.Suspects ? (SuspectDeliveries, SuspectLanes) : (DueDeliveries, DueLanes);
        _expired.Clear();
        DueDelivery Candidate(NpgsqlDataReader row, long? lane)
        {
            if (row.GetBoolean(4))
                _expired.Add(row.GetInt64(1));
            return new(row.GetInt64(0), row.GetInt64(1), lane, row.GetInt32(2), search.Queue(row.GetInt32(3)));
        }
        var free = sql.Ask(deliveries, row => Candidate(row, null), search.Now.Given, search.Ids, max);
        var first = sql.Ask(heads, row => Candidate(row, row.GetInt64(5)), search.Now.Given, search.Ids, max);
        List<DueDelivery> due = [.. free.Rows, .. first.Rows];
        if (command.Suspects)
            ClaimTurns.Oldest(due, max);
        else
            _turns.Choose(command.Service, due, max, command.BulkMax);
        return due;
    }

    // Each queue and rank is one range of an index; all of them are one statement.
    private const string DueDeliveries =
        $"""
        SELECT c.due_at, c.key, k.rank, r.route, coalesce(c.expires_at <= {Moment.InSql}, false)
        FROM unnest($2::integer[]) AS r (route) CROSS JOIN generate_series(-10, 9) AS k (rank)
        CROSS JOIN LATERAL (SELECT d.due_at, d.key, d.expires_at FROM deliveries d WHERE d.route = r.route AND d.rank = k.rank
          AND d.state = 0 AND d.lane IS NULL AND NOT d.suspect AND d.due_at <= {Moment.InSql}
          ORDER BY d.due_at, d.key LIMIT $3 FOR UPDATE SKIP LOCKED) c
        """;

    private const string DueLanes =
        $"""
        SELECT c.due_at, c.head, k.rank, r.route, coalesce(h.expires_at <= {Moment.InSql}, false), c.id
        FROM unnest($2::integer[]) AS r (route) CROSS JOIN generate_series(-10, 9) AS k (rank)
        CROSS JOIN LATERAL (SELECT l.due_at, l.head, l.id FROM lanes l WHERE l.route = r.route AND l.rank = k.rank AND l.state = 0
          AND NOT l.suspect AND l.due_at <= {Moment.InSql} ORDER BY l.due_at, l.head LIMIT $3 FOR UPDATE SKIP LOCKED) c
        LEFT JOIN deliveries h ON h.key = c.head
        """;

    private const string SuspectDeliveries =
        $"""
        SELECT due_at, key, 0, route, coalesce(expires_at <= {Moment.InSql}, false) FROM deliveries
        WHERE route = ANY ($2) AND state = 0 AND lane IS NULL AND suspect AND due_at <= {Moment.InSql}
        ORDER BY due_at, key LIMIT $3 FOR UPDATE SKIP LOCKED
        """;

    private const string SuspectLanes =
        $"""
        SELECT l.due_at, l.head, 0, l.route, coalesce(h.expires_at <= {Moment.InSql}, false), l.id
        FROM lanes l LEFT JOIN deliveries h ON h.key = l.head
        WHERE l.route = ANY ($2) AND l.state = 0 AND l.suspect AND l.due_at <= {Moment.InSql}
        ORDER BY l.due_at, l.head LIMIT $3 FOR UPDATE OF l SKIP LOCKED
        """;

    private static Answer<long?> AskNext(Search search) => search.Sql.Ask(
        search.Command.Suspects
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
              """, row => row.Int64OrNull(0), search.Ids);

    private Answer<Row> AskTake(Search search, List<DueDelivery> candidates, long lease, long holder)
    {
        var (sql, now) = (search.Sql, search.Now.Value);
        var heads = candidates.FindAll(candidate => candidate.Lane is not null).ConvertAll(candidate => candidate.Lane!.Value);
        if (heads.Count > 0)
            sql.Later("UPDATE lanes SET state = 2 WHERE id = ANY ($1)", heads);
        Leases.Add(lease);
        return sql.Ask(
            """
            UPDATE deliveries d SET state = 2, lease = $2, attempts = d.attempts + 1, alone = $3, node = $4, claimed_at = $5, holder = $6
            FROM messages m WHERE d.key = ANY ($1) AND d.state < 2 AND m.sequence = d.key >> 8
            RETURNING d.key, d.attempts, d.attempts_before, d.message_faults, d.unknown_faults, d.last_delay_ms, d.generation,
              d.generation_at, d.key_generation, d.suspect, d.crashes_alone, d.route, m.id, m.created_at, m.order_key, m.content_type,
              m.headers, m.trace_parent, m.body, m.queue, d.service, d.rank, d.edits
            """, row => new Row(Claimed(row, lease, now), row.GetInt32(11), row.GetInt64(0), row.GetInt32(22) > 0),
            candidates.ConvertAll(candidate => candidate.Key), lease, search.Command.Suspects, search.Command.Node, now, holder);
    }

    // What has no message has nothing to send, and a lane may lead to what is not there: no claim is to look at them again.
    private Answer<long?> PutAside(Search search, List<DueDelivery> missing)
    {
        var (sql, now) = (search.Sql, search.Now.Value);
        foreach (var route in sql.Read(
            """
            UPDATE deliveries d SET state = 5, lane = NULL, suspect = false, ended_at = $2, prunable_at = $2, decision = $3
            WHERE d.key = ANY ($1) AND d.state = 0 AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.sequence = d.key >> 8)
            RETURNING d.route
            """, row => row.GetInt32(0), missing.ConvertAll(candidate => candidate.Key), now, AttemptRules.MissingDecision))
            books.Move(route, DeliveryState.Waiting, DeliveryState.Discarded);
        foreach (var candidate in missing.Where(candidate => candidate.Lane is not null))
            Lanes.Settle(sql, candidate.Lane!.Value, candidate.Key);
        return AskNext(search);
    }

    private List<ClaimedDelivery> Taken(Sql sql, List<DueDelivery> candidates, List<Row> rows)
    {
        foreach (var row in rows)
        {
            _keys.Add(row.Key);
            books.Move(row.Route, DeliveryState.Waiting, DeliveryState.Leased);
            lanes.Claimed(row.Claimed);
        }
        var order = candidates.Select((candidate, place) => (candidate.Key, place)).ToDictionary(row => row.Key, row => row.place);
        return [.. rows.OrderBy(row => order[row.Key]).Select(row => row.Edited ? Edited(sql, row.Key, row.Claimed) : row.Claimed)];
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
