using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// The right of one process to a store file: an advisory lock on <c>{file}-owner</c>, which the system takes back when the process ends in
/// whatever way. A file of its own, because closing any handle of the database file would drop SQLite's locks on it.
/// </summary>
internal sealed class StoreFile : IDisposable
{
    private readonly FileStream _lock;

    private StoreFile(string path, FileStream ownerLock) => (Path, _lock) = (path, ownerLock);

    public string Path { get; }

    /// <summary>Takes the file for this process.</summary>
    /// <exception cref="StoreException">The path is none that a store can live at, or another process has it.</exception>
    public static StoreFile Take(string path)
    {
        var full = Checked(path);
        try
        {
            return new(full, new FileStream(full + "-owner", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1));
        }
        catch (UnauthorizedAccessException error)
        {
            throw new StoreException(
                $"Store '{full}': its folder cannot be written ({error.Message}); check owner, permissions and mount.",
                StoreProblem.ReadOnly, error);
        }
        catch (DirectoryNotFoundException error)
        {
            throw new StoreException(
                $"Store '{full}': its folder does not exist; make it, or give another path.", StoreProblem.ReadOnly, error);
        }
        catch (IOException error)
        {
            throw Refused(full, error);
        }
    }

    private static string Checked(string path)
    {
        if (path.Contains(":memory:", StringComparison.Ordinal) || path.StartsWith("file:", StringComparison.OrdinalIgnoreCase))
            throw new StoreException(
                $"Store '{path}': a store must be an ordinary file, given by its path; what is in memory does not survive.",
                StoreProblem.Other);
        var full = System.IO.Path.GetFullPath(path);
        if (Directory.Exists(full))
            throw new StoreException($"Store '{full}' is a folder; give the path of a file in it.", StoreProblem.Other);
        var folder = System.IO.Path.GetDirectoryName(full)!;
        if (Directory.Exists(folder) && new DriveInfo(folder) is { DriveType: DriveType.Network } drive)
            throw new StoreException(
                $"Store '{full}' is on a network file system ({drive.DriveFormat}), whose locks and write-ahead log SQLite cannot rely on; "
                + "use a local disk, or PostgreSQL for several machines.", StoreProblem.Other);
        return full;
    }

    /// <summary>Tells a lock that another holds from a disk or mount that refuses.</summary>
    private static StoreException Refused(string path, IOException error)
    {
        // Linux, macOS, Windows twice: somebody else has the lock.
        const int ReadOnlyFileSystem = 30, NoSpace = 28, Again = 11, AgainMac = 35, Sharing = 32, Locking = 33;
        return (error.HResult & 0xFFFF) switch
        {
            ReadOnlyFileSystem when !OperatingSystem.IsWindows() =>
                new($"Store '{path}': its file system is mounted read-only; mount it for writing or give another path.",
                    StoreProblem.ReadOnly, error),
            NoSpace when !OperatingSystem.IsWindows() =>
                new($"Store '{path}': the disk is full; free some space and start again.", StoreProblem.DiskFull, error),
            not (Again or AgainMac or Sharing or Locking) => new(
                $"Store '{path}': no file can be made or opened there ({error.Message}); give a path on an ordinary disk.",
                StoreProblem.ReadOnly, error),
            _ => new(
                $"Store '{path}' is in use by {OwnerOf(path)}. One process owns a store; "
                + "end that one, talk to it over HTTP, or give this one another file.",
                StoreProblem.Locked, error),
        };
    }

    private static string OwnerOf(string path)
    {
        try
        {
            using var database = new SqliteDatabase(path, readOnly: true);
            using var owner = database.Prepare("SELECT process, host, since FROM owner WHERE id = 1");
            if (owner.Step())
            {
                var text = $"process {owner.Int64(0)} on {owner.Text(1)}, since {StoreTime.Time(owner.Int64(2)):yyyy-MM-dd HH:mm:ss} UTC";
                owner.Reset();
                return text;
            }
        }
        catch (SqliteFailure)
        {
            // The name of the owner is a courtesy: without it the sentence still says what to do.
        }
        return "another process";
    }

    public void Dispose() => _lock.Dispose();
}
