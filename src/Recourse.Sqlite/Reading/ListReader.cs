using System.Text;
using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// Pages of deliveries that are not dead, newest first or oldest first. With a queue or a service the routes are read one by one and merged. What is dead is
/// listed by <see cref="LetterReader"/>.
/// </summary>
internal static class ListReader
{
    private readonly record struct Found(long Key, DeliverySummary Summary);

    public static Page<DeliverySummary> Page(ReadConnection read, DeliveryFilter filter, PageCursor cursor, long now)
    {
        var found = new List<Found>();
        if (filter is { Queue: null, Service: null, Failing: false })
        {
            Collect(read, filter, cursor, now, null, found);
        }
        else
        {
            foreach (var route in Routes(read, filter))
                Collect(read, filter, cursor, now, route, found);
            found.Sort((left, right) => cursor.Compare((0, left.Key), (0, right.Key)));
        }
        var more = found.Count > filter.Limit;
        if (more)
            found.RemoveRange(filter.Limit, found.Count - filter.Limit);
        var next = more ? cursor.Behind(0, found[^1].Key).ToString() : null;
        return new(found.ConvertAll(row => row.Summary), next);
    }

    /// <summary>How many rows match, up to a bound.</summary>
    public static long Count(ReadConnection read, DeliveryFilter filter, long max, long now)
    {
        filter = filter with { OldestFirst = true };
        if (filter is { Queue: null, Service: null, Failing: false })
            return Count(read, filter, max, now, null);
        var count = 0L;
        foreach (var route in Routes(read, filter))
            count += Count(read, filter, max - count, now, route);
        return count;
    }

    private static long Count(ReadConnection read, DeliveryFilter filter, long max, long now, long? route)
    {
        var sql = Sql(filter, route is not null, filter.Text is null ? "d.key" : "a.error");
        var row = read[filter.Text is null ? $"SELECT count(*) FROM ({sql} LIMIT ?7)" : sql];
        Bind(row, PageCursor.Start(PageOrder.Oldest), route, filter, now);
        if (filter.Text is null)
            return row.Bind(7, max).Scalar() ?? 0;
        var count = 0L;
        while (count < max && row.Step())
            count += row.TextOrNull(0)?.Contains(filter.Text, StringComparison.OrdinalIgnoreCase) == true ? 1 : 0;
        row.Reset();
        return count;
    }

    internal static List<long> Routes(ReadConnection read, DeliveryFilter filter)
    {
        var row = read[
            """
            SELECT r.id FROM routes r JOIN queues q ON q.id = r.queue JOIN services s ON s.id = r.service
            WHERE (?1 IS NULL OR q.name = ?1) AND (?2 IS NULL OR s.name = ?2)
            """];
        row.Bind(1, filter.Queue).Bind(2, filter.Service);
        var routes = new List<long>();
        while (row.Step())
            routes.Add(row.Int64(0));
        return routes;
    }

    /// <summary>Adds the next rows of one route (or of all), one more than the page holds so that its end is known.</summary>
    private static void Collect(ReadConnection read, DeliveryFilter filter, PageCursor cursor, long now, long? route, List<Found> found)
    {
        var row = read[Sql(filter, route is not null)];
        Bind(row, cursor, route, filter, now);
        var wanted = found.Count + filter.Limit + 1;
        while (found.Count < wanted && row.Step())
        {
            if (filter.Text is { } text
                && row.TextOrNull(DeliverySql.ErrorColumn)?.Contains(text, StringComparison.OrdinalIgnoreCase) != true)
                continue;
            found.Add(new(row.Int64(0), DeliverySql.SummaryOrNote(row, now)));
        }
        row.Reset();
    }

    // Every text uses all six numbers, so that all can be bound whatever the filter asks.
    private static void Bind(SqliteStatement row, PageCursor cursor, long? route, DeliveryFilter filter, long now) =>
        row.Bind(1, cursor.DeadAt).Bind(2, cursor.Key).Bind(3, route).Bind(4, filter.Kind?.Name()).Bind(5, now).Bind(6, filter.OrderKey);

    /// <summary>The text for a filter; one of a fixed number of texts.</summary>
    internal static string Sql(DeliveryFilter filter, bool ofRoute, string columns = DeliverySql.Columns)
    {
        var sql = new StringBuilder($"SELECT {columns} {DeliverySql.From} WHERE ");
        sql.Append("coalesce(?1, ?2, ?3, ?4, ?5, ?6, 1) IS NOT NULL AND ");
        sql.Append(filter.OldestFirst ? "d.key > ?2" : "d.key < ?2");
        sql.Append(filter.State switch
        {
            null => "",
            DeliveryState.Waiting => " AND d.state = 0 AND d.due_at <= ?5",
            DeliveryState.Delayed => " AND d.state = 0 AND d.due_at > ?5",
            var state => $" AND d.state = {(int)state}",
        });
        if (ofRoute)
            sql.Append(" AND d.route = ?3");
        // What was tried and waits has an index of its own; a state that is named makes it count.
        if (filter.Failing)
            sql.Append(filter.State is null ? " AND d.state IN (0, 2)" : "").Append(" AND d.attempts > 0 AND d.kind IS NOT NULL");
        if (filter.Kind is not null)
            sql.Append(" AND d.kind = ?4");
        if (filter.OrderKey is not null)
            sql.Append(" AND m.order_key = ?6");
        return sql.Append(filter.OldestFirst ? " ORDER BY d.key" : " ORDER BY d.key DESC").ToString();
    }
}
