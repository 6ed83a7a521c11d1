using System.Globalization;
using Recourse.Durable;
using SQLitePCL;

namespace Recourse.Sqlite;

/// <summary>What is done to a store's file while no relay runs on it: check, copy, restore, migrate. Each call opens and closes
/// it.</summary>
public static class SqliteStoreFile
{
    /// <summary>How many findings of each sort are listed.</summary>
    private const int FindingsMax = 100;

    internal const int SchemaWithKeys = 7;

    /// <summary>
    /// Reads the whole file and compares: pages, indexes, books with rows, lanes with their heads, attempts with their deliveries. It
    /// changes nothing, and may run beside the owner.
    /// </summary>
    /// <exception cref="StoreException">There is no such file, or it is no store.</exception>
    public static Task<StoreCheck> CheckAsync(string path, CancellationToken cancellationToken = default) => RunAsync(() =>
    {
        using var database = Open(path, cancellationToken);
        var damage = StoreInspection.Damage(database, FindingsMax);
        // Rules over damaged pages would only say the same again, and worse.
        var broken = damage.Count > 0 ? [] : StoreInspection.BrokenRules(database, FindingsMax);
        // Its pages, not the length of the file: beside a running owner much may stand only in the log.
        var bytes = (database.Number("PRAGMA page_count") ?? 0) * (database.Number("PRAGMA page_size") ?? 0);
        return new StoreCheck(database.Path, (int)SqliteSchema.Version(database), bytes, damage, broken)
        {
            PayloadKeys = damage.Count > 0 ? [] : StoreInspection.PayloadKeys(database),
        };
    }, cancellationToken);

    /// <summary>
    /// The API keys in a file, oldest first, and their sessions. It changes nothing, and may run beside the owner.
    /// </summary>
    /// <exception cref="StoreException">There is no such file, or it is no store.</exception>
    public static Task<IReadOnlyList<ApiKey>> KeysAsync(string path, CancellationToken cancellationToken = default) =>
        RunAsync<IReadOnlyList<ApiKey>>(() =>
    {
        using var database = Open(path, cancellationToken);
        return SqliteSchema.Version(database) < SchemaWithKeys ? [] : AccessSql.ReadKeys(database.Prepare(AccessSql.Keys));
    }, cancellationToken);

    /// <summary>Copies a file that no process owns; see <see cref="SqliteMessageStore.BackupAsync"/> for one that is in use.</summary>
    /// <exception cref="StoreException">The file is in use or damaged, or the copy could not be made.</exception>
    public static Task<StoreBackup> BackupAsync(
        string path, string target, TimeProvider? time = null, CancellationToken cancellationToken = default) => RunAsync(() =>
    {
        Existing(path);
        using var file = StoreFile.Take(path);
        using var database = Open(file.Path, cancellationToken);
        return StoreCopy.At(target).From(database, (time ?? TimeProvider.System).GetUtcNow(), cancellationToken);
    }, cancellationToken);

    /// <summary>
    /// Puts a backup in a store's place. What was delivered after the backup was made will be delivered again, with the same
    /// Idempotency-Keys; what was accepted after it is not in it.
    /// </summary>
    /// <param name="backup">The backup; it stays as it is.</param>
    /// <param name="path">The store; no process may own it.</param>
    /// <param name="replace">True puts a store that is there aside, under a name that is answered; false refuses then.</param>
    /// <param name="time">The clock for that name; null for the system's.</param>
    /// <param name="cancellationToken">Ends the copying; the store is as it was.</param>
    /// <exception cref="StoreException">
    /// The backup is none, is damaged or too new; or the store is in use, or exists without <paramref name="replace"/>.
    /// </exception>
    public static Task<StoreRestored> RestoreAsync(
        string backup, string path, bool replace, TimeProvider? time = null,
        CancellationToken cancellationToken = default) => RunAsync(() =>
    {
        var now = (time ?? TimeProvider.System).GetUtcNow();
        using var source = Open(backup, cancellationToken);
        var schema = SqliteSchema.CheckKnown(source, new SqliteStoreOptions { Path = path }.Migrations);
        using var file = StoreFile.Take(path);
        if (File.Exists(file.Path) && !replace)
            throw new StoreException(
                $"Store '{file.Path}' exists. A restore replaces it only when told to (--force), and then keeps it under another name.",
                StoreProblem.Other);
        var made = StoreCopy.At($"{file.Path}.restoring-{Stamp(now)}").From(source, now, cancellationToken);
        var aside = PutAside(file.Path, now);
        File.Move(made.Path, file.Path);
        StoreCopy.SyncName(file.Path);
        using var restored = new SqliteDatabase(file.Path, readOnly: true);
        return new StoreRestored(file.Path, schema, LastActivity(restored), Open(restored), aside);
    }, cancellationToken);

    /// <summary>Brings a file to the schema of this program without starting anything on it. Null when it has it already.</summary>
    /// <exception cref="StoreException">The file is in use, is too new, or could not be copied or changed.</exception>
    public static Task<StoreMigration?> MigrateAsync(
        SqliteStoreOptions options, TimeProvider? time = null, CancellationToken cancellationToken = default) => RunAsync(() =>
    {
        Existing(options.Checked().Path);
        using var file = StoreFile.Take(options.Path);
        using var database = new SqliteDatabase(file.Path, readOnly: false);
        SqliteSchema.Configure(database);
        return SqliteSchema.Migrate(database, options, (time ?? TimeProvider.System).NowMicros());
    }, cancellationToken);

    /// <summary>
    /// Writes the file anew and empties its log, so that nothing of what was deleted or replaced is left in it. It needs room for a copy
    /// of the file in its log, and as much for a temporary file, and no process may own the store.
    /// </summary>
    /// <exception cref="StoreException">The file is in use, or could not be written; the store is as it was.</exception>
    public static Task CompactAsync(string path, CancellationToken cancellationToken = default) => RunAsync(() =>
    {
        using var file = StoreFile.Take(Existing(path));
        using var database = new SqliteDatabase(file.Path, readOnly: false);
        SqliteSchema.Configure(database);
        database.StopWhen(() => cancellationToken.IsCancellationRequested);
        database.Execute("PRAGMA temp_store = FILE"); // The whole store would else stand in memory.
        database.Execute("VACUUM");
        // The log still holds pages of before: it is emptied, not kept for reuse.
        if (database.Checkpoint(raw.SQLITE_CHECKPOINT_TRUNCATE) is null)
            throw new StoreException($"Store '{file.Path}' is read by another process, so its log could not be emptied; end that one.",
                StoreProblem.Locked);
        return true;
    }, cancellationToken);

    private static Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken) => Task.Run(() =>
    {
        try
        {
            return work();
        }
        catch (SqliteFailure failure)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw failure.AsStoreException();
        }
        catch (UnauthorizedAccessException error)
        {
            throw new StoreException($"{error.Message} Check owner, permissions and mount.", StoreProblem.ReadOnly, error);
        }
        catch (IOException error)
        {
            throw new StoreException($"The copy failed: {error.Message}", StoreProblem.Unavailable, error);
        }
    }, cancellationToken);

    private static string Existing(string path)
    {
        var full = Path.GetFullPath(path);
        return File.Exists(full) ? full
            : throw new StoreException($"There is no file '{full}'; give the path of a store.", StoreProblem.Unavailable);
    }

    private static SqliteDatabase Open(string path, CancellationToken cancellationToken)
    {
        var database = new SqliteDatabase(Existing(path), readOnly: true);
        try
        {
            database.BusyTimeout(SqliteSchema.BusyMilliseconds);
            if (SqliteSchema.Version(database) == 0)
                throw new StoreException($"'{database.Path}' is empty; it is no store.", StoreProblem.Corrupt);
            database.StopWhen(() => cancellationToken.IsCancellationRequested);
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    private static string Stamp(DateTimeOffset at) => at.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'.'fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>The log goes with its file: what was committed last may stand only there.</summary>
    private static string? PutAside(string path, DateTimeOffset now)
    {
        if (!File.Exists(path))
            return null;
        var aside = $"{path}.replaced-{Stamp(now)}";
        foreach (var suffix in new[] { "-wal", "" })
        {
            if (File.Exists(path + suffix))
                File.Move(path + suffix, aside + suffix);
        }
        File.Delete(path + "-shm");
        return aside;
    }

    private static DateTimeOffset? LastActivity(SqliteDatabase database) => database.Number(
        """
        SELECT max(coalesce((SELECT max(created_at) FROM messages), 0), coalesce((SELECT max(claimed_at) FROM deliveries), 0),
          coalesce((SELECT max(ended_at) FROM deliveries), 0))
        """) is > 0 and { } last ? StoreTime.Time(last) : null;

    private static long Open(SqliteDatabase database) => database.Number("SELECT sum(waiting + leased) FROM routes") ?? 0;
}

/// <summary>What a look through a store's file found.</summary>
/// <param name="Path">The file.</param>
/// <param name="Schema">Its schema.</param>
/// <param name="Bytes">Its size with what stands only in its log yet; what a backup of it has.</param>
/// <param name="Damage">What SQLite found wrong with pages and indexes; empty when it is sound.</param>
/// <param name="BrokenRules">Where books, lanes, leases or attempts contradict each other; empty when they do not.</param>
public sealed record StoreCheck(
    string Path, int Schema, long Bytes, IReadOnlyList<string> Damage, IReadOnlyList<string> BrokenRules)
{
    /// <summary>
    /// The ids of the keys that payloads in it are sealed with: without each of them a relay does not start on it. Empty when none is
    /// sealed, or the file is damaged.
    /// </summary>
    public IReadOnlyList<string> PayloadKeys { get; init; } = [];

    /// <summary>Nothing was found.</summary>
    public bool Sound => Damage.Count == 0 && BrokenRules.Count == 0;
}

/// <summary>A store that was restored from a backup.</summary>
/// <param name="Path">The store.</param>
/// <param name="Schema">The schema of the backup; the next start migrates it.</param>
/// <param name="LastActivity">The latest thing that the backup knows of; null when it is empty. What happened after it is not
/// known.</param>
/// <param name="Open">Deliveries that wait or were in hand: they will be delivered, some of them again.</param>
/// <param name="Replaced">Where the store that was there is now; null when there was none.</param>
public sealed record StoreRestored(string Path, int Schema, DateTimeOffset? LastActivity, long Open, string? Replaced);
