using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Takes all that is due to a service, and looks when more will be, by one statement, with which the commit goes. That can be where there
/// is nothing to choose and nothing to mend: all that is due fits into the claim, none of it has expired or is in a lane, nor is what comes
/// next, and its node is registered. Otherwise the statement takes nothing, and the claim is made by <see cref="ClaimWriter"/>, in two
/// trips.
/// </summary>
internal sealed class ClaimAtOnce(Books books, ControlWriter controls)
{
    // A service with lanes, or more than fits, has them at its next claims too.
    private const int Rest = 16;

    private readonly Dictionary<string, int> _resting = [];
    private readonly List<(ClaimCommand Command, Answer<Row> Rows)> _asked = [];

    public ClaimTurns Turns { get; } = new();

    /// <summary>True when nothing has to be read first for this claim (of no suspects, no probe), and it is likely to succeed.</summary>
    public bool Suits(ClaimCommand command, Moment now) =>
        !_resting.ContainsKey(command.Service) && controls.IsFresh(now) && books.Knows(command.Service, now);

    /// <summary>A claim of this service was made the other way.</summary>
    public void Passed(string service)
    {
        if (_resting.TryGetValue(service, out var rest) && rest > 1)
            _resting[service] = rest - 1;
        else
            _resting.Remove(service);
    }

    /// <summary>True when the transaction under way claims something this way.</summary>
    public bool Any => _asked.Count > 0;

    /// <summary>Those of the transaction that has ended.</summary>
    public List<long> Leases { get; } = [];

    public void Forget()
    {
        _asked.Clear();
        Leases.Clear();
    }

    public void Apply(Sql sql, ClaimCommand command, long node, Moment now)
    {
        command.Result = new([], null);
        var held = controls.Current(sql, now);
        var routes = books.To(sql, command.Service, now).FindAll(route => !held.Holds(route.Queue, command.Service));
        if (routes.Count > 0)
            _asked.Add((command, sql.AskWithCommit(
                routes.Count == 1 ? OfOne : OfSeveral, Row.Read, now.Given, false, command.Node, node, command.Max,
                routes.Count == 1 ? (object)routes[0].Route : routes.ConvertAll(static route => route.Route))));
    }

    /// <summary>After the commit.</summary>
    /// <param name="give">What was taken, in the order of taking, and when to look again.</param>
    /// <returns>Claims to be made the other way.</returns>
    public List<ClaimCommand> Finish(Action<ClaimCommand, List<ClaimedRow>, long?> give)
    {
        var left = new List<ClaimCommand>();
        foreach (var (command, answer) in _asked)
        {
            var (lease, now, due, fits, next, _) = answer.Rows[0];
            Leases.Add(lease);
            var rows = answer.Rows.Where(row => row.Taken is not null).ToDictionary(row => row.Taken!.Value.Key, row => row.Taken!.Value);
            var order = rows.Values.Select(row => row.Due).ToList();
            Turns.Choose(command.Service, order, order.Count, command.BulkMax);
            // What leads to no message is left to the other way, at once.
            if (!fits || rows.Count < due)
                _resting[command.Service] = Rest;
            if (!fits)
                left.Add(command);
            else
                give(command, order.ConvertAll(each => rows[each.Key]), rows.Count < due ? now : next);
        }
        return left;
    }

    /// <summary>One of what was taken, or null, with what holds for the whole claim.</summary>
    private readonly record struct Row(long Lease, long Now, long Due, bool Fits, long? Next, ClaimedRow? Taken)
    {
        public static Row Read(NpgsqlDataReader row)
        {
            var (lease, now) = (row.GetInt64(ClaimedRow.Columns), row.GetInt64(ClaimedRow.Columns + 1));
            return new(
                lease, now, row.GetInt64(ClaimedRow.Columns + 2), row.GetBoolean(ClaimedRow.Columns + 3),
                row.Int64OrNull(ClaimedRow.Columns + 4), row.IsDBNull(0) ? null : ClaimedRow.Read(row, lease, now));
        }
    }

    private const string Later = $"d.state = 0 AND NOT d.suspect AND d.due_at > {Moment.InSql} ORDER BY d.due_at LIMIT 1";

    private static readonly string OfOne = All(
        "d.route = $6::integer", $"SELECT d.due_at, d.lane IS NULL AS plain FROM deliveries d WHERE d.route = $6::integer AND {Later}");

    private static readonly string OfSeveral = All(
        "d.route = ANY ($6::integer[])",
        $"""
        SELECT n.due_at, n.plain FROM unnest($6::integer[]) AS r (route) CROSS JOIN LATERAL (
          SELECT d.due_at, d.lane IS NULL AS plain FROM deliveries d WHERE d.route = r.route AND {Later}) n
        ORDER BY n.due_at LIMIT 1
        """);

    // All that is due fits, so its order does not matter here: the index of what waits gives it, and behind now what comes next. What comes
    // next in a lane may have to wait for others there.
    private static string All(string routes, string next) =>
        $"""
        WITH due AS MATERIALIZED (
          SELECT d.key, d.lane IS NULL AND (d.expires_at IS NULL OR d.expires_at > {Moment.InSql}) AS plain FROM deliveries d
          WHERE {routes} AND d.state = 0 AND NOT d.suspect AND d.due_at <= {Moment.InSql} LIMIT $5 + 1 FOR UPDATE SKIP LOCKED),
        next AS MATERIALIZED ({next}),
        head AS MATERIALIZED (
          SELECT nextval('leases') AS lease, {Moment.InSql} AS now, count(*) AS due,
            count(*) <= $5 AND coalesce(bool_and(plain), true) AND coalesce((SELECT plain FROM next), true)
              AND EXISTS (SELECT 1 FROM nodes WHERE id = $4) AS fits,
            (SELECT due_at FROM next) AS next
          FROM due),
        {ClaimedRow.Taken("ARRAY (SELECT key FROM due WHERE (SELECT fits FROM head))", "(SELECT lease FROM head)")}
        SELECT taken.*, head.* FROM head LEFT JOIN taken ON true
        """;
}
