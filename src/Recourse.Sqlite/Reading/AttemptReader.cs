using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Reads the history of a delivery.</summary>
internal static class AttemptReader
{
    public static List<Attempt> Of(ReadConnection read, long delivery)
    {
        var row = read[
            """
            SELECT a.number, a.generation, a.started_at, a.duration_ms, a.outcome, a.kind, a.applied, a.status, a.error, n.name, a.decision
            FROM attempts a LEFT JOIN nodes n ON n.id = a.node WHERE a.delivery = ?1 ORDER BY a.number
            """];
        row.Bind(1, delivery);
        var attempts = new List<Attempt>();
        while (row.Step())
        {
            attempts.Add(new()
            {
                Number = row.Int32(0),
                Generation = row.Int32(1),
                StartedAt = StoreTime.Time(row.Int64(2)),
                DurationMs = row.Int64OrNull(3),
                Outcome = row.Text(4),
                Kind = row.TextOrNull(5) is { } kind ? DeliverySql.Kind(kind) : null,
                Applied = (Applied)row.Int32(6),
                Status = row.TextOrNull(7),
                Error = row.TextOrNull(8),
                Node = row.TextOrNull(9),
                Decision = row.TextOrNull(10),
            });
        }
        return attempts;
    }

    /// <summary>The attempt that delivered it: it stands in the delivery's own row, one row less for each message.</summary>
    public static Attempt Delivered(ReadConnection read, SqliteStatement row, DeliverySummary summary) => new()
    {
        Number = summary.AttemptCount,
        Generation = summary.Generation,
        StartedAt = StoreTime.Time(row.Int64(22)),
        DurationMs = row.Int64OrNull(23),
        Outcome = AttemptRules.Delivered,
        Applied = Applied.Yes,
        Status = row.TextOrNull(24),
        Node = row.Int64OrNull(25) is { } node ? Node(read, node) : null,
    };

    private static string? Node(ReadConnection read, long id)
    {
        var row = read["SELECT name FROM nodes WHERE id = ?1"];
        var name = row.Bind(1, id).Step() ? row.Text(0) : null;
        row.Reset();
        return name;
    }
}
