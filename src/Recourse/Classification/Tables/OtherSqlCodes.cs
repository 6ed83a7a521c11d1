using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>Oracle, Db2, H2, Derby and Sybase ASE. A number that is not listed says nothing.</summary>
internal static class OtherSqlCodes
{
    internal static readonly CodeFamily Oracle = new("oracle",
    [
        new(DbDeadlock, "60=ORA-00060 4020=ORA-04020"),
        // 1555: what the transaction reads has been overwritten; 25402: the session moved to another node under the transaction.
        new(DbSerializationFailure, "8177=ORA-08177 1555=ORA-01555 25402=ORA-25402"),
        new(DbLockTimeout, "54=ORA-00054 30006=ORA-30006 4021=ORA-04021 51=ORA-00051 2049=ORA-02049"),
        // Not from the server but from the driver: the connection string, or the network on the way, is broken for good until somebody
        // acts.
        new(DbConnectionLost, "17002 17447", Permanent),
        new(DbConnectionLost, "3113=ORA-03113 3114=ORA-03114 3135=ORA-03135 12570=ORA-12570 12571=ORA-12571 12537=ORA-12537 " +
            "28=ORA-00028 1012=ORA-01012 2396=ORA-02396 25401=ORA-25401 25408=ORA-25408 12547=ORA-12547 3136=ORA-03136"),
        new(ConnectionTimeout, "12170=ORA-12170 12535=ORA-12535"),
        new(ConnectionRefused, "12541=ORA-12541 12514=ORA-12514 12528=ORA-12528 12516=ORA-12516 12519=ORA-12519 12520=ORA-12520 " +
            "12545=ORA-12545 12543=ORA-12543"),
        new(DnsResolution, "12154=ORA-12154", Permanent),
        new(TemporaryFailure, "4068=ORA-04068", Applied: Applied.No),
        new(DatabaseDown, "1033=ORA-01033 1034=ORA-01034 1089=ORA-01089 1090=ORA-01090 1092=ORA-01092 12526=ORA-12526 1035=ORA-01035"),
        new(OutOfMemory, "4031=ORA-04031 4030=ORA-04030"),
        new(ResourceLimit, "18=ORA-00018 20=ORA-00020 2391=ORA-02391 12518=ORA-12518"),
        new(FaultKind.Timeout, "1013=ORA-01013", Permanent),
        new(DbConstraintViolation, "1=ORA-00001 1400=ORA-01400 1407=ORA-01407 2290=ORA-02290 2291=ORA-02291 2292=ORA-02292"),
        new(TypeMismatch, "1722=ORA-01722 1438=ORA-01438"),
        new(ValidationError, "12899=ORA-12899 1401=ORA-01401"),
        new(DbSyntaxError, "900=ORA-00900 903=ORA-00903 904=ORA-00904 917=ORA-00917 936=ORA-00936 942=ORA-00942 933=ORA-00933 17006 " +
            "17003 6550=ORA-06550"),
        new(Unauthorized, "1017=ORA-01017 28000=ORA-28000 28001=ORA-28001"),
        new(Forbidden, "1031=ORA-01031 1950=ORA-01950 1045=ORA-01045"),
        new(NotFound, "1403=ORA-01403"),
        new(DiskFull, "1653=ORA-01653 1654=ORA-01654 1652=ORA-01652"),
    ],
    Otherwise: null, "ora");

    internal static readonly CodeFamily Db2 = new("db2",
    [
        new(DbDeadlock, "-911=SQL0911N -913=SQL0913N"),
        new(DbConnectionLost, "-30080=SQL30080N -30081=SQL30081N -1224=SQL1224N -1229=SQL1229N -1015=SQL1015N -923=SQL0923N " +
            "-924=SQL0924N -906=SQL0906N -900=SQL0900N -4499 -1776=SQL1776N -6036=SQL6036N"),
        new(ResourceLimit, "-1218=SQL1218N"),
        // The driver has moved to another server; the transaction was rolled back.
        new(DbSerializationFailure, "-4498 -30108=SQL30108N"),
        new(DbLockTimeout, "-1035=SQL1035N"),
        new(ResourceLimit, "-1040=SQL1040N -964=SQL0964C -101=SQL0101N"),
        new(DiskFull, "-289=SQL0289N -968=SQL0968C"),
        new(Unauthorized, "-30082=SQL30082N"),
        new(Forbidden, "-551=SQL0551N -552=SQL0552N -1060=SQL1060N"),
        new(TypeMismatch, "-302=SQL0302N -304=SQL0304N -420=SQL0420N -802=SQL0802N"),
        new(ValidationError, "-433=SQL0433N -404=SQL0404N -180=SQL0180N -181=SQL0181N"),
        new(Cancelled, "-952=SQL0952N", Permanent),
        new(ConfigurationError, "-1013=SQL1013N -1031=SQL1031N"),
        new(ResourceLimit, "-904=SQL0904N -905=SQL0905N", Permanent),
        new(DatabaseDown, "-971=SQL0971N", Permanent),
        new(DbConstraintViolation, "-803=SQL0803N -407=SQL0407N -530=SQL0530N -531=SQL0531N -532=SQL0532N -543=SQL0543N -544=SQL0544N " +
            "-545=SQL0545N -603=SQL0603N -667=SQL0667N"),
        new(DbSyntaxError, "-7=-007 -29=-029 -97=-097 -104=SQL0104N -109 -115 -128 -199 -204=SQL0204N -206=SQL0206N -301 -408 -441 " +
            "-491"),
    ]);

    internal static readonly CodeFamily H2 = new("h2",
    [
        new(DbLockTimeout, "50200"),
        new(DbDeadlock, "40001"),
        new(DbConnectionLost, "90067 90108 90098 08000"),
        new(Unauthorized, "28000 90040"),
        new(NotSupported, "50100"),
        new(Cancelled, "57014", Permanent),
        new(DatabaseDown, "90046 90100 90117 90121 90126", Permanent),
        new(DbConstraintViolation, "23001 23505 23000 23002 23003 23502 23503 23506 23507 23513"),
        new(ValidationError, "22001 22003 22012 22018 22025"),
        new(DbSyntaxError, "42000 42001 42101 42102 42111 42112 42121 42122 42132"),
    ],
    SqlStateClass);

    internal static readonly CodeFamily Derby = new("derby",
    [
        new(DbDeadlock, "40001"),
        new(DbLockTimeout, "40XL1 40XL2"),
        new(ConfigurationError, "04501 08004 42Y07"),
        new(DbConnectionLost, "08006 08001 08003"),
        new(DatabaseDown, "XJ004 XJ040 XJ015 08006.D", Permanent),
        new(DbConstraintViolation, "23505 23502 23503 23513 X0Y32"),
        new(ValidationError, "22001 22005"),
        new(DbSyntaxError, "42802 42821 42X01 42X02 42X03 42X04 42X05 42X06 42X07 42X08"),
    ],
    SqlStateClass);

    internal static readonly CodeFamily Sybase = new("sybase",
    [
        new(DbDeadlock, "1205"),
        new(DbLockTimeout, "12205"),
        new(DatabaseDown, "921"),
        new(DiskFull, "1105"),
        new(DbConstraintViolation, "2601 2615 2626 233 511 515 530 546 547 2714"),
        new(DbSyntaxError, "101 102 103 104 105 106 107 108 109 110 111 112 113 116 120 121 123 207 208 213 257 512"),
    ],
    Otherwise: null, "ase");

    // Both databases write standard SQLSTATEs, so the class of an unlisted one still tells data from statement.
    private static CodeRow? SqlStateClass(string code) => code.Length != 5 ? null : code[..2] switch
    {
        "22" => new(ValidationError, code),
        "23" => new(DbConstraintViolation, code),
        "28" => new(Unauthorized, code),
        "42" => new(DbSyntaxError, code),
        _ => null,
    };
}
