using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>
/// SQL Server and Azure SQL error numbers. The drivers list what passes and leave everything else alone, so an unlisted number stays.
/// </summary>
internal static class SqlServerCodes
{
    internal static readonly CodeFamily Family = new("sqlserver",
    [
        new(DbDeadlock, "1205"),
        new(DbLockTimeout, "1222 1203 1215 1216 1221 1232 617 601"),
        // Optimistic transactions (snapshot, in-memory) that met another one: run the whole of it again.
        new(DbSerializationFailure, "3960 3957 3966 3953 3948 3941 3947 3950 41301 41302 41305 41325 41339 41839 539"),
        new(RateLimitExceeded, "49918 49919 49920 40675 40648 40642 40501 10928 10929"),
        new(ResourceLimit, "1204 8645 8651 8628 10936 10922 41823 41840 30085 39108 39110 22335 1535 1534 1533 1532 3935"),
        // The batch ran into the client's time limit; the server may have finished it all the same, so it is not for us to repeat.
        new(FaultKind.Timeout, "-2", Permanent),
        new(ConnectionTimeout, "10060 121 17197 35256"),
        new(ConnectionRefused, "10061"),
        new(DnsResolution, "11001"),
        new(DbConnectionLost, "10053 10054 64 233 20 997 203 42029 17889"),
        new(DatabaseDown, "40613 40197 40143 40540 40189 4060 4221 42108 42109 926 921 927 952 982 988 941 18401 10930 1404 1413 1421 " +
            "1438 1807 3429 9020 45319 40938 40918 40903 40890 40671 40623"),
        new(InternalError, "17065 17066 17067 7951 5280"),
        new(TemporaryFailure, "49983 49977 49802 49510 47139 47137 47132 45547 45182 45179 45161 45157 45156 45153 41701 41700 41640 " +
            "41619 41614 41383 40106 39152 39151 39025 37327 37202 35293 35218 35216 33123 30080 25740 25738 25003 22984 22760 22759 " +
            "22758 22754 22498 22493 22491 22430 22427 22358 22355 22353 22226 22225 21503 20041 19494 19416 19413 18858 16555 16554 " +
            "16528 14906 14868 14817 14355 11539 9985 9515 6292 5529 3980 4184 4117 3635 2816 2021 669 615"),
        new(DbConstraintViolation, "2601 2627 547 515 544"),
        new(DbSyntaxError, "102 105 109 137 156 170 201 207 208 213 2812 4104 8144 3902 2714"),
        new(NotFound, "3701"),
        new(ConfigurationError, "911"),
        new(Forbidden, "229 262 916 230 297 300"),
        new(Unauthorized, "18452 18456 18470 18488 18486 18487"),
        new(TypeMismatch, "220 241 245 248 8114 8115"),
        new(ValidationError, "8134 8152 2628"),
        new(DiskFull, "9002 1105 1101", Permanent),
        new(FileSystemError, "823 824 825", Permanent),
    ],
    code => new CodeRow(FaultKind.Unknown, code, Permanent), "mssql sqlclient azuresql tsql");
}
