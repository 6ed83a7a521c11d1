using System.Globalization;
using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// Looks a file through: first as SQLite sees it, page by page and index by index, then by our own rules. Reads only.
/// </summary>
internal static class StoreInspection
{
    /// <summary>
    /// Our rules. Each statement gives a row, in words, for each place where its rule does not hold.
    /// </summary>
    private static readonly string[] Rules =
    [
        """
        SELECT 'route ' || r.id || ': the books say ' || r.waiting || ' waiting, ' || r.leased || ' leased, ' || r.dead
          || ' dead; the rows say ' || coalesce(d.waiting, 0) || ', ' || coalesce(d.leased, 0) || ', ' || coalesce(d.dead, 0)
        FROM routes r LEFT JOIN (
          SELECT route, sum(state = 0) AS waiting, sum(state = 2) AS leased, sum(state = 4) AS dead FROM deliveries GROUP BY route) d
        ON d.route = r.id
        WHERE r.waiting <> coalesce(d.waiting, 0) OR r.leased <> coalesce(d.leased, 0) OR r.dead <> coalesce(d.dead, 0)
        """,
        """
        SELECT 'route ' || r.id || ': more deliveries ended than its books know'
        FROM routes r JOIN (
          SELECT route, sum(state = 3) AS delivered, sum(state = 5) AS discarded, sum(state = 6) AS expired
          FROM deliveries GROUP BY route) d
        ON d.route = r.id WHERE d.delivered > r.delivered OR d.discarded > r.discarded OR d.expired > r.expired
        """,
        """
        SELECT 'route ' || r.id || ': its queue or its service has no name' FROM routes r
        WHERE r.queue NOT IN (SELECT id FROM queues) OR r.service NOT IN (SELECT id FROM services)
        """,
        """
        SELECT 'delivery ' || d.key || ': ' || CASE WHEN r.id IS NULL THEN 'it belongs to no route' ELSE 'its message is missing' END
        FROM deliveries d LEFT JOIN messages m ON m.sequence = d.key / 256 LEFT JOIN routes r ON r.id = d.route
        WHERE m.sequence IS NULL OR r.id IS NULL
        """,
        """
        SELECT 'message ' || m.sequence || ': it has ' || (SELECT count(*) FROM deliveries d
          WHERE d.key BETWEEN m.sequence * 256 AND m.sequence * 256 + 255) || ' deliveries instead of ' || m.services
        FROM messages m WHERE m.services <> (SELECT count(*) FROM deliveries d
          WHERE d.key BETWEEN m.sequence * 256 AND m.sequence * 256 + 255)
        """,
        "SELECT 'message ' || sequence || ': its id is not a UUID' FROM messages WHERE typeof(id) <> 'blob' OR length(id) <> 16",
        "SELECT 'attempts of delivery ' || delivery || ': there is no such delivery' FROM attempts"
            + " WHERE delivery NOT IN (SELECT key FROM deliveries) GROUP BY delivery",
        """
        SELECT 'delivery ' || key || ': '
            || CASE WHEN state = 2 THEN 'it is leased and has no lease' ELSE 'it is not leased and has a lease'
          END FROM deliveries WHERE (state = 2) <> (lease > 0)
        """,
        """
        SELECT 'delivery ' || d.key || ': its lease is of a later start than the file knows' FROM deliveries d, owner o
        WHERE d.state = 2 AND (d.lease >> 40) > o.boot
        """,
        """
        SELECT 'delivery ' || d.key || ': '
            || CASE WHEN l.id IS NULL THEN 'its lane is missing' ELSE 'it has ended and is still in a lane' END
        FROM deliveries d LEFT JOIN lanes l ON l.id = d.lane WHERE d.lane IS NOT NULL AND (l.id IS NULL OR d.state IN (3, 5, 6))
        """,
        """
        SELECT 'lane ' || l.id || ': ' || CASE
            WHEN h.key IS NULL OR h.lane IS NOT l.id THEN 'its head is none of its members'
            WHEN l.state <> h.state THEN 'its head has another state'
            WHEN l.state <> 2 AND l.head <> (SELECT min(key) FROM deliveries WHERE lane = l.id) THEN 'its head is not its first member'
            ELSE 'more than one of its members is in hand' END
        FROM lanes l LEFT JOIN deliveries h ON h.key = l.head
        WHERE h.key IS NULL OR h.lane IS NOT l.id OR l.state <> h.state
          OR (l.state <> 2 AND l.head <> (SELECT min(key) FROM deliveries WHERE lane = l.id))
          OR (SELECT count(*) FROM deliveries WHERE lane = l.id AND state = 2) > 1
        """,
    ];

    /// <summary>What SQLite itself finds, at most so much; empty for a sound file.</summary>
    public static IReadOnlyList<string> Damage(SqliteDatabase database, int max)
    {
        try
        {
            return [.. Rows(database, $"PRAGMA integrity_check({max.ToString(CultureInfo.InvariantCulture)})", max).Where(row =>
                row != "ok")];
        }
        catch (SqliteFailure failure) when (failure.AsStoreException().Problem is StoreProblem.Corrupt)
        {
            return [failure.Message];
        }
    }

    /// <summary>Where our own rules do not hold, at most so many places for each; empty for a sound file. In one snapshot.</summary>
    public static IReadOnlyList<string> BrokenRules(SqliteDatabase database, int max)
    {
        var found = new List<string>();
        database.Execute("BEGIN");
        try
        {
            var version = SqliteSchema.Version(database);
            foreach (var rule in (IEnumerable<string>)[.. Rules, .. LetterInspection.Rules(version)])
                found.AddRange(Rows(database, rule, max));
            return found;
        }
        finally
        {
            database.Execute("COMMIT");
        }
    }

    /// <summary>The ids of the keys that payloads are sealed with, of messages and of edited letters.</summary>
    public static IReadOnlyList<string> PayloadKeys(SqliteDatabase database)
    {
        if (SqliteSchema.Version(database) < SqliteStoreFile.SchemaWithKeys)
            return [];
        var types = Rows(database, """
            SELECT DISTINCT content_type FROM messages WHERE content_type IS NOT NULL
            UNION SELECT DISTINCT content_type FROM letter_bodies WHERE content_type IS NOT NULL
            """, int.MaxValue);
        return [.. types.Select(SealedPayload.KeyOf).OfType<string>().Order(StringComparer.Ordinal)];
    }

    private static List<string> Rows(SqliteDatabase database, string sql, int max)
    {
        var found = new List<string>();
        var statement = database.Prepare(sql);
        try
        {
            while (found.Count < max && statement.Step())
                found.Add(statement.Text(0));
        }
        finally
        {
            statement.Reset();
        }
        return found;
    }
}
