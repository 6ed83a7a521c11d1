using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Reads keys and acts.</summary>
internal static class AccessSql
{
    public static List<ApiKey> Keys(Sql sql) => sql.Read(
        "SELECT id, name, role, hash, created_at, created_by, expires_at, parent FROM api_keys ORDER BY number", row =>
        {
            // A role of a later release opens no door of this one; the least is what it may do.
            _ = Roles.TryParse(row.GetString(2), out var role);
            return new ApiKey
            {
                Id = row.GetString(0),
                Name = row.GetString(1),
                Role = role,
                Hash = row.GetFieldValue<byte[]>(3),
                CreatedAt = StoreTime.Time(row.GetInt64(4)),
                CreatedBy = row.GetString(5),
                ExpiresAt = row.Int64OrNull(6) is { } end ? StoreTime.Time(end) : null,
                Parent = row.TextOrNull(7),
            };
        });

    public static Page<AuditEntry> Acts(Sql sql, AuditFilter filter, long? cursor)
    {
        var acts = sql.Read(
            $"""
            SELECT number, at, actor, verb, target, reason, outcome FROM acts WHERE number < $1
              AND {(filter.Actor is null ? "$3::text IS NULL" : "actor = $3::text")}
              AND {(filter.Verb is null ? "$4::text IS NULL" : "verb = $4::text")}
              AND at >= $5 AND at < $6 ORDER BY number DESC LIMIT $2
            """,
            row => new AuditEntry(row.GetInt64(0), StoreTime.Time(row.GetInt64(1)), row.GetString(2), row.GetString(3), row.GetString(4),
                row.TextOrNull(5), row.GetString(6)),
            cursor ?? long.MaxValue, filter.Limit + 1, filter.Actor, filter.Verb,
            filter.Since is { } since ? StoreTime.Micros(since) : long.MinValue,
            filter.Until is { } until ? StoreTime.Micros(until) : long.MaxValue);
        return new([.. acts.Take(filter.Limit)], acts.Count > filter.Limit ? KeyCursor.Text(acts[filter.Limit - 1].Number) : null);
    }

    public static List<StoredPayload> Payloads(Sql sql, bool edited, string otherThan, long after, int limit) => sql.Read(
        edited
            ? """
              SELECT b.delivery, m.id, m.queue, b.content_type, m.headers, b.body FROM letter_bodies b
              JOIN messages m ON m.sequence = b.delivery / 256
              WHERE b.delivery > $1 AND b.content_type IS DISTINCT FROM $2::text ORDER BY b.delivery LIMIT $3
              """
            : """
              SELECT sequence, id, queue, content_type, headers, body FROM messages
              WHERE sequence > $1 AND content_type IS DISTINCT FROM $2::text ORDER BY sequence LIMIT $3
              """,
        row => new StoredPayload(row.GetInt64(0), edited, row.GetGuid(1), row.GetString(2), row.TextOrNull(3), row.TextOrNull(4),
            row.GetFieldValue<byte[]>(5)), after, otherThan, limit);
}
