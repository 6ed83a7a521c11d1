using System.Globalization;
using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>
/// SQLite result codes. Only BUSY and LOCKED pass by waiting; an extended code that is not listed means what its low byte means.
/// </summary>
internal static class SqliteCodes
{
    internal static readonly CodeFamily Family = new("sqlite",
    [
        new(DbLockTimeout, "5=SQLITE_BUSY 6=SQLITE_LOCKED 262=SQLITE_LOCKED_SHAREDCACHE 261=SQLITE_BUSY_RECOVERY " +
            "773=SQLITE_BUSY_TIMEOUT"),
        // The snapshot that the transaction reads from is outdated: only the whole transaction can be run again.
        new(DbSerializationFailure, "517=SQLITE_BUSY_SNAPSHOT"),
        new(DbSyntaxError, "1=SQLITE_ERROR 25=SQLITE_RANGE"),
        new(InternalError, "2=SQLITE_INTERNAL 21=SQLITE_MISUSE 12=SQLITE_NOTFOUND", Permanent, Applied: Applied.No),
        new(Forbidden, "3=SQLITE_PERM 23=SQLITE_AUTH"),
        new(Cancelled, "4=SQLITE_ABORT 9=SQLITE_INTERRUPT", Permanent),
        new(OutOfMemory, "7=SQLITE_NOMEM", Permanent),
        new(ConfigurationError, "8=SQLITE_READONLY 14=SQLITE_CANTOPEN 15=SQLITE_PROTOCOL 22=SQLITE_NOLFS"),
        new(FileSystemError, "10=SQLITE_IOERR 11=SQLITE_CORRUPT 26=SQLITE_NOTADB", Permanent),
        new(DiskFull, "13=SQLITE_FULL", Permanent),
        new(DbSyntaxError, "17=SQLITE_SCHEMA"),
        new(PayloadTooLarge, "18=SQLITE_TOOBIG"),
        new(DbConstraintViolation, "19=SQLITE_CONSTRAINT 2067=SQLITE_CONSTRAINT_UNIQUE 1555=SQLITE_CONSTRAINT_PRIMARYKEY " +
            "1299=SQLITE_CONSTRAINT_NOTNULL 275=SQLITE_CONSTRAINT_CHECK 787=SQLITE_CONSTRAINT_FOREIGNKEY " +
            "1811=SQLITE_CONSTRAINT_TRIGGER 2579=SQLITE_CONSTRAINT_ROWID 3091=SQLITE_CONSTRAINT_DATATYPE"),
        new(TypeMismatch, "20=SQLITE_MISMATCH"),
    ],
    ByLowByte, "sqlite3");

    private static CodeRow? ByLowByte(string code) =>
        int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0xFF
            ? Family.Rows.FirstOrDefault(row => Lists(row, (number & 0xFF).ToString(CultureInfo.InvariantCulture)))
            : null;

    private static bool Lists(CodeRow row, string code) => row.Codes.Split(' ').Any(token => token.Split('=')[0] == code);
}
