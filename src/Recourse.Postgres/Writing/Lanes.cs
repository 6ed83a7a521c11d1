using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Keeps the row of each lane true to its members. The row is locked by whoever changes the lane, until the commit.</summary>
internal static class Lanes
{
    public static long Join(Sql sql, string service, string orderKey, long key, long dueAt, int route, int rank) => (long)sql.Scalar(
        """
        INSERT INTO lanes (service, order_key, head, state, due_at, route, rank) VALUES ($1, $2, $3, 0, $4, $5, $6)
        ON CONFLICT (service, order_key) DO UPDATE SET order_key = excluded.order_key RETURNING id
        """, service, orderKey, key, dueAt, route, (short)rank)!;

    /// <summary>After a member changed or left: whoever is first now is the head. Not while another member is in hand.</summary>
    public static void Settle(Sql sql, long lane, long changed)
    {
        var state = sql.Read("SELECT state, head FROM lanes WHERE id = $1 FOR UPDATE", row =>
            (State: row.GetInt16(0), Head: row.GetInt64(1)), lane);
        if (state is [{ State: (short)DeliveryState.Leased } held] && held.Head != changed)
            return;
        var settled = sql.Run(
            """
            UPDATE lanes l SET head = d.key, state = d.state, due_at = d.due_at, suspect = d.suspect,
              route = d.route, rank = d.rank
            FROM (SELECT key, state, due_at, suspect, route, rank FROM deliveries WHERE lane = $1 ORDER BY key LIMIT 1) d WHERE l.id = $1
            """, lane);
        if (settled == 0)
            sql.Run("DELETE FROM lanes WHERE id = $1", lane);
    }
}
