using System.Text;
using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Reads keys and acts.</summary>
internal static class AccessSql
{
    public const string Keys =
        "SELECT id, name, role, hash, created_at, created_by, expires_at, parent FROM api_keys ORDER BY number";

    public static List<ApiKey> ReadKeys(SqliteStatement row)
    {
        var keys = new List<ApiKey>();
        while (row.Step())
        {
            // A role of a later release opens no door of this one; the least is what it may do.
            _ = Roles.TryParse(row.Text(2), out var role);
            keys.Add(new()
            {
                Id = row.Text(0),
                Name = row.Text(1),
                Role = role,
                Hash = row.Blob(3),
                CreatedAt = StoreTime.Time(row.Int64(4)),
                CreatedBy = row.Text(5),
                ExpiresAt = row.Int64OrNull(6) is { } end ? StoreTime.Time(end) : null,
                Parent = row.TextOrNull(7),
            });
        }
        return keys;
    }

    public static Page<AuditEntry> Acts(ReadConnection read, AuditFilter filter, long? cursor)
    {
        // Only the conditions that are there, so that each has its index.
        var sql = new StringBuilder("SELECT number, at, actor, verb, target, reason, outcome FROM acts WHERE number < ?1");
        Add(filter.Actor is not null, " AND actor = ?3", " AND ?3 IS NULL");
        Add(filter.Verb is not null, " AND verb = ?4", " AND ?4 IS NULL");
        Add(filter.Since is not null, " AND at >= ?5", " AND ?5 IS NULL");
        Add(filter.Until is not null, " AND at < ?6", " AND ?6 IS NULL");
        var row = read[sql.Append(" ORDER BY number DESC LIMIT ?2").ToString()];
        row.Bind(1, cursor ?? long.MaxValue).Bind(2, filter.Limit + 1).Bind(3, filter.Actor).Bind(4, filter.Verb)
            .Bind(5, Micros(filter.Since)).Bind(6, Micros(filter.Until));
        var acts = new List<AuditEntry>();
        while (row.Step())
            acts.Add(new(row.Int64(0), StoreTime.Time(row.Int64(1)), row.Text(2), row.Text(3), row.Text(4), row.TextOrNull(5),
                row.Text(6)));
        return new([.. acts.Take(filter.Limit)], acts.Count > filter.Limit ? KeyCursor.Text(acts[filter.Limit - 1].Number) : null);

        void Add(bool given, string condition, string otherwise) => sql.Append(given ? condition : otherwise);
    }

    public static List<PayloadKeyNote> PayloadKeys(ReadConnection read)
    {
        var row = read["SELECT id, check_value FROM payload_keys ORDER BY id"];
        var notes = new List<PayloadKeyNote>();
        while (row.Step())
            notes.Add(new(row.Text(0), row.Blob(1)));
        return notes;
    }

    public static List<StoredPayload> Payloads(ReadConnection read, bool edited, string otherThan, long after, int limit)
    {
        var row = edited
            ? read[
                """
                SELECT b.delivery, m.id, q.name, b.content_type, m.headers, b.body FROM letter_bodies b
                JOIN messages m ON m.sequence = b.delivery / 256 JOIN queues q ON q.id = m.queue
                WHERE b.delivery > ?1 AND b.content_type IS NOT ?2 ORDER BY b.delivery LIMIT ?3
                """]
            : read[
                """
                SELECT m.sequence, m.id, q.name, m.content_type, m.headers, m.body FROM messages m JOIN queues q ON q.id = m.queue
                WHERE m.sequence > ?1 AND m.content_type IS NOT ?2 ORDER BY m.sequence LIMIT ?3
                """];
        row.Bind(1, after).Bind(2, otherThan).Bind(3, limit);
        var rows = new List<StoredPayload>();
        while (row.Step())
            rows.Add(new(row.Int64(0), edited, row.Guid(1), row.Text(2), row.TextOrNull(3), row.TextOrNull(4), row.Blob(5)));
        return rows;
    }

    private static long? Micros(DateTimeOffset? time) => time is { } given ? StoreTime.Micros(given) : null;
}
