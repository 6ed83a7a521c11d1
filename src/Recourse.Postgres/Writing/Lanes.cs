using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Keeps the row of each lane true to its members. The row is locked by whoever changes the lane, until the commit. All lanes of a batch
/// are locked by one statement, in one order on every node, so that two batches never wait for each other in a circle.
/// </summary>
internal sealed class Lanes
{
    private const short Empty = 9;

    private readonly Dictionary<(string Service, string OrderKey), long> _locked = [];
    private readonly List<long> _fresh = [];

    /// <summary>Locks the lanes that a batch needs, and makes those that are missing.</summary>
    /// <param name="sql">The connection.</param>
    /// <param name="arriving">Messages that are about to be stored.</param>
    /// <param name="ending">Lanes of deliveries whose attempts end, as far as they are known; the others are locked one by one.</param>
    public void Lock(Sql sql, IEnumerable<NewMessage> arriving, IEnumerable<(string Service, string OrderKey)> ending)
    {
        _locked.Clear();
        var (services, keys) = (new List<string>(), new List<string>());
        foreach (var message in arriving)
        {
            for (var i = 0; message.OrderKey is not null && i < message.Services.Count; i++)
            {
                services.Add(message.Services[i]);
                keys.Add(message.OrderKey);
            }
        }
        foreach (var lane in ending)
        {
            services.Add(lane.Service);
            keys.Add(lane.OrderKey);
        }
        if (keys.Count == 0)
            return;
        var rows = sql.Read(
            """
            INSERT INTO lanes (service, order_key, head, state, due_at)
            SELECT DISTINCT service, order_key, 0::bigint, 9, 0::bigint FROM unnest($1::text[], $2::text[]) AS l (service, order_key)
            ORDER BY service, order_key
            ON CONFLICT (service, order_key) DO UPDATE SET order_key = excluded.order_key RETURNING service, order_key, id, state
            """, row => (Service: row.GetString(0), OrderKey: row.GetString(1), Id: row.GetInt64(2), State: row.GetInt16(3)),
            services, keys);
        _fresh.Clear();
        foreach (var row in rows)
        {
            _locked.Add((row.Service, row.OrderKey), row.Id);
            if (row.State == Empty)
                _fresh.Add(row.Id);
        }
    }

    /// <summary>The lane of a message that is about to be stored.</summary>
    public long Of(string service, string orderKey) => _locked[(service, orderKey)];

    /// <summary>Lanes that this batch has made get their head, or go when nothing came into them.</summary>
    public void SettleFresh(Sql sql)
    {
        if (_fresh.Count > 0)
            Settle(sql, [.. _fresh], [.. _fresh]);
        _fresh.Clear();
    }

    public static long Join(Sql sql, string service, string orderKey, long key, long dueAt, int route, int rank) => (long)sql.Scalar(
        """
        INSERT INTO lanes (service, order_key, head, state, due_at, route, rank) VALUES ($1, $2, $3, 0, $4, $5, $6)
        ON CONFLICT (service, order_key) DO UPDATE SET order_key = excluded.order_key RETURNING id
        """, service, orderKey, key, dueAt, route, (short)rank)!;

    /// <summary>After a member changed or left: whoever is first now is the head. Not while another member is in hand.</summary>
    public static void Settle(Sql sql, long lane, long changed)
    {
        // The lock first: the next statement then sees all that was committed by whoever held it.
        sql.LaterUnread("SELECT 1 FROM lanes WHERE id = $1 FOR UPDATE", lane);
        Settle(sql, [lane], [changed]);
    }

    /// <summary>The same for many lanes that are locked.</summary>
    public static void Settle(Sql sql, List<long> lanes, List<long> changed)
    {
        sql.Later(
            """
            UPDATE lanes l SET head = h.key, state = h.state, due_at = h.due_at, suspect = h.suspect, route = h.route, rank = h.rank
            FROM unnest($1::bigint[], $2::bigint[]) AS c (lane, changed) CROSS JOIN LATERAL (
              SELECT d.key, d.state, d.due_at, d.suspect, d.route, d.rank FROM deliveries d WHERE d.lane = c.lane ORDER BY d.key LIMIT 1) h
            WHERE l.id = c.lane AND NOT (l.state = 2 AND l.head <> c.changed)
            """, lanes, changed);
        sql.Later("DELETE FROM lanes l WHERE id = ANY ($1) AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.lane = l.id)", lanes);
    }

    public static void Leave(Sql sql, long lane, long key)
    {
        sql.Later("UPDATE deliveries SET lane = NULL WHERE key = $1", key);
        Settle(sql, lane, key);
    }

    /// <summary>Those that are done leave their lanes.</summary>
    public static void Leave(Sql sql, List<long> lanes, List<long> keys)
    {
        if (lanes.Count == 0)
            return;
        sql.LaterUnread("SELECT 1 FROM lanes WHERE id = ANY ($1) ORDER BY service, order_key FOR UPDATE", lanes);
        sql.Later("UPDATE deliveries SET lane = NULL WHERE key = ANY ($1)", keys);
        Settle(sql, lanes, keys);
    }
}
