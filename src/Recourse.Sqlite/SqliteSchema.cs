using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Recognises a store file and brings its schema up to date.</summary>
internal static class SqliteSchema
{
    /// <summary>"Rcrs" in the header's application_id: what tells a store from any other SQLite file.</summary>
    private const int ApplicationId = 0x52637273;

    /// <summary>How long a write waits for a lock: only a foreign tool can hold it, and not for long.</summary>
    public const int BusyMilliseconds = 5000;

    /// <summary>
    /// Settings of the writing connection; each is there for a reason. Asked first whether the file is ours: WAL mode is kept in it.
    /// </summary>
    public static void Configure(SqliteDatabase database, StoreDurability durability = StoreDurability.Full)
    {
        _ = Version(database);
        database.BusyTimeout(BusyMilliseconds);
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
        // The log is then synced before it is copied into the file, so the file stays whole; the last commits are not waited for.
        if (durability is StoreDurability.Os)
            database.Execute("PRAGMA synchronous = NORMAL");
    }

    /// <summary>
    /// Checks that the file is a store that this program may open, and applies what is missing: each step is a transaction, so a process
    /// that ends between or within steps leaves a file of one schema or the next. Null when nothing had to be done, or the file is new.
    /// </summary>
    public static StoreMigration? Migrate(SqliteDatabase database, SqliteStoreOptions options, long now)
    {
        var known = options.Migrations;
        var version = CheckKnown(database, known);
        if (version >= known[^1].Version)
            return null;
        var backup = version > 0 && options.BackupBeforeMigration ? MigrationBackup.Make(database, version, known[^1].Version, now) : null;
        foreach (var migration in known)
        {
            if (migration.Version > version)
                Apply(database, migration, backup, now);
        }
        return version == 0 ? null : new(version, known[^1].Version, backup);
    }

    private static void Apply(SqliteDatabase database, Migration migration, string? backup, long now)
    {
        try
        {
            database.Execute("BEGIN IMMEDIATE");
            database.Execute(migration.Sql);
            database.Execute($"INSERT INTO schema_version VALUES ({migration.Version}, {migration.OldestReader}, {now})");
            database.Execute($"PRAGMA application_id = {ApplicationId}");
            database.Execute("COMMIT");
        }
        catch (SqliteFailure failure)
        {
            if (!database.AutoCommit)
                database.Execute("ROLLBACK");
            var kept = backup is null ? "" : $" The file as it was before all steps is at '{backup}'.";
            var reason = failure.AsStoreException();
            throw new StoreException(
                $"Store '{database.Path}': the step {migration.Name} of its migration failed, and nothing of that step was kept.{kept} "
                + reason.Message, reason.Problem, failure);
        }
    }

    /// <summary>The schema's version; 0 for an empty file.</summary>
    public static long Version(SqliteDatabase database)
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

    /// <summary>The schema's version, when this program can work with it.</summary>
    public static int CheckKnown(SqliteDatabase database, IReadOnlyList<Migration> steps)
    {
        var (found, known) = ((int)Version(database), steps[^1].Version);
        if (found <= known)
            return found;
        var oldest = database.Number("SELECT max(oldest_reader) FROM schema_version") ?? found;
        if (oldest > known)
            throw new StoreException(
                $"Store '{database.Path}' has schema {found}, which needs a program that knows schema {oldest}; this one knows {known}. "
                + "Use the newer release, or restore the backup made before the upgrade.", StoreProblem.TooNew);
        return found;
    }
}
