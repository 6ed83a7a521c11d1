using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Brings the schema up to date, and refuses one that this program does not understand.</summary>
internal static class PostgresSchema
{
    /// <summary>Where the tables live; apart from those of the database's other users.</summary>
    public const string Schema = "recourse";

    private const int OldestReader = 2;

    /// <summary>"Rcrs" as a number: the advisory lock of the one owner.</summary>
    public const long OwnerLock = 0x52637273;

    public static void Migrate(Sql sql, string database)
    {
        var known = Migration.Of(typeof(PostgresSchema).Assembly);
        sql.Run($"CREATE SCHEMA IF NOT EXISTS {Schema}");
        var exists = (bool)sql.Scalar($"SELECT to_regclass('{Schema}.schema_version') IS NOT NULL")!;
        var version = exists ? (int?)sql.Scalar("SELECT max(version) FROM schema_version") ?? 0 : 0;
        var oldest = exists ? (int?)sql.Scalar("SELECT max(oldest_reader) FROM schema_version") ?? 0 : 0;
        if (version > known[^1].Version && oldest > known[^1].Version)
            throw new StoreException(
                $"Database '{database}' has schema {version}, which needs a program that knows schema {oldest}; "
                + $"this one knows {known[^1].Version}. Use the newer release.", StoreProblem.TooNew);
        foreach (var migration in known)
        {
            if (migration.Version <= version)
                continue;
            sql.Run(migration.Sql);
            sql.Run(
                "INSERT INTO schema_version VALUES ($1, $2, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)", migration.Version,
                OldestReader);
        }
    }
}
