using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>A way to walk dead letters by the time of death, each along one index.</summary>
/// <param name="From">The tables that lead to the delivery, as <c>d</c>, and perhaps to its marks, as <c>k</c>.</param>
/// <param name="At">The column that orders the walk.</param>
/// <param name="Where">What the index is asked.</param>
/// <param name="Order">How the walk runs; null for the last to die first.</param>
internal sealed record LetterPath(string From, string At, string Where, string? Order = null)
{
    private const string Marks = " LEFT JOIN letter_marks k ON k.delivery = d.key";

    public static readonly LetterPath All = new("deliveries d" + Marks, "d.ended_at", "d.state = 4");
    public static readonly LetterPath OfRoute = new("deliveries d" + Marks, "d.ended_at", "d.state = 4 AND d.route = ?8");
    public static readonly LetterPath OfGroup = new("deliveries d" + Marks, "d.ended_at", "d.state = 4 AND d.letter_group = ?4");

    /// <summary>Those of an earlier release that are in no group and not in the index of texts yet.</summary>
    public static readonly LetterPath Unsorted = new("deliveries d" + Marks, "d.ended_at", "d.state = 4 AND d.letter_group IS NULL");

    public static readonly LetterPath WithText = new(
        "letter_text f CROSS JOIN deliveries d ON d.ended_at = f.rowid" + Marks, "f.rowid", "letter_text MATCH ?5 AND d.state = 4");

    public static readonly LetterPath Assigned = new(
        "letter_marks k CROSS JOIN deliveries d ON d.key = k.delivery", "d.ended_at", "d.state = 4 AND k.assignee = ?7");

    public static readonly LetterPath Resolved = new(
        "letter_marks k CROSS JOIN deliveries d ON d.key = k.delivery", "k.resolved_at", "k.resolved_at IS NOT NULL",
        "k.resolved_at DESC, k.delivery DESC");

    /// <summary>In the order of storing. The planner would rather sort all of a queue than walk this index.</summary>
    public static readonly LetterPath ByKey = new(
        "deliveries d INDEXED BY deliveries_dead_key" + Marks, "d.ended_at", "d.state = 4 AND d.key > ?3", "d.key");

    /// <summary>The text for a filter: the columns that its conditions need, whatever else it asks; one of a few texts.</summary>
    public string Sql(DeliveryFilter filter)
    {
        var (error, key) = (filter.Text is not null, filter.OrderKey is not null);
        // Every text uses all eight numbers, so that all can be bound whatever the filter asks.
        return $"""
            SELECT d.key, {At}, d.route, d.kind, d.persistence, d.blame, d.attempts, d.generation, d.letter_group, k.assignee, k.manual,
              k.taken_by, k.taken_until, {(error ? "a.error" : "NULL")}, {(key ? "m.order_key" : "NULL")}
            FROM {From}
            {(error ? "LEFT JOIN attempts a ON a.delivery = d.key AND a.number = d.fault_attempt" : "")}
            {(key ? "LEFT JOIN messages m ON m.sequence = d.key >> 8" : "")}
            WHERE {Where} AND {At} <= ?1 AND {At} >= ?2 AND coalesce(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) IS NOT NULL
            ORDER BY {Order ?? $"{At} DESC"}
            """;
    }
}
