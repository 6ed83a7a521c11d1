using SQLitePCL;

namespace Recourse.Sqlite;

/// <summary>
/// Copies the write-ahead log into the file between commits. A log whose readers have all moved on is used again from its start; one that a
/// long read holds up would grow without bound, so at the bound reads are ended and the log is emptied.
/// </summary>
internal sealed class Checkpoints(SqliteDatabase database, SqliteReaders readers, SqliteStoreOptions options)
{
    private readonly string _wal = database.Path + "-wal";
    private readonly long _page = database.Number("PRAGMA page_size") ?? 4096;
    private long _unchecked;

    /// <summary>After each batch: copies when enough has gathered.</summary>
    public void AfterCommit()
    {
        _unchecked += database.PagesWritten() * _page;
        if (_unchecked >= options.CheckpointBytes)
            Copy();
    }

    /// <summary>When nothing waits: copies early, so that the next burst need not.</summary>
    public void WhenIdle()
    {
        if (_unchecked >= options.CheckpointBytes / 4)
            Copy();
    }

    private void Copy()
    {
        try
        {
            TryCopy();
        }
        catch (SqliteFailure)
        {
            // What could not be copied (the disk is full, say) stays in the log, which holds it as safely; a later commit tries again.
            _unchecked = options.CheckpointBytes / 2;
        }
    }

    private void TryCopy()
    {
        var whole = database.Checkpoint(raw.SQLITE_CHECKPOINT_PASSIVE) is { } done && done.Pages == done.Copied;
        _unchecked = 0;
        if (new FileInfo(_wal) is not { Exists: true } wal || wal.Length < options.WalBytesMax)
            return;
        // All copied: it only has to get small again. Otherwise a reader still needs the log, and it is at its bound.
        if (whole)
            Empty();
        else
            readers.While(Empty);
    }

    /// <summary>Not waiting: a reader of another process cannot be ended from here, and must not hold the writer up either.</summary>
    private void Empty()
    {
        database.BusyTimeout(0);
        try
        {
            database.Checkpoint(raw.SQLITE_CHECKPOINT_TRUNCATE);
        }
        finally
        {
            database.BusyTimeout(SqliteSchema.BusyMilliseconds);
        }
    }
}
