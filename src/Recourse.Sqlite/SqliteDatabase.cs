using SQLitePCL;

namespace Recourse.Sqlite;

/// <summary>
/// One connection. Built on SQLite's own calls rather than on ADO.NET: no boxing, no retry loop that sleeps, and the extended result code
/// of every failure. One thread at a time.
/// </summary>
internal sealed class SqliteDatabase : IDisposable
{
    private readonly sqlite3 _handle;
    private readonly List<SqliteStatement> _statements = [];

    static SqliteDatabase() => Batteries_V2.Init();

    /// <param name="path">The file; made when it is missing and this is a writer.</param>
    /// <param name="readOnly">True for a reader: the connection cannot write.</param>
    public SqliteDatabase(string path, bool readOnly)
    {
        Path = path;
        if (!readOnly)
            MakeForOwnerAlone(path);
        // Each connection is used by one thread at a time, so SQLite's own mutexes are not needed.
        var flags = raw.SQLITE_OPEN_NOMUTEX | (readOnly ? raw.SQLITE_OPEN_READONLY : raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE);
        var code = raw.sqlite3_open_v2(path, out _handle, flags, null);
        if (code != raw.SQLITE_OK)
        {
            var failure = Failure(code);
            _handle.Dispose();
            throw failure;
        }
        raw.sqlite3_extended_result_codes(_handle, 1);
    }

    // Messages, keys' hashes and the audit are nobody else's. SQLite gives the log and its index the mode of their file. One that is there
    // keeps what it has.
    private static void MakeForOwnerAlone(string path)
    {
        if (OperatingSystem.IsWindows() || File.Exists(path))
            return;
        try
        {
            new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }).Dispose();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // SQLite meets the same next, and says what it is.
        }
    }

    public string Path { get; }

    /// <summary>For the calls of SQLite that take two connections.</summary>
    public sqlite3 Handle => _handle;

    public int Changes => raw.sqlite3_changes(_handle);

    /// <summary>False while a transaction is open.</summary>
    public bool AutoCommit => raw.sqlite3_get_autocommit(_handle) != 0;

    /// <summary>How long SQLite waits for another process that has the file locked.</summary>
    public void BusyTimeout(int milliseconds) => raw.sqlite3_busy_timeout(_handle, milliseconds);

    /// <summary>A statement that lives as long as the connection, or until its user disposes it.</summary>
    public SqliteStatement Prepare(string sql)
    {
        var code = raw.sqlite3_prepare_v3(_handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var handle);
        if (code != raw.SQLITE_OK)
            throw Failure(code);
        var statement = new SqliteStatement(this, handle);
        _statements.Add(statement);
        return statement;
    }

    /// <summary>
    /// Ends every statement that an error left between two rows: SQLite refuses to bind one that is still open, now and for ever after.
    /// </summary>
    public void ResetAll()
    {
        foreach (var statement in _statements)
            statement.Reset();
    }

    /// <summary>Called by a statement that is disposed.</summary>
    public void Forget(SqliteStatement statement) => _statements.Remove(statement);

    /// <summary>Runs one or several statements that are not worth keeping.</summary>
    public void Execute(string sql)
    {
        var code = raw.sqlite3_exec(_handle, sql);
        if (code != raw.SQLITE_OK)
            throw Failure(code);
    }

    /// <summary>The one number that a statement gives; null for none.</summary>
    public long? Number(string sql)
    {
        var code = raw.sqlite3_prepare_v2(_handle, sql, out var handle);
        if (code != raw.SQLITE_OK)
            throw Failure(code);
        using var statement = new SqliteStatement(this, handle);
        return statement.Scalar();
    }

    /// <summary>Copies pages of the WAL into the file; answers (pages in the WAL, pages copied), or null when it could not begin.</summary>
    public (int Pages, int Copied)? Checkpoint(int mode)
    {
        var code = raw.sqlite3_wal_checkpoint_v2(_handle, "main", mode, out var pages, out var copied);
        if (code is not raw.SQLITE_OK and not raw.SQLITE_BUSY)
            throw Failure(code);
        return code == raw.SQLITE_OK ? (pages, copied) : null;
    }

    /// <summary>Pages written since the last call.</summary>
    public long PagesWritten()
    {
        raw.sqlite3_db_status(_handle, raw.SQLITE_DBSTATUS_CACHE_WRITE, out var written, out _, 1);
        return written;
    }

    /// <summary>Frees the pages that it keeps, as far as none is in use.</summary>
    public void Trim() => raw.sqlite3_exec(_handle, "PRAGMA shrink_memory");

    /// <summary>
    /// Asks now and then, while statements run, whether to go on. Not sqlite3_interrupt, which misses a statement that has not begun.
    /// </summary>
    public void StopWhen(Func<bool> stop) => raw.sqlite3_progress_handler(_handle, 10_000, _ => stop() ? 1 : 0, null);

    /// <summary>The last failure with SQLite's own words.</summary>
    public SqliteFailure Failure(int code)
    {
        // A call that takes two connections leaves its words with one of them: the other one says "not an error".
        var words = raw.sqlite3_errcode(_handle) == raw.SQLITE_OK ? raw.sqlite3_errstr(code) : raw.sqlite3_errmsg(_handle);
        return new(code, words.utf8_to_string() ?? "no words", Path);
    }

    public void Dispose()
    {
        foreach (var statement in _statements.ToArray())
            statement.Dispose();
        _handle.Dispose();
    }
}
