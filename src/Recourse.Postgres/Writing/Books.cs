using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Routes and their books: changes gather here and become one entry a route in each commit. What is leased is entered as waiting, and
/// counted from its rows, which are few: so a claim and what is given back change no books.
/// </summary>
internal sealed class Books(Changes routes)
{
    private const int EntriesMax = 500;
    private const long Fresh = 1_000_000;

    private readonly Dictionary<(string Queue, string Service), int> _routes = [];
    private readonly Dictionary<string, (long ReadAt, int Made, List<(int Route, string Queue)> Routes)> _toService = [];
    private readonly SortedDictionary<int, long[]> _changes = [];
    private readonly List<(long Replay, long Delivery, ReplayOutcome Outcome)> _ended = [];
    private int _entries;
    private bool _made;

    public int Route(Sql sql, string queue, string service)
    {
        if (_routes.TryGetValue((queue, service), out var known))
            return known;
        sql.Later("INSERT INTO routes (queue, service) VALUES ($1, $2) ON CONFLICT DO NOTHING", queue, service);
        var route = (int)sql.Scalar("SELECT id FROM routes WHERE queue = $1 AND service = $2", queue, service)!;
        _routes.Add((queue, service), route);
        _toService.Remove(service);
        _made = true;
        return route;
    }

    /// <summary>True when <see cref="Route"/> need not read.</summary>
    public bool Knows(string queue, string service) => _routes.ContainsKey((queue, service));

    /// <summary>True when <see cref="To"/> need not read.</summary>
    public bool Knows(string service, Moment moment) =>
        _toService.TryGetValue(service, out var known) && known.Made == routes.Times && Math.Abs(moment.Rough - known.ReadAt) < Fresh;

    /// <summary>The routes that lead to a service, by queue; read again every second, because other nodes make routes too.</summary>
    public List<(int Route, string Queue)> To(Sql sql, string service, Moment moment)
    {
        if (Knows(service, moment))
            return _toService[service].Routes;
        var (now, times) = (moment.Rough, routes.Times);
        var found = sql.Read("SELECT id, queue FROM routes WHERE service = $1 ORDER BY id", row => (row.GetInt32(0), row.GetString(1)),
            service);
        // Not of a service that nobody ever sent to: names would gather without end.
        if (found.Count > 0)
            _toService[service] = (now, times, found);
        return found;
    }

    /// <summary>A letter of a replay job ended; written with the next commit.</summary>
    public void Ended(long replay, long delivery, ReplayOutcome outcome) => _ended.Add((replay, delivery, outcome));

    public void Add(int route, DeliveryState state, int by = 1)
    {
        state = state is DeliveryState.Leased ? DeliveryState.Waiting : state;
        if (!_changes.TryGetValue(route, out var changes))
            _changes.Add(route, changes = new long[7]);
        changes[(int)state] += by;
    }

    public void Move(int route, DeliveryState from, DeliveryState to)
    {
        Add(route, from, -1);
        Add(route, to);
    }

    /// <summary>A statement that moved deliveries made so many entries itself.</summary>
    public void Entered(int entries) => _entries += entries;

    public void Write(Sql sql, Moment now)
    {
        foreach (var (route, by) in _changes)
        {
            if (Array.TrueForAll(by, static change => change == 0))
                continue;
            sql.Later(
                "INSERT INTO books VALUES ($1, $2, 0, $3, $4, $5, $6)", route, by[(int)DeliveryState.Waiting],
                by[(int)DeliveryState.Delivered], by[(int)DeliveryState.Dead], by[(int)DeliveryState.Discarded],
                by[(int)DeliveryState.Expired]);
            _entries++;
        }
        _changes.Clear();
        WriteReplays(sql, now);
        if (_entries >= EntriesMax)
            SumUp(sql);
    }

    private void WriteReplays(Sql sql, Moment now)
    {
        if (_ended.Count == 0)
            return;
        sql.Later(
            $"""
            WITH ended AS (
              UPDATE replay_items i SET outcome = e.outcome, ended_at = {Moment.InSql}
              FROM unnest($2::bigint[], $3::bigint[], $4::smallint[]) AS e (replay, delivery, outcome)
              WHERE i.replay = e.replay AND i.delivery = e.delivery AND i.outcome = 0 RETURNING i.replay, e.outcome)
            UPDATE replays r SET delivered = r.delivered + s.delivered, dead_again = r.dead_again + s.dead
            FROM (SELECT replay, count(*) FILTER (WHERE outcome = 1) AS delivered, count(*) FILTER (WHERE outcome = 2) AS dead
                  FROM ended GROUP BY replay) s
            WHERE r.number = s.replay
            """, now.Given, _ended.ConvertAll(end => end.Replay), _ended.ConvertAll(end => end.Delivery),
            _ended.ConvertAll(end => (short)end.Outcome));
        _ended.Clear();
    }

    // Entries that another node is summing up are its own: nobody waits for it.
    private void SumUp(Sql sql)
    {
        sql.Later(
            """
            WITH gone AS (DELETE FROM books WHERE ctid = ANY (ARRAY (SELECT ctid FROM books FOR UPDATE SKIP LOCKED)) RETURNING *)
            INSERT INTO books SELECT route, sum(waiting), sum(leased), sum(delivered), sum(dead), sum(discarded), sum(expired) FROM gone
              GROUP BY route
            """);
        _entries = 0;
    }

    /// <summary>After a commit.</summary>
    public void Committed()
    {
        if (_made)
            routes.Add();
        _made = false;
    }

    /// <summary>After a rollback.</summary>
    public void Forget()
    {
        _changes.Clear();
        _routes.Clear();
        _toService.Clear();
        _ended.Clear();
    }
}
