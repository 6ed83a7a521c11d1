using Recourse.Durable;
using SQLitePCL;

namespace Recourse.Sqlite;

/// <summary>A result code of SQLite other than done; never leaves the store, which turns it into a <see cref="StoreException"/>.</summary>
internal sealed class SqliteFailure(int code, string text, string path) : Exception($"SQLite Error {code & 0xFF}/{code}: {text}")
{
    /// <summary>The extended result code; the low byte is the primary one.</summary>
    public int Code { get; } = code;

    /// <summary>True when the command itself is at fault and others in its batch may pass; false when the file or the machine is.</summary>
    public bool OfCommand =>
        (Code & 0xFF) is raw.SQLITE_CONSTRAINT or raw.SQLITE_TOOBIG or raw.SQLITE_MISMATCH or raw.SQLITE_RANGE or raw.SQLITE_ERROR;

    /// <summary>The failure in the words of the store: what was found, where, what to do.</summary>
    public StoreException AsStoreException() => (Code & 0xFF) switch
    {
        raw.SQLITE_FULL => Of(StoreProblem.DiskFull, "the disk is full; free some space, then it goes on by itself"),
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED =>
            Of(StoreProblem.Locked, "another process has the file locked; end it, or give this one another file"),
        raw.SQLITE_READONLY => Of(StoreProblem.ReadOnly, "the file or its folder cannot be written; check owner, permissions and mount"),
        raw.SQLITE_CANTOPEN => Of(
            StoreProblem.ReadOnly, "the file cannot be opened or made; check that its folder exists and may be written"),
        raw.SQLITE_PERM or raw.SQLITE_AUTH => Of(StoreProblem.ReadOnly, "access to the file is denied; check owner and permissions"),
        raw.SQLITE_NOTADB => Of(StoreProblem.Corrupt, "this is no SQLite file; give another path or move the file away"),
        raw.SQLITE_CORRUPT => Of(StoreProblem.Corrupt, "the file is damaged; stop, keep a copy of it and restore a backup"),
        raw.SQLITE_IOERR => Of(StoreProblem.Unavailable, "the disk failed to read or write; check the machine's disk"),
        raw.SQLITE_INTERRUPT => Of(StoreProblem.Busy, "the read was ended because it took too long; ask for less"),
        _ => Of(StoreProblem.Other, "this was not expected"),
    };

    private StoreException Of(StoreProblem problem, string advice) => new($"Store '{path}': {Message}; {advice}.", problem, this);
}
