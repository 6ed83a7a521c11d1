using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Takes all that is due to a service, and looks when more will be, by one statement, with which the commit goes. That can be where there
/// is nothing to choose and nothing to mend: all that is due fits into the claim, none of it has expired or is in a lane, and its node is
/// registered. Otherwise the statement takes nothing, and the claim is made by <see cref="ClaimWriter"/>, in two trips.
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
                All, Row.Read, now.Given, false, command.Node, node, command.Max, routes.ConvertAll(static route => route.Route))));
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

    private const string Ready = "d.state = 0 AND d.lane IS NULL AND NOT d.suspect";

    // From rank to rank by the index: most queues use one. What comes due later is where the index goes on behind now.
    private static readonly string All =
        $"""
        WITH RECURSIVE turn AS MATERIALIZED (
          SELECT nextval('leases') AS lease, {Moment.InSql} AS now, EXISTS (SELECT 1 FROM nodes WHERE id = $4) AS registered),
        ranks (route, rank) AS (
          SELECT r.route, (SELECT d.rank FROM deliveries d WHERE d.route = r.route AND {Ready} ORDER BY d.rank LIMIT 1)
          FROM unnest($6::integer[]) AS r (route)
          UNION ALL
          SELECT k.route, (SELECT d.rank FROM deliveries d WHERE d.route = k.route AND d.rank > k.rank AND {Ready} ORDER BY d.rank LIMIT 1)
          FROM ranks k WHERE k.rank IS NOT NULL),
        due AS MATERIALIZED (
          SELECT c.key, c.expires_at FROM ranks k CROSS JOIN LATERAL (SELECT d.key, d.expires_at FROM deliveries d
            WHERE d.route = k.route AND d.rank = k.rank AND {Ready} AND d.due_at <= (SELECT now FROM turn)
            ORDER BY d.due_at, d.key LIMIT $5 + 1 FOR UPDATE SKIP LOCKED) c),
        fits AS MATERIALIZED (
          SELECT count(due.key) AS due, turn.registered AND count(due.key) <= $5 AND NOT coalesce(min(due.expires_at) <= turn.now, false)
              AND NOT EXISTS (SELECT 1 FROM lanes l WHERE l.route = ANY ($6) AND l.state = 0 AND NOT l.suspect) AS yes
          FROM turn LEFT JOIN due ON true GROUP BY turn.registered, turn.now),
        {ClaimedRow.Taken("ARRAY (SELECT key FROM due WHERE (SELECT yes FROM fits))", "(SELECT lease FROM turn)")}
        SELECT taken.*, turn.lease, turn.now, fits.due, fits.yes,
          (SELECT min(n.due_at) FROM ranks k CROSS JOIN LATERAL (SELECT d.due_at FROM deliveries d
            WHERE d.route = k.route AND d.rank = k.rank AND {Ready} AND d.due_at > turn.now ORDER BY d.due_at LIMIT 1) n)
        FROM turn CROSS JOIN fits LEFT JOIN taken ON true
        """;
}
