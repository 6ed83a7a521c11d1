using Recourse.Durable;
using SQLitePCL;

namespace Recourse.Sqlite;

/// <summary>
/// A copy in the making, by SQLite's online backup: page by page from an open connection into a new file, in steps that each take about a
/// millisecond. What that connection commits between two steps goes into the copy as well, so the copy shows the moment of its last step.
/// All members on the thread of the source connection.
/// </summary>
internal sealed class BackupCopy : IDisposable
{
    private const int PagesPerStep = 256;

    // Each rollback of the source may begin the copy anew. A store that does nothing else must not keep a backup running for ever.
    private const int RoundsMax = 50;

    private readonly SqliteDatabase _target;
    private readonly sqlite3_backup _backup;
    private long _steps;

    public BackupCopy(SqliteDatabase source, string path)
    {
        _target = new(path, readOnly: false);
        try
        {
            // A copy that did not get to its end is thrown away; a whole one is synced before it gets its name.
            _target.Execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
            _backup = raw.sqlite3_backup_init(_target.Handle, "main", source.Handle, "main")
                ?? throw _target.Failure(raw.sqlite3_errcode(_target.Handle));
        }
        catch
        {
            _target.Dispose();
            throw;
        }
    }

    /// <summary>Copies some more pages; true when that was the last of them.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_backup_step(_backup, PagesPerStep);
        if (code == raw.SQLITE_DONE)
            return true;
        if (code is not raw.SQLITE_OK and not raw.SQLITE_BUSY and not raw.SQLITE_LOCKED)
            throw _target.Failure(code);
        if (++_steps > RoundsMax * (10 + (raw.sqlite3_backup_pagecount(_backup) / PagesPerStep)))
            throw new StoreException(
                $"The copy '{_target.Path}' was begun {RoundsMax} times over, because the store changed too much; "
                + "try when it has less to do.",
                StoreProblem.Busy);
        return false;
    }

    public void Dispose()
    {
        raw.sqlite3_backup_finish(_backup);
        _target.Dispose();
    }
}
