using System.Text;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// A page of dead letters, the last to die first or in the order of storing, their number, and their sums. The server chooses the index:
/// a rare text is found by its pieces, a common one by walking the list.
/// </summary>
internal static class LetterReader
{
    /// <summary>Letters whose text one page of a search reads when no index can find it.</summary>
    private const int ExaminedByText = 3_000;
    private const int PiecesOf = 3;

    public static Page<DeliverySummary> Page(Sql sql, DeliveryFilter filter, PageCursor cursor, long? group, long now)
    {
        var (text, values) = Query(DeliverySql.Columns, filter, cursor, group, now);
        var horizon = Horizon(sql, filter, cursor);
        if (horizon is { } end)
        {
            text += cursor.Order is PageOrder.Oldest ? $" AND x.delivery <= {end.Key}"
                : $" AND (x.died_at, x.delivery) >= ({end.DiedAt}, {end.Key})";
        }
        values.Add(filter.Limit + 1);
        var (at, key) = OrderOf(filter);
        text += cursor.Order is PageOrder.Oldest ? $" ORDER BY {key}" : $" ORDER BY {at} DESC, {key} DESC";
        var rows = sql.Read(
            $"{text} LIMIT ${values.Count}",
            row => (EndedAt: row.GetInt64(DeliverySql.EndedAtColumn), Key: row.GetInt64(0), Summary: DeliverySql.SummaryOrNote(row, now)),
            values.ToArray());
        var more = rows.Count > filter.Limit;
        if (more)
            rows.RemoveAt(filter.Limit);
        // A page that ended at the bound has fewer rows and a next.
        (long EndedAt, long Key)? last = more ? (rows[^1].EndedAt, rows[^1].Key) : horizon;
        var next = last is { } behind ? cursor.Behind(behind.EndedAt, behind.Key).ToString() : null;
        return new(rows.ConvertAll(row => row.Summary), next);
    }

    /// <summary>
    /// Where a search ends whose text no index can find: too short for pieces of three, or the extension is not there. Null when it may go
    /// on to the end of the list.
    /// </summary>
    private static (long DiedAt, long Key)? Horizon(Sql sql, DeliveryFilter filter, PageCursor cursor)
    {
        if (filter.Text is not { } text || filter.Resolved is true
            || (text.Length >= PiecesOf && sql.Scalar("SELECT to_regclass('letter_texts_pieces')::oid") is not null))
            return null;
        var found = cursor.Order is PageOrder.Oldest
            ? sql.Read("SELECT 0::bigint, delivery FROM letters WHERE delivery > $1 ORDER BY delivery OFFSET $2 LIMIT 1", Place,
                cursor.Key, ExaminedByText - 1)
            : sql.Read(
                """
                SELECT died_at, delivery FROM letters WHERE (died_at, delivery) < ($1, $2)
                ORDER BY died_at DESC, delivery DESC OFFSET $3 LIMIT 1
                """, Place, cursor.DeadAt, cursor.Key, ExaminedByText - 1);
        return found is [var end] ? end : null;
    }

    private static (long DiedAt, long Key) Place(Npgsql.NpgsqlDataReader row) => (row.GetInt64(0), row.GetInt64(1));

    /// <summary>How many match, up to a bound.</summary>
    public static long Count(Sql sql, DeliveryFilter filter, long max, long? group, long now)
    {
        var (text, values) = Query("d.key", filter, PageCursor.Start(PageOrder.Death), group, now);
        values.Add(max);
        return (long)sql.Scalar($"SELECT count(*) FROM ({text} LIMIT ${values.Count}) AS matching", values.ToArray())!;
    }

    /// <summary>By which columns the list is ordered, each with an index: what is resolved is dead no longer.</summary>
    private static (string At, string Key) OrderOf(DeliveryFilter filter) =>
        filter.Resolved is true ? ("k.resolved_at", "k.delivery") : ("x.died_at", "x.delivery");

    private static (string Text, List<object?> Values) Query(
        string columns, DeliveryFilter filter, PageCursor cursor, long? group, long now)
    {
        var (at, key) = OrderOf(filter);
        var row = filter.Resolved is true ? "d" : "x";
        var values = new List<object?> { cursor.DeadAt, cursor.Key };
        var sql = new StringBuilder($"SELECT {columns} {DeliverySql.From} ");
        if (filter.Text is not null)
            sql.Append("JOIN letter_texts t ON t.delivery = d.key ");
        // The route is in the join so that a list of one queue is found by its index.
        sql.Append(filter.Resolved is true ? "WHERE k.resolved_at IS NOT NULL"
            : "JOIN letters x ON x.delivery = d.key AND x.route = r.id WHERE true");
        sql.Append(cursor.Order is PageOrder.Oldest ? $" AND {key} > $2 AND $1 = $1" : $" AND ({at}, {key}) < ($1, $2)");

        void If(object? value, string condition)
        {
            if (value is null)
                return;
            values.Add(value);
            sql.Append(" AND ").Append(condition.Replace("$?", $"${values.Count}", StringComparison.Ordinal));
        }

        If(filter.Queue, "r.queue = $?");
        If(filter.Service, "d.service = $?");
        If(filter.Kind?.Name(), $"{row}.kind = $?");
        If(filter.OrderKey, "m.order_key = $?");
        If(group, $"{row}.letter_group = $?");
        If(filter.Since is { } since ? StoreTime.Micros(since) : null, $"{at} >= $?");
        If(filter.Until is { } until ? StoreTime.Micros(until) : null, $"{at} < $?");
        If(filter.AttemptsMin, "d.attempts >= $?");
        If((int?)filter.Persistence, "d.persistence = $?");
        If((int?)filter.Blame, "d.blame = $?");
        If(filter.Generation, "d.generation = $?");
        If(filter.Assignee, "coalesce(k.assignee, '') = $?");
        If(filter.VisibleTo, $"(k.taken_until IS NULL OR k.taken_until <= {now} OR k.taken_by = $?)");
        if (filter.Manual is { } manual)
            If(filter.SecondChances,
                $"(coalesce(k.manual, false) OR d.persistence = {(int)Persistence.Permanent} OR coalesce(d.kind, '') IN "
                + $"('{FaultKind.PoisonMessage.Name()}', '{FaultKind.OutcomeUnknown.Name()}') OR d.generation >= $?) = {manual}");
        If(filter.Text is { } text ? $"%{Escaped(LetterRules.Folded(text))}%" : null, "t.folded LIKE $?");
        return (sql.ToString(), values);
    }

    private static string Escaped(string text) => text.Replace(@"\", @"\\", StringComparison.Ordinal)
        .Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);

    public static List<LetterGroup> Groups(Sql sql) => sql.Read(Letters.Columns + " WHERE dead > 0", Letters.Read);

    public static DeadLetterStats Stats(Sql sql, long now) => LetterStats.Of(
        Groups(sql), now, (long)sql.Scalar("SELECT coalesce(sum(dead), 0)::bigint FROM books")!,
        (since, until) => (long)sql.Scalar(
            "SELECT count(*) FROM letters WHERE died_at >= $1 AND died_at < $2", since, until)!,
        (long?)sql.Scalar("SELECT min(died_at) FROM letters"));

    public static List<LetterAct> Acts(Sql sql, long delivery) => sql.Read(
        "SELECT at, actor, verb, detail FROM letter_acts WHERE delivery = $1 ORDER BY id",
        row => new LetterAct(StoreTime.Time(row.GetInt64(0)), row.GetString(1), row.GetString(2), row.TextOrNull(3)), delivery);
}
