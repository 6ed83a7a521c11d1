using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Routes and their books: changes gather here and become one entry a route in each commit.</summary>
internal sealed class Books
{
    private const int EntriesMax = 500;

    private readonly Dictionary<(string Queue, string Service), int> _routes = [];
    private readonly SortedDictionary<int, long[]> _changes = [];
    private int _entries;

    public int Route(Sql sql, string queue, string service)
    {
        if (_routes.TryGetValue((queue, service), out var known))
            return known;
        sql.Run("INSERT INTO routes (queue, service) VALUES ($1, $2) ON CONFLICT DO NOTHING", queue, service);
        var route = (int)sql.Scalar("SELECT id FROM routes WHERE queue = $1 AND service = $2", queue, service)!;
        _routes.Add((queue, service), route);
        return route;
    }

    public void Add(int route, DeliveryState state, int by = 1)
    {
        if (!_changes.TryGetValue(route, out var changes))
            _changes.Add(route, changes = new long[7]);
        changes[(int)state] += by;
    }

    public void Move(int route, DeliveryState from, DeliveryState to)
    {
        Add(route, from, -1);
        Add(route, to);
    }

    public void Write(Sql sql)
    {
        foreach (var (route, by) in _changes)
        {
            sql.Run(
                "INSERT INTO books VALUES ($1, $2, $3, $4, $5, $6, $7)", route, by[(int)DeliveryState.Waiting],
                by[(int)DeliveryState.Leased],
                by[(int)DeliveryState.Delivered], by[(int)DeliveryState.Dead], by[(int)DeliveryState.Discarded],
                by[(int)DeliveryState.Expired]);
        }
        _entries += _changes.Count;
        _changes.Clear();
        if (_entries >= EntriesMax)
            SumUp(sql);
    }

    private void SumUp(Sql sql)
    {
        sql.Run(
            """
            WITH gone AS (DELETE FROM books RETURNING *)
            INSERT INTO books SELECT route, sum(waiting), sum(leased), sum(delivered), sum(dead), sum(discarded), sum(expired) FROM gone
              GROUP BY route
            """);
        _entries = 0;
    }

    /// <summary>After a rollback.</summary>
    public void Forget()
    {
        _changes.Clear();
        _routes.Clear();
    }
}
