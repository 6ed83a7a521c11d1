using System.Diagnostics.CodeAnalysis;
using SQLitePCL;

namespace Recourse.Sqlite;

/// <summary>
/// A prepared statement that is used again and again: bind by number from 1, then <see cref="Step"/> through rows or <see cref="Run"/>
/// once. Texts and blobs are bound without copies on the managed side. One thread at a time.
/// </summary>
internal sealed class SqliteStatement(SqliteDatabase database, sqlite3_stmt statement) : IDisposable
{
    public SqliteStatement Bind(int index, long value)
    {
        Check(raw.sqlite3_bind_int64(statement, index, value));
        return this;
    }

    public SqliteStatement Bind(int index, long? value) => value is { } number ? Bind(index, number) : BindNull(index);

    public SqliteStatement Bind(int index, bool value) => Bind(index, value ? 1L : 0L);

    public SqliteStatement Bind(int index, string? value)
    {
        if (value is null)
            return BindNull(index);
        Check(raw.sqlite3_bind_text16(statement, index, value));
        return this;
    }

    public SqliteStatement Bind(int index, ReadOnlySpan<byte> value)
    {
        // A pointer to nothing would bind NULL; an empty body is a value.
        Check(value.IsEmpty ? raw.sqlite3_bind_zeroblob(statement, index, 0) : raw.sqlite3_bind_blob(statement, index, value));
        return this;
    }

    public SqliteStatement Bind(int index, Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return Bind(index, bytes);
    }

    public SqliteStatement BindNull(int index)
    {
        Check(raw.sqlite3_bind_null(statement, index));
        return this;
    }

    /// <summary>Moves to the next row; false at the end, where the statement is ready for its next use.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(statement);
        if (code == raw.SQLITE_ROW)
            return true;
        raw.sqlite3_reset(statement);
        if (code != raw.SQLITE_DONE)
            throw Failure(code);
        return false;
    }

    /// <summary>Runs a statement that gives no rows, and tells how many it changed.</summary>
    public int Run()
    {
        while (Step())
        {
        }
        return database.Changes;
    }

    /// <summary>
    /// Ends reading before the last row: a statement left open would hold its snapshot and keep the WAL from being reused.
    /// </summary>
    public void Reset() => raw.sqlite3_reset(statement);

    /// <summary>The first column of the first row; null when there is none or it is NULL.</summary>
    public long? Scalar()
    {
        try
        {
            return Step() && !IsNull(0) ? Int64(0) : null;
        }
        finally
        {
            Reset();
        }
    }

    public bool IsNull(int column) => raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL;

    public long Int64(int column) => raw.sqlite3_column_int64(statement, column);

    public int Int32(int column) => raw.sqlite3_column_int(statement, column);

    public bool Bool(int column) => Int32(column) != 0;

    public long? Int64OrNull(int column) => IsNull(column) ? null : Int64(column);

    public string Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string() ?? "";

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    public byte[] Blob(int column) => raw.sqlite3_column_blob(statement, column).ToArray();

    public Guid Guid(int column)
    {
        var bytes = raw.sqlite3_column_blob(statement, column);
        return bytes.Length == 16 ? new(bytes, bigEndian: true)
            : throw new FormatException($"An id has {bytes.Length} bytes instead of 16.");
    }

    public void Dispose()
    {
        database.Forget(this);
        statement.Dispose();
    }

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
            throw Failure(code);
    }

    [SuppressMessage("Performance", "CA1822", Justification = "Reads the connection's last error.")]
    private SqliteFailure Failure(int code) => database.Failure(code);
}
