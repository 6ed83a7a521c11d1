namespace Recourse.Postgres;

/// <summary>
/// The right to probe a service that was in trouble: one node has it at a time, as long as a delivery that it claimed as a probe is in
/// hand, and for its time at most. It needs no end of its own: the outcome of the attempt ends it.
/// </summary>
internal static class ProbeLease
{
    /// <summary>True when this node may probe now. Nobody is waited for: who is asking at the same moment has the right.</summary>
    public static bool MayTake(Sql sql, string service, long holder, long now)
    {
        sql.Later("INSERT INTO probes VALUES ($1, '{}', '{}', 0) ON CONFLICT DO NOTHING", service);
        return sql.Read(
            """
            SELECT p.until > $3 AND EXISTS (SELECT 1 FROM deliveries d
              WHERE d.key = ANY (p.keys) AND d.lease = ANY (p.leases) AND d.state = 2 AND d.holder <> $2)
            FROM probes p WHERE p.service = $1 FOR UPDATE SKIP LOCKED
            """, row => row.GetBoolean(0), service, holder, now) is [false];
    }

    /// <summary>Notes what was claimed as a probe; more by the same node is added while its time lasts.</summary>
    public static void Took(Sql sql, string service, List<long> leases, List<long> keys, long until, long now) => sql.Later(
        """
        UPDATE probes SET leases = CASE WHEN until > $5 THEN leases || $2 ELSE $2 END,
          keys = CASE WHEN until > $5 THEN keys || $3 ELSE $3 END, until = $4 WHERE service = $1
        """, service, leases, keys, until, now);
}
