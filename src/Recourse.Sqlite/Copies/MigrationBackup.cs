using System.Globalization;
using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>The copy of a file that is made, and checked, before its schema is changed.</summary>
internal static class MigrationBackup
{
    /// <summary>
    /// So many copies of one schema are kept, the newest: a migration that fails at each start must not fill the disk.
    /// </summary>
    private const int Kept = 3;

    // A copy that just fits would leave no room for the migration.
    private const double Headroom = 1.1;

    /// <summary>Makes the copy; where it is.</summary>
    /// <exception cref="StoreException">There is no room for it, or the file is damaged: then nothing is migrated.</exception>
    public static string Make(SqliteDatabase database, int version, int target, long now)
    {
        var at = StoreTime.Time(now);
        var path = string.Create(CultureInfo.InvariantCulture, $"{database.Path}.v{version}-{at:yyyyMMdd'T'HHmmss'.'fff'Z'}.bak");
        var bytes = (database.Number("PRAGMA page_count") ?? 0) * (database.Number("PRAGMA page_size") ?? 0);
        var free = new DriveInfo(Path.GetDirectoryName(database.Path)!).AvailableFreeSpace;
        if (free < bytes * Headroom)
            throw NoRoom(database.Path, version, target, bytes, free, null);
        try
        {
            var backup = StoreCopy.At(path).From(database, at);
            RemoveOlder(database.Path, version);
            return backup.Path;
        }
        catch (SqliteFailure failure) when (failure.AsStoreException().Problem is StoreProblem.DiskFull)
        {
            throw NoRoom(database.Path, version, target, bytes, free, failure);
        }
        catch (SqliteFailure failure)
        {
            var reason = failure.AsStoreException();
            throw new StoreException(
                $"Store '{database.Path}' has schema {version} and was not migrated to {target}, because its backup could not be made. "
                + reason.Message, reason.Problem, failure);
        }
    }

    private static StoreException NoRoom(string path, int version, int target, long bytes, long free, Exception? inner) => new(
        $"Store '{path}' has schema {version} and must be copied before it is migrated to {target}: that needs {Megabytes(bytes)} MB "
        + $"beside it, and {Megabytes(free)} MB are free. Nothing was changed. Free some space; or, with a backup elsewhere, run "
        + "`recourse db migrate --no-backup`.", StoreProblem.DiskFull, inner);

    private static long Megabytes(long bytes) => (bytes / 1_000_000) + 1;

    private static void RemoveOlder(string path, int version)
    {
        var pattern = $"{Path.GetFileName(path)}.v{version}-*.bak";
        foreach (var old in Directory.GetFiles(Path.GetDirectoryName(path)!, pattern).OrderDescending(StringComparer.Ordinal).Skip(Kept))
            File.Delete(old);
    }
}
