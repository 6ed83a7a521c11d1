using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>MySQL and MariaDB error numbers. As with SQL Server, an unlisted number of the server stays.</summary>
internal static class MySqlCodes
{
    internal static readonly CodeFamily Family = new("mysql",
    [
        new(ResourceLimit, "1040=ER_CON_COUNT_ERROR"),
        // The drivers also use this number for "no host could be reached".
        new(ConnectionRefused, "1042=ER_BAD_HOST_ERROR"),
        new(DbLockTimeout, "1205=ER_LOCK_WAIT_TIMEOUT 3572=ER_LOCK_NOWAIT"),
        new(DbDeadlock, "1213=ER_LOCK_DEADLOCK 1614=ER_XA_RBDEADLOCK"),
        // Numbers of the C client, not of the server: no connection came about, or it was cut.
        new(ConnectionRefused, "2002=CR_CONNECTION_ERROR 2003=CR_CONN_HOST_ERROR"),
        new(DnsResolution, "2005=CR_UNKNOWN_HOST"),
        new(DbConnectionLost, "2006=CR_SERVER_GONE_ERROR 2013=CR_SERVER_LOST 2055=CR_SERVER_LOST_EXTENDED"),
        new(FaultKind.Timeout, "-1=CommandTimeoutExpired 3024=ER_QUERY_TIMEOUT", Permanent),
        new(RateLimitExceeded, "1226=ER_USER_LIMIT_REACHED", Permanent),
        new(ResourceLimit, "1203=ER_TOO_MANY_USER_CONNECTIONS 1041=ER_OUT_OF_RESOURCES 1129=ER_HOST_IS_BLOCKED " +
            "1206=ER_LOCK_TABLE_FULL", Permanent),
        new(OutOfMemory, "1037=ER_OUTOFMEMORY 1038=ER_OUT_OF_SORTMEMORY", Permanent),
        new(DiskFull, "1021=ER_DISK_FULL 1114=ER_RECORD_FILE_FULL", Permanent),
        new(DbConnectionLost, "1053=ER_SERVER_SHUTDOWN 1158=ER_NET_READ_ERROR 1159=ER_NET_READ_INTERRUPTED 1160=ER_NET_ERROR_ON_WRITE " +
            "1161=ER_NET_WRITE_INTERRUPTED 1043=ER_HANDSHAKE_ERROR", Permanent),
        new(FileSystemError, "1023=ER_ERROR_ON_CLOSE 1026=ER_ERROR_ON_WRITE 1030=ER_GET_ERRNO 1034=ER_NOT_KEYFILE 1035=ER_OLD_KEYFILE " +
            "1194=ER_CRASHED_ON_USAGE 1195=ER_CRASHED_ON_REPAIR", Permanent),
        new(Unauthorized, "1045=ER_ACCESS_DENIED_ERROR 1133=ER_PASSWORD_NO_MATCH"),
        new(Forbidden, "1044=ER_DBACCESS_DENIED_ERROR 1130=ER_HOST_NOT_PRIVILEGED 1142=ER_TABLEACCESS_DENIED_ERROR " +
            "1143=ER_COLUMNACCESS_DENIED_ERROR 1227=ER_SPECIFIC_ACCESS_DENIED_ERROR 1290=ER_OPTION_PREVENTS_STATEMENT"),
        new(DbConstraintViolation, "1022=ER_DUP_KEY 1062=ER_DUP_ENTRY 1169=ER_DUP_UNIQUE 1048=ER_BAD_NULL_ERROR 1215 " +
            "1216=ER_NO_REFERENCED_ROW 1217=ER_ROW_IS_REFERENCED 1451=ER_ROW_IS_REFERENCED_2 1452=ER_NO_REFERENCED_ROW_2 1557 1586 " +
            "3819"),
        new(MissingField, "1364=ER_NO_DEFAULT_FOR_FIELD"),
        new(TypeMismatch, "1264=ER_WARN_DATA_OUT_OF_RANGE 1292=ER_TRUNCATED_WRONG_VALUE 1366=ER_TRUNCATED_WRONG_VALUE_FOR_FIELD " +
            "1690=ER_DATA_OUT_OF_RANGE"),
        new(ValidationError, "1406=ER_DATA_TOO_LONG 1118=ER_TOO_BIG_ROWSIZE"),
        new(PayloadTooLarge, "1153=ER_NET_PACKET_TOO_LARGE"),
        new(NotFound, "1032=ER_KEY_NOT_FOUND 1094=ER_NO_SUCH_THREAD"),
        new(ConfigurationError, "1046=ER_NO_DB_ERROR 1049=ER_BAD_DB_ERROR"),
        new(DbSyntaxError, "1064=ER_PARSE_ERROR 1054=ER_BAD_FIELD_ERROR 1146=ER_NO_SUCH_TABLE 1051=ER_BAD_TABLE_ERROR " +
            "1065=ER_EMPTY_QUERY 1109=ER_UNKNOWN_TABLE 1136=ER_WRONG_VALUE_COUNT_ON_ROW 1305=ER_SP_DOES_NOT_EXIST " +
            "1193=ER_UNKNOWN_SYSTEM_VARIABLE 1047=ER_UNKNOWN_COM_ERROR 1005 1007 1008 1050 1052 1055 1060 1061 1067 1068 1091 1099 " +
            "1100"),
    ],
    code => new CodeRow(FaultKind.Unknown, code, Permanent), "mariadb mysqlconnector aurora");
}
