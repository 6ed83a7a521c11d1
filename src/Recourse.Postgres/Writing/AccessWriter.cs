using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Keeps keys, and notes what was done.</summary>
internal static class AccessWriter
{
    public static KeyOutcome Apply(Sql sql, AddKeyCommand command, long now) =>
        Keep(sql, KeyRules.Apply(command, Locked(sql), StoreTime.Time(now)));

    public static KeyOutcome Apply(Sql sql, RemoveKeyCommand command) => Keep(sql, KeyRules.Apply(command, Locked(sql)));

    public static int Apply(Sql sql, PruneAuditCommand command, long now) => sql.Run(
        """
        DELETE FROM acts WHERE number IN (SELECT number FROM acts
          WHERE number <= coalesce((SELECT number FROM acts ORDER BY number DESC OFFSET $1 LIMIT 1), -1) OR at <= $2
          ORDER BY number LIMIT $3)
        """, command.KeepMax, now - (long)command.OlderThan.TotalMicroseconds, command.Limit);

    /// <summary>Notes a command that was an act, when it was applied.</summary>
    public static void Note(Sql sql, StoreCommand command, long now)
    {
        if (AuditRules.Of(command, StoreTime.Time(now)) is { } act)
        {
            sql.Run("INSERT INTO acts (at, actor, verb, target, reason, outcome) VALUES ($1, $2, $3, $4, $5, $6)",
                now, act.Actor, act.Verb, act.Target, act.Reason, act.Outcome);
        }
    }

    // The rules look at all keys: two nodes must not each see the other's admin and remove their own.
    private static List<ApiKey> Locked(Sql sql)
    {
        sql.Run("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE");
        return AccessSql.Keys(sql);
    }

    private static KeyOutcome Keep(Sql sql, KeyChange change)
    {
        foreach (var id in change.Removed)
            sql.Run("DELETE FROM api_keys WHERE id = $1", id);
        if (change.Added is { } key)
        {
            sql.Run(
                """
                INSERT INTO api_keys (id, name, role, hash, created_at, created_by, expires_at, parent)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                """, key.Id, key.Name, key.Role.Name(), key.Hash.ToArray(), StoreTime.Micros(key.CreatedAt), key.CreatedBy,
                key.ExpiresAt is { } end ? StoreTime.Micros(end) : null, key.Parent);
        }
        return change.Outcome;
    }
}
