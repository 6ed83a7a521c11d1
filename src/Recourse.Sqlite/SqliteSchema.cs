using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Recognises a store file and brings its schema up to date.</summary>
internal static class SqliteSchema
{
    /// <summary>"Rcrs" in the header's application_id: what tells a store from any other SQLite file.</summary>
    private const int ApplicationId = 0x52637273;

    /// <summary>The oldest program version that can work with what this one writes.</summary>
    private const int OldestReader = 2;

    /// <summary>
    /// Settings of the writing connection; each is there for a reason. Asked first whether the file is ours: WAL mode is kept in it.
    /// </summary>
    public static void Configure(SqliteDatabase database)
    {
        _ = Version(database);
        database.BusyTimeout(5000); // Only a foreign tool can hold the lock, and not for long.
        database.Execute(
            """
            PRAGMA journal_mode = WAL;          -- readers never hold the writer up
            PRAGMA synchronous = FULL;          -- a commit is on the disk before it is acknowledged
            PRAGMA wal_autocheckpoint = 0;      -- the writer does it between commits, with a bound
            PRAGMA journal_size_limit = 67108864;
            PRAGMA cache_size = -32768;         -- 32 MiB of pages
            PRAGMA temp_store = MEMORY;
            PRAGMA foreign_keys = OFF;          -- keys are made and removed in one place; each check would cost a look-up
            PRAGMA trusted_schema = OFF;
            PRAGMA cell_size_check = ON;        -- notice damage early
            """);
    }

    /// <summary>Checks that the file is a store that this program may open, and applies what is missing.</summary>
    public static void Migrate(SqliteDatabase database, long now)
    {
        var known = Migration.Of(typeof(SqliteSchema).Assembly);
        var version = Version(database);
        if (version > known[^1].Version)
            CheckReadable(database, version, known[^1].Version);
        foreach (var migration in known)
        {
            if (migration.Version <= version)
                continue;
            database.Execute("BEGIN IMMEDIATE");
            database.Execute(migration.Sql);
            database.Execute($"INSERT INTO schema_version VALUES ({migration.Version}, {OldestReader}, {now})");
            database.Execute($"PRAGMA application_id = {ApplicationId}");
            database.Execute("COMMIT");
        }
    }

    /// <summary>The schema's version; 0 for an empty file.</summary>
    private static long Version(SqliteDatabase database)
    {
        var application = database.Number("PRAGMA application_id");
        var tables = database.Number("SELECT count(*) FROM sqlite_schema");
        if (tables == 0)
            return 0;
        if (application != ApplicationId)
            throw new StoreException(
                $"Store '{database.Path}' is a SQLite file of another program; nothing in it was changed. Give another path.",
                StoreProblem.Corrupt);
        return database.Number("SELECT max(version) FROM schema_version") ?? 0;
    }

    private static void CheckReadable(SqliteDatabase database, long found, int known)
    {
        var oldest = database.Number("SELECT max(oldest_reader) FROM schema_version") ?? found;
        if (oldest > known)
            throw new StoreException(
                $"Store '{database.Path}' has schema {found}, which needs a program that knows schema {oldest}; this one knows {known}. "
                + "Use the newer release, or restore the backup made before the upgrade.", StoreProblem.TooNew);
    }
}
