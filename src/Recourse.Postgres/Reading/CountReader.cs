using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Counts from the books; what is leased from its rows, which the books have as waiting; what is delayed, and the oldest that waits, from
/// the index of what waits. One statement: all of it at one moment.
/// </summary>
internal static class CountReader
{
    private sealed record Row(string Queue, string Service, long[] Books, long Delayed, long? OldestAt);

    public static IEnumerable<QueueCounts> Queues(Sql sql, long now)
    {
        var blocked = Blocked(sql, "r.queue");
        return Routes(sql, now).GroupBy(row => row.Queue).OrderBy(queue => queue.Key, StringComparer.Ordinal).Select(queue =>
        {
            long Sum(int column) => queue.Sum(row => row.Books[column]);
            var delayed = queue.Sum(row => row.Delayed);
            var (held, lanes) = blocked.GetValueOrDefault(queue.Key);
            return new QueueCounts(
                queue.Key, queue.Sum(row => row.Books.Sum()), Sum(0) - delayed, delayed, Sum(1), Sum(2), Sum(3), Sum(4), Sum(5),
                queue.Min(row => row.OldestAt) is { } oldest ? StoreTime.Time(oldest) : null)
            {
                Blocked = held,
                BlockedLanes = lanes,
            };
        });
    }

    public static IEnumerable<ServiceCounts> Services(Sql sql, long now)
    {
        var blocked = Blocked(sql, "r.service");
        return Routes(sql, now).GroupBy(row => row.Service).OrderBy(service => service.Key, StringComparer.Ordinal).Select(service =>
        {
            var delayed = service.Sum(row => row.Delayed);
            var (held, lanes) = blocked.GetValueOrDefault(service.Key);
            return new ServiceCounts(
                service.Key, service.Sum(row => row.Books[0]) - delayed, delayed, service.Sum(row => row.Books[1]),
                service.Sum(row => row.Books[3]))
            {
                Blocked = held,
                BlockedLanes = lanes,
            };
        });
    }

    /// <summary>What waits behind a dead letter of its lane, and in how many lanes: read from the lanes whose head is dead.</summary>
    private static Dictionary<string, (long Deliveries, long Lanes)> Blocked(Sql sql, string by) => sql.Read(
        $"""
        SELECT {by}, count(*), count(DISTINCT l.id) FROM lanes l JOIN deliveries d ON d.lane = l.id AND d.state = 0
        JOIN routes r ON r.id = d.route WHERE l.state = 4 GROUP BY 1
        """, row => (Name: row.GetString(0), Deliveries: row.GetInt64(1), Lanes: row.GetInt64(2)))
        .ToDictionary(row => row.Name, row => (row.Deliveries, row.Lanes));

    private static List<Row> Routes(Sql sql, long now) => sql.Read(
        """
        SELECT r.queue, r.service, b.live - coalesce(l.leased, 0), coalesce(l.leased, 0), b.delivered, b.dead, b.discarded, b.expired,
          coalesce(w.delayed, 0),
          least(w.untried, (SELECT m.created_at FROM messages m WHERE m.sequence = w.tried >> 8))
        FROM routes r
        JOIN (SELECT route, sum(waiting + leased)::bigint AS live, sum(delivered)::bigint AS delivered,
                sum(dead)::bigint AS dead, sum(discarded)::bigint AS discarded, sum(expired)::bigint AS expired
              FROM books GROUP BY route) b ON b.route = r.id
        LEFT JOIN (SELECT route, count(*) AS leased FROM deliveries WHERE state = 2 GROUP BY route) l ON l.route = r.id
        LEFT JOIN (SELECT d.route, count(*) FILTER (WHERE d.due_at > $1) AS delayed,
                     min(d.due_at) FILTER (WHERE d.attempts = 0 AND d.due_at <= $1) AS untried,
                     min(d.key) FILTER (WHERE d.attempts > 0 AND d.due_at <= $1) AS tried
                   FROM deliveries d WHERE d.state = 0 GROUP BY d.route) w ON w.route = r.id
        """,
        row => new Row(
            row.GetString(0), row.GetString(1),
            [row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6), row.GetInt64(7)],
            row.GetInt64(8), row.Int64OrNull(9)), now);
}
