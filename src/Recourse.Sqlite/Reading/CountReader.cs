using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// Counts come from the books of the routes; only what is delayed, and the oldest that waits, are looked up, in their indexes.
/// </summary>
internal static class CountReader
{
    private sealed record Row(string Queue, string Service, long[] Books, long Delayed, long? OldestAt);

    public static IReadOnlyList<QueueCounts> Queues(ReadConnection read, long now)
    {
        var blocked = Blocked(read, "q.name");
        return [.. Routes(read, now).GroupBy(row => row.Queue).OrderBy(queue => queue.Key, StringComparer.Ordinal).Select(queue =>
        {
            long Sum(int column) => queue.Sum(row => row.Books[column]);
            var delayed = queue.Sum(row => row.Delayed);
            var (held, lanes) = blocked.GetValueOrDefault(queue.Key);
            return new QueueCounts(
                queue.Key, Sum(0), Sum(1) - delayed, delayed, Sum(2), Sum(3), Sum(4), Sum(5), Sum(6),
                queue.Min(row => row.OldestAt) is { } oldest ? StoreTime.Time(oldest) : null)
            {
                Blocked = held,
                BlockedLanes = lanes,
            };
        })];
    }

    public static IReadOnlyList<ServiceCounts> Services(ReadConnection read, long now)
    {
        var blocked = Blocked(read, "s.name");
        return [.. Routes(read, now).GroupBy(row => row.Service).OrderBy(service => service.Key, StringComparer.Ordinal).Select(service =>
        {
            var delayed = service.Sum(row => row.Delayed);
            var (held, lanes) = blocked.GetValueOrDefault(service.Key);
            return new ServiceCounts(
                service.Key, service.Sum(row => row.Books[1]) - delayed, delayed, service.Sum(row => row.Books[2]),
                service.Sum(row => row.Books[4]))
            {
                Blocked = held,
                BlockedLanes = lanes,
            };
        })];
    }

    /// <summary>What waits behind a dead letter of its lane, and in how many lanes: read from the lanes whose head is dead.</summary>
    private static Dictionary<string, (long Deliveries, long Lanes)> Blocked(ReadConnection read, string by)
    {
        var row = read[
            $"""
            SELECT {by}, count(*), count(DISTINCT l.id) FROM lanes l INDEXED BY lanes_dead
            JOIN deliveries d ON d.lane = l.id AND d.state = 0 JOIN routes r ON r.id = d.route
            JOIN queues q ON q.id = r.queue JOIN services s ON s.id = r.service WHERE l.state = 4 GROUP BY 1
            """];
        var blocked = new Dictionary<string, (long, long)>();
        while (row.Step())
            blocked.Add(row.Text(0), (row.Int64(1), row.Int64(2)));
        return blocked;
    }

    private static List<Row> Routes(ReadConnection read, long now)
    {
        var row = read[
            """
            SELECT r.id, q.name, s.name, r.accepted, r.waiting, r.leased, r.delivered, r.dead, r.discarded, r.expired
            FROM routes r JOIN queues q ON q.id = r.queue JOIN services s ON s.id = r.service
            """];
        var rows = new List<Row>();
        while (row.Step())
        {
            var route = row.Int64(0);
            long[] books = [row.Int64(3), row.Int64(4), row.Int64(5), row.Int64(6), row.Int64(7), row.Int64(8), row.Int64(9)];
            var waits = books[1] > 0;
            rows.Add(new(row.Text(1), row.Text(2), books, waits ? Delayed(read, route, now) : 0, waits ? Oldest(read, route, now) : null));
        }
        return rows;
    }

    private static long Delayed(ReadConnection read, long route, long now) => read[
        """
        SELECT (SELECT count(*) FROM deliveries WHERE route = ?1 AND rank IN (
                -10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
                AND due_at > ?2 AND state = 0 AND lane IS NULL AND suspect = 0)
             + (SELECT count(*) FROM deliveries WHERE route = ?1 AND due_at > ?2 AND state = 0 AND lane IS NULL AND suspect = 1)
             + (SELECT count(*) FROM deliveries WHERE route = ?1 AND due_at > ?2 AND state = 0 AND lane IS NOT NULL)
        """].Bind(1, route).Bind(2, now).Scalar() ?? 0;

    /// <summary>
    /// Since when the oldest waits. Those never tried wait since they are due, so the first of them is found in the index of claims, at one
    /// of its ranks; those tried before wait since they came, and have an index by age.
    /// </summary>
    private static long? Oldest(ReadConnection read, long route, long now)
    {
        var untried = read[
            """
            WITH ranks (rank) AS (VALUES (-10), (-9), (-8), (-7), (-6), (-5), (-4), (-3), (-2), (-1), (0), (1), (2), (3), (4), (5), (6),
              (7), (8), (9))
            SELECT min(due_at) FROM (
              SELECT (SELECT d.due_at FROM deliveries d WHERE d.route = ?1 AND d.rank = ranks.rank AND d.due_at <= ?2 AND d.state = 0
                AND d.lane IS NULL AND d.suspect = 0 AND d.attempts = 0 ORDER BY d.due_at LIMIT 1) AS due_at FROM ranks
              UNION ALL
              SELECT * FROM (SELECT due_at FROM deliveries WHERE route = ?1 AND due_at <= ?2 AND state = 0 AND lane IS NOT NULL
                AND attempts = 0 ORDER BY due_at LIMIT 1))
            """].Bind(1, route).Bind(2, now).Scalar();
        var key = read["SELECT key FROM deliveries WHERE route = ?1 AND state = 0 AND attempts > 0 AND due_at <= ?2 ORDER BY key LIMIT 1"]
            .Bind(1, route).Bind(2, now).Scalar();
        var tried = key is { } oldest
            ? read["SELECT created_at FROM messages WHERE sequence = ?1"].Bind(1, DeliveryKey.Sequence(oldest)).Scalar()
            : null;
        return untried is null || tried < untried ? tried ?? untried : untried;
    }
}
