using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// What makes a copied file a backup: it lies beside its place under another name until it is whole, is checked from the first page to the
/// last, and is on the disk before anybody is told.
/// </summary>
internal sealed class StoreCopy
{
    private StoreCopy(string path) => (Path, Part) = (path, path + ".part");

    public string Path { get; }

    /// <summary>Where it is made; what an earlier, broken-off copy left there is replaced.</summary>
    public string Part { get; }

    /// <summary>A place for a copy.</summary>
    /// <exception cref="StoreException">Something is there already, or the folder is not.</exception>
    public static StoreCopy At(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        if (File.Exists(full) || Directory.Exists(full))
            throw new StoreException(
                $"'{full}' exists already, and a backup never overwrites anything; give another name.", StoreProblem.Other);
        if (!Directory.Exists(System.IO.Path.GetDirectoryName(full)))
            throw new StoreException($"The folder of '{full}' does not exist; make it, or give another path.", StoreProblem.ReadOnly);
        var copy = new StoreCopy(full);
        copy.Discard();
        return copy;
    }

    /// <summary>Copies a database that nobody else writes, from beginning to end.</summary>
    public StoreBackup From(SqliteDatabase source, DateTimeOffset at, CancellationToken cancellationToken = default)
    {
        try
        {
            using (var copy = new BackupCopy(source, Part))
            {
                while (!copy.Step())
                    cancellationToken.ThrowIfCancellationRequested();
            }
            return Finish(at);
        }
        catch
        {
            Discard();
            throw;
        }
    }

    /// <summary>Checks the copy, gives it its name, and syncs both.</summary>
    /// <exception cref="StoreException">The copy is damaged, because the store is.</exception>
    public StoreBackup Finish(DateTimeOffset at)
    {
        int schema;
        using (var made = new SqliteDatabase(Part, readOnly: false))
        {
            schema = (int)SqliteSchema.Version(made);
            // One file that stands for itself: no log beside it. The write, whatever it is, syncs all that was copied before.
            made.Execute("PRAGMA synchronous = EXTRA; PRAGMA journal_mode = DELETE; PRAGMA user_version = 1; PRAGMA user_version = 0");
            if (StoreInspection.Damage(made, 1) is [var damage, ..])
                throw new StoreException(
                    $"The copy '{Path}' was not kept: the store itself is damaged ({damage}). `recourse db check` lists all that is found; "
                    + "restore the last good backup.", StoreProblem.Corrupt);
        }
        File.Move(Part, Path, overwrite: false);
        SyncName(Path);
        return new(Path, new FileInfo(Path).Length, schema, at);
    }

    /// <summary>
    /// Puts a file's new name on the disk. SQLite syncs the folder of a file when a write ends with EXTRA; so something is written beside
    /// the named file, which itself is not touched any more. (What .NET offers for syncing hides failures.)
    /// </summary>
    public static void SyncName(string path)
    {
        var beside = path + ".sync";
        using (var scratch = new SqliteDatabase(beside, readOnly: false))
            scratch.Execute("PRAGMA synchronous = EXTRA; PRAGMA journal_mode = DELETE; PRAGMA user_version = 1; PRAGMA user_version = 0");
        File.Delete(beside);
    }

    /// <summary>Removes what was made so far.</summary>
    public void Discard()
    {
        foreach (var suffix in new[] { "", "-wal", "-shm", "-journal" })
            File.Delete(Part + suffix);
    }
}
