using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Keeps keys, and notes what was done.</summary>
internal static class AccessWriter
{
    public static KeyOutcome Apply(Sql sql, AddKeyCommand command, long now) =>
        Keep(sql, KeyRules.Apply(command, Locked(sql), StoreTime.Time(now)));

    public static KeyOutcome Apply(Sql sql, RemoveKeyCommand command, long now) =>
        Keep(sql, KeyRules.Apply(command, Locked(sql), StoreTime.Time(now)));

    public static int Apply(Sql sql, PruneAuditCommand command, long now) => sql.Run(
        """
        DELETE FROM acts WHERE number IN (SELECT number FROM acts
          WHERE number <= coalesce((SELECT number FROM acts ORDER BY number DESC OFFSET $1 LIMIT 1), -1) OR at <= $2
          ORDER BY number LIMIT $3)
        """, command.KeepMax, now - (long)command.OlderThan.TotalMicroseconds, command.Limit);

    public static bool Apply(Sql sql, NotePayloadKeyCommand command) => command.InUse
        ? sql.Run("INSERT INTO payload_keys VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET check_value = excluded.check_value",
            command.Id, command.Check.ToArray()) > 0
        : sql.Run("DELETE FROM payload_keys WHERE id = $1", command.Id) > 0;

    public static bool Apply(Sql sql, ReplacePayloadCommand command)
    {
        var row = command.Row;
        return row.Edited
            ? sql.Run(
                """
                UPDATE letter_bodies SET content_type = $2, body = $3 WHERE delivery = $1 AND content_type IS NOT DISTINCT FROM $4::text
                """, row.Key, command.ContentType, command.Body.ToArray(), row.ContentType) > 0
            : sql.Run(
                """
                UPDATE messages SET content_type = $2, headers = NULL, body = $3
                WHERE sequence = $1 AND content_type IS NOT DISTINCT FROM $4::text AND id = $5
                """, row.Key, command.ContentType, command.Body.ToArray(), row.ContentType, row.Message) > 0;
    }

    /// <summary>Notes a command that was an act, when it was applied.</summary>
    public static void Note(Sql sql, StoreCommand command, long now)
    {
        if (AuditRules.Of(command, StoreTime.Time(now)) is { } act)
        {
            sql.Later("INSERT INTO acts (at, actor, verb, target, reason, outcome) VALUES ($1, $2, $3, $4, $5, $6)",
                now, act.Actor, act.Verb, act.Target, act.Reason, act.Outcome);
        }
    }

    // The rules look at all keys: two nodes must not each see the other's admin and remove their own.
    private static List<ApiKey> Locked(Sql sql)
    {
        sql.Later("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE");
        return AccessSql.Keys(sql);
    }

    private static KeyOutcome Keep(Sql sql, KeyChange change)
    {
        foreach (var id in change.Removed)
            sql.Later("DELETE FROM api_keys WHERE id = $1", id);
        if (change.Added is { } key)
        {
            sql.Later(
                """
                INSERT INTO api_keys (id, name, role, hash, created_at, created_by, expires_at, parent)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                """, key.Id, key.Name, key.Role.Name(), key.Hash.ToArray(), StoreTime.Micros(key.CreatedAt), key.CreatedBy,
                key.ExpiresAt is { } end ? StoreTime.Micros(end) : null, key.Parent);
        }
        return change.Outcome;
    }
}
