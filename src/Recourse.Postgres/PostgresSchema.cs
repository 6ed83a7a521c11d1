using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Brings the schema up to date, and refuses one that this program does not understand. One node at a time.</summary>
internal static class PostgresSchema
{
    /// <summary>Where the tables live; apart from those of the database's other users.</summary>
    public const string Schema = "recourse";

    /// <summary>"Rcrs" as a number: releases that knew no other nodes held it as long as they ran.</summary>
    private const long OwnerLock = 0x52637273;

    /// <summary>Held while the schema is looked at and changed.</summary>
    private const long MigrationLock = OwnerLock + 1;

    private const int FirstOfNodes = 6;

    /// <summary>How long ago a node may have said that it lives: longer than it takes until others declare it dead.</summary>
    private const string Lives = "10 seconds";

    public static void Migrate(Sql sql, string database)
    {
        var known = Migration.Of(typeof(PostgresSchema).Assembly);
        sql.Scalar("SELECT pg_advisory_xact_lock($1), set_config('search_path', $2, true)", MigrationLock, Schema);
        var exists = (bool)sql.Scalar($"SELECT to_regclass('{Schema}.schema_version') IS NOT NULL")!;
        if (!exists)
            sql.Run($"CREATE SCHEMA IF NOT EXISTS {Schema}");
        var version = exists ? (int?)sql.Scalar("SELECT max(version) FROM schema_version") ?? 0 : 0;
        var oldest = exists ? (int?)sql.Scalar("SELECT max(oldest_reader) FROM schema_version") ?? 0 : 0;
        if (version > known[^1].Version && oldest > known[^1].Version)
            throw new StoreException(
                $"Database '{database}' has schema {version}, which needs a program that knows schema {oldest}; "
                + $"this one knows {known[^1].Version}. Use the newer release.", StoreProblem.TooNew);
        // A relay of such a release would be robbed of what it has in hand.
        if (version is > 0 and < FirstOfNodes && !(bool)sql.Scalar("SELECT pg_try_advisory_xact_lock($1)", OwnerLock)!)
            throw new StoreException(
                $"Database '{database}' is in use by a relay of an earlier release, which shares it with nobody. Stop that one first.",
                StoreProblem.Locked);
        if (version >= FirstOfNodes && known.Any(step => step.Version > version && step.OldestReader > version))
            RefuseBesideEarlier(sql, database, version, known[^1].Version);
        foreach (var migration in known)
        {
            if (migration.Version <= version)
                continue;
            sql.Script(migration.Sql);
            sql.Run(
                "INSERT INTO schema_version VALUES ($1, $2, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)", migration.Version,
                migration.OldestReader);
        }
    }

    // They would go on as before, on tables that are not theirs any more.
    private static void RefuseBesideEarlier(Sql sql, string database, int version, int next)
    {
        var nodes = sql.Read(
            $"""
            SELECT name, coalesce(version, '?') FROM nodes
            WHERE heartbeat_at > (extract(epoch FROM clock_timestamp() - interval '{Lives}') * 1000000)::bigint ORDER BY id LIMIT 5
            """, row => $"{row.GetString(0)} (release {row.GetString(1)})");
        if (nodes.Count > 0)
            throw new StoreException(
                $"Database '{database}' has schema {version}, and relays of its release are at work: {string.Join(", ", nodes)}. "
                + $"They cannot work with schema {next}: stop them first (one that was killed counts for {Lives}).", StoreProblem.Locked);
    }
}
