using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Takes what is due. Rows that another transaction holds are passed over, never waited for; of a lane its row is held, so nobody
/// overtakes. Two trips: what is due, and its taking, with which the commit goes; or <see cref="ClaimAtOnce"/>.
/// </summary>
internal sealed class ClaimWriter(Books books, ControlWriter controls, InHand inHand)
{
    private const int RoundsMax = 16;
    private const long LookAgain = 500_000;
    private const long RegisterFirst = 1_000_000;

    private readonly ClaimAtOnce _atOnce = new(books, controls);
    private readonly List<Taking> _taking = [];
    private readonly HashSet<long> _expired = [];

    /// <summary>How many claims of the transaction under way look for something, in two trips.</summary>
    public int Pending => _taking.Count;

    /// <summary>Leases of the transaction under way, as far as they are known.</summary>
    public IEnumerable<long> Leases =>
        _taking.Where(taking => taking.Rows is not null).Select(taking => taking.Fence).Concat(_atOnce.Leases);

    /// <summary>True when the transaction under way may make leases.</summary>
    public bool Takes => _atOnce.Any || Leases.Any();

    /// <summary>
    /// Asks for a fence for each claim, and whether this node is registered. Others may have declared it dead; what it claimed then would
    /// be nobody's.
    /// </summary>
    public static Answer<Turn> AskTurns(Sql sql, long node, int claims, Moment now)
    {
        var turns = sql.AskWithCommit(
            $"SELECT nextval('leases'), (SELECT id FROM nodes WHERE id = $2), {Moment.InSql} FROM generate_series(1, $3)",
            row => new Turn(row.GetInt64(0), row.Int64OrNull(1), row.GetInt64(2)), now.Given, node, claims);
        now.AlsoIn(() => turns.Rows[0].Now);
        return turns;
    }

    /// <summary>Its fence, this node (null when it is not registered), and the time.</summary>
    internal readonly record struct Turn(long Fence, long? Holder, long Now);

    /// <param name="sql">The connection.</param>
    /// <param name="command">What to take.</param>
    /// <param name="turns">What was asked for.</param>
    /// <param name="place">Which of them is this claim's.</param>
    /// <param name="now">The time of the commit.</param>
    /// <remarks>The result is there after <see cref="Finish"/>.</remarks>
    public void Apply(Sql sql, ClaimCommand command, Answer<Turn> turns, int place, Moment now)
    {
        command.Result = new([], null);
        _atOnce.Passed(command.Service);
        var held = controls.Current(sql, now);
        var routes = books.To(sql, command.Service, now).FindAll(route => !held.Holds(route.Queue, command.Service));
        if (routes.Count == 0)
            return;
        if (command.ProbeFor is not null
            && !(turns.Rows[place].Holder is { } prober && ProbeLease.MayTake(sql, command.Service, prober, now.Value)))
        {
            command.Result = new([], StoreTime.Nearest(now.Value + LookAgain));
            return;
        }
        var search = new Search(sql, command, routes, now);
        var due = Due(search, []);
        if (turns.Rows[place] is not (var fence, { } node, _))
        {
            inHand.Clear();
            command.Result = new([], StoreTime.Nearest(now.Value + RegisterFirst));
            return;
        }
        // Expired heads make way for others, but one claim does not empty a store of expired messages.
        for (var round = 1; _expired.Count > 0; round++)
        {
            ExpiryWriter.Expire(sql, books, [.. _expired.Order()], now.Value);
            due.RemoveAll(candidate => _expired.Contains(candidate.Key));
            if (due.Count >= command.Max || round == RoundsMax)
                break;
            due.AddRange(Due(search, due));
        }
        var rows = due.Count > 0 ? AskTake(search, due, fence, node) : null;
        _taking.Add(new(search, due, fence, rows, AskNext(search)));
        if (command.ProbeFor is { } atMost && rows?.Rows is [_, ..] probed)
            ProbeLease.Took(
                sql, command.Service, [fence], probed.ConvertAll(row => row.Key), now.Value + (long)atMost.TotalMicroseconds, now.Value);
    }

    /// <inheritdoc cref="ClaimAtOnce.Suits"/>
    public bool SuitsAtOnce(ClaimCommand command, Moment now) => _atOnce.Suits(command, now);

    /// <inheritdoc cref="ClaimAtOnce.Apply"/>
    public void ApplyAtOnce(Sql sql, ClaimCommand command, long node, Moment now) => _atOnce.Apply(sql, command, node, now);

    /// <summary>After the commit of claims that were made at once: those that are to be made in two trips.</summary>
    /// <param name="begin">For what has to be read behind the commit.</param>
    public List<ClaimCommand> FinishAtOnce(Func<Sql> begin) =>
        _atOnce.Finish((command, rows, next) => Give(command, rows, next, begin));

    /// <summary>After the commit: what was taken is in hand, and goes to who asked for it.</summary>
    /// <param name="begin">For what has to be written or read behind the commit.</param>
    public void Finish(Func<Sql> begin)
    {
        foreach (var taking in _taking)
        {
            var rows = taking.Rows?.Rows ?? [];
            var next = taking.Next.Rows;
            if (rows.Count < taking.Due.Count)
                next = PutAside(begin(), taking, taking.Due.FindAll(due => !rows.Exists(row => row.Key == due.Key)));
            var order = taking.Due.Select((due, place) => (due.Key, place)).ToDictionary(due => due.Key, due => due.place);
            Give(taking.Search.Command, rows.OrderBy(row => order[row.Key]), next is [{ } at] ? at : null, begin);
        }
    }

    private void Give(ClaimCommand command, IEnumerable<ClaimedRow> rows, long? next, Func<Sql> begin)
    {
        var claimed = new List<ClaimedDelivery>();
        foreach (var row in rows)
        {
            inHand.Add(row);
            claimed.Add(row.IsEdited ? row.Edited(begin()) : row.Claimed);
        }
        command.Result = new(claimed, next is { } at ? StoreTime.Nearest(at) : null);
    }

    /// <summary>What came behind the first so many was rolled back.</summary>
    public void Forget(int kept)
    {
        _taking.RemoveRange(kept, _taking.Count - kept);
        _atOnce.Forget();
    }

    /// <summary>A claim whose rows come with the commit.</summary>
    internal sealed record Taking(Search Search, List<DueDelivery> Due, long Fence, Answer<ClaimedRow>? Rows, Answer<long?> Next);

    /// <summary>What a claim looks for, and when.</summary>
    internal readonly record struct Search(Sql Sql, ClaimCommand Command, List<(int Route, string Queue)> Routes, Moment Now)
    {
        public List<int> Ids => Routes.ConvertAll(static route => route.Route);

        public string Queue(int route) => Routes.Find(each => each.Route == route).Queue;
    }

    /// <summary>What to take beside what was chosen already.</summary>
    private List<DueDelivery> Due(Search search, List<DueDelivery> chosen)
    {
        var (sql, command) = (search.Sql, search.Command);
        _expired.Clear();
        DueDelivery Candidate(NpgsqlDataReader row)
        {
            if (row.GetBoolean(4))
                _expired.Add(row.GetInt64(1));
            return new(row.GetInt64(0), row.GetInt64(1), row.Int64OrNull(5), row.GetInt32(2), search.Queue(row.GetInt32(3)));
        }
        var due = sql.Read(command.Suspects ? Suspects : DueNow, Candidate, search.Now.Given, search.Ids,
            command.Max + chosen.Count);
        due.RemoveAll(candidate => chosen.Exists(other => other.Key == candidate.Key));
        if (command.Suspects)
            ClaimTurns.Oldest(due, command.Max - chosen.Count);
        else
            _atOnce.Turns.Choose(command.Service, due, command.Max - chosen.Count, command.BulkMax);
        _expired.IntersectWith(due.Select(candidate => candidate.Key));
        return due;
    }

    // Each queue and rank is one range of an index; all of them are one statement.
    private const string DueNow =
        $"""
        SELECT c.due_at, c.key, k.rank, r.route, coalesce(c.expires_at <= {Moment.InSql}, false), NULL::bigint
        FROM unnest($2::integer[]) AS r (route) CROSS JOIN generate_series(-10, 9) AS k (rank)
        CROSS JOIN LATERAL (SELECT d.due_at, d.key, d.expires_at FROM deliveries d WHERE d.route = r.route AND d.rank = k.rank
          AND d.state = 0 AND d.lane IS NULL AND NOT d.suspect AND d.due_at <= {Moment.InSql}
          ORDER BY d.due_at, d.key LIMIT $3 FOR UPDATE SKIP LOCKED) c
        UNION ALL
        SELECT c.due_at, c.head, k.rank, r.route, coalesce(h.expires_at <= {Moment.InSql}, false), c.id
        FROM unnest($2::integer[]) AS r (route) CROSS JOIN generate_series(-10, 9) AS k (rank)
        CROSS JOIN LATERAL (SELECT l.due_at, l.head, l.id FROM lanes l WHERE l.route = r.route AND l.rank = k.rank AND l.state = 0
          AND NOT l.suspect AND l.due_at <= {Moment.InSql} ORDER BY l.due_at, l.head LIMIT $3 FOR UPDATE SKIP LOCKED) c
        LEFT JOIN deliveries h ON h.key = c.head
        """;

    private const string Suspects =
        $"""
        SELECT * FROM (SELECT due_at, key, 0, route, coalesce(expires_at <= {Moment.InSql}, false), NULL::bigint FROM deliveries
        WHERE route = ANY ($2) AND state = 0 AND lane IS NULL AND suspect AND due_at <= {Moment.InSql}
        ORDER BY due_at, key LIMIT $3 FOR UPDATE SKIP LOCKED) AS free
        UNION ALL
        SELECT * FROM (SELECT l.due_at, l.head, 0, l.route, coalesce(h.expires_at <= {Moment.InSql}, false), l.id
        FROM lanes l LEFT JOIN deliveries h ON h.key = l.head
        WHERE l.route = ANY ($2) AND l.state = 0 AND l.suspect AND l.due_at <= {Moment.InSql}
        ORDER BY l.due_at, l.head LIMIT $3 FOR UPDATE OF l SKIP LOCKED) AS heads
        """;

    private static Answer<long?> AskNext(Search search) => search.Sql.AskWithCommit(
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

    private static Answer<ClaimedRow> AskTake(Search search, List<DueDelivery> candidates, long lease, long holder)
    {
        var (sql, now) = (search.Sql, search.Now.Value);
        return sql.AskWithCommit(
            candidates.Exists(candidate => candidate.Lane is not null) ? TakeWithLanes : Take, row => ClaimedRow.Read(row, lease, now),
            search.Now.Given, search.Command.Suspects, search.Command.Node, holder, candidates.ConvertAll(candidate => candidate.Key),
            lease);
    }

    // A lane that leads to what was not taken stays as it is. By arrays, so that no plan goes through all lanes.
    private static readonly string TakeWithLanes =
        $"""
        WITH {ClaimedRow.Taken("$5", "$6")}, heads AS (
          UPDATE lanes SET state = 2 WHERE id = ANY (ARRAY (SELECT lane FROM taken)) AND head = ANY (ARRAY (SELECT key FROM taken)))
        SELECT * FROM taken
        """;

    private static readonly string Take = $"WITH {ClaimedRow.Taken("$5", "$6")} SELECT * FROM taken";

    // What has no message has nothing to send, and a lane may lead to what is not there: no claim is to look at them again.
    private List<long?> PutAside(Sql sql, Taking taking, List<DueDelivery> missing)
    {
        var now = taking.Search.Now.Value;
        var heads = missing.FindAll(candidate => candidate.Lane is not null);
        sql.LaterUnread("SELECT 1 FROM lanes WHERE id = ANY ($1) ORDER BY service, order_key FOR UPDATE",
            heads.ConvertAll(candidate => candidate.Lane!.Value));
        foreach (var route in sql.Read(
            """
            UPDATE deliveries d SET state = 5, lane = NULL, suspect = false, ended_at = $2, prunable_at = $2, decision = $3
            WHERE d.key = ANY ($1) AND d.state = 0 AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.sequence = d.key >> 8)
            RETURNING d.route
            """, row => row.GetInt32(0), missing.ConvertAll(candidate => candidate.Key), now, AttemptRules.MissingDecision))
            books.Move(route, DeliveryState.Waiting, DeliveryState.Discarded);
        foreach (var candidate in heads)
            Lanes.Settle(sql, candidate.Lane!.Value, candidate.Key);
        return AskNext(taking.Search with { Sql = sql }).Rows;
    }
}
