using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>
/// PostgreSQL SQLSTATEs. Those that pass are listed one by one; all others stay, and their class (the first two characters) says what they
/// are.
/// </summary>
internal static class PostgresCodes
{
    internal static readonly CodeFamily Family = new("postgres",
    [
        new(DbConnectionLost, "08000=connection_exception 08003=connection_does_not_exist 08006=connection_failure"),
        new(DbConnectionLost, "08001=sqlclient_unable_to_establish_sqlconnection " +
            "08004=sqlserver_rejected_establishment_of_sqlconnection",
            Applied: Applied.No),
        // The COMMIT was sent and its answer was lost.
        new(DbConnectionLost, "08007=transaction_resolution_unknown", Scope: RetryScope.Transaction),
        new(DbSerializationFailure, "40001=serialization_failure"),
        new(DbDeadlock, "40P01=deadlock_detected"),
        new(ResourceLimit, "53000=insufficient_resources 53300=too_many_connections 53400=configuration_limit_exceeded"),
        new(DiskFull, "53100=disk_full"),
        new(OutOfMemory, "53200=out_of_memory", Applied: Applied.No),
        new(DbLockTimeout, "55P03=lock_not_available 55006=object_in_use 55000=object_not_in_prerequisite_state"),
        new(DatabaseDown, "57P03=cannot_connect_now"),
        new(DatabaseDown, "57P01=admin_shutdown 57P02=crash_shutdown", Applied: Applied.Maybe),
        new(DbConnectionLost, "57P05=idle_session_timeout", Applied: Applied.No),
        new(FileSystemError, "58000=system_error 58030=io_error", Transient),
        new(Cancelled, "57014=query_canceled", Permanent, Applied: Applied.No),
        new(FaultKind.Timeout, "25P03=idle_in_transaction_session_timeout 25P04=transaction_timeout", Permanent, Applied: Applied.No),
        new(Forbidden, "42501=insufficient_privilege 28000=invalid_authorization_specification"),
        new(Unauthorized, "28P01=invalid_password"),
        new(NotFound, "P0002=no_data_found"),
        new(BusinessRuleViolation, "P0001=raise_exception P0004=assert_failure"),
        new(DbConstraintViolation, "23502=not_null_violation 23503=foreign_key_violation 23505=unique_violation 23514=check_violation " +
            "23P01=exclusion_violation 23000=integrity_constraint_violation 23001=restrict_violation " +
            "44000=with_check_option_violation"),
        new(TypeMismatch, "22P02=invalid_text_representation 22003=numeric_value_out_of_range 42804=datatype_mismatch " +
            "42846=cannot_coerce"),
        new(MissingField, "22004=null_value_not_allowed"),
        new(DbSyntaxError, "42601=syntax_error 42P01=undefined_table 42703=undefined_column 42883=undefined_function " +
            "42704=undefined_object"),
        new(ConfigurationError, "3D000=invalid_catalog_name 3F000=invalid_schema_name 57P04=database_dropped"),
    ],
    ByClass, "postgresql pgsql npgsql cockroachdb redshift");

    private static CodeRow? ByClass(string code) => code.Length != 5 ? null : code[..2].ToUpperInvariant() switch
    {
        "08" => new(DbConnectionLost, code, Permanent),
        "0A" => new(NotSupported, code),
        "0L" or "0P" or "28" => new(Forbidden, code),
        "20" or "21" or "22" => new(ValidationError, code),
        "23" or "27" or "44" => new(DbConstraintViolation, code),
        "24" or "25" or "26" or "2B" or "2D" or "34" or "38" or "39" or "3B" => new(DbSyntaxError, code),
        "40" => new(DbSerializationFailure, code, Permanent, Applied: code == "40003" ? Applied.Maybe : null),
        "42" => new(DbSyntaxError, code),
        "3D" or "3F" or "F0" => new(ConfigurationError, code),
        "53" or "54" => new(ResourceLimit, code, Permanent),
        "55" or "57" => new(Conflict, code),
        "58" => new(FileSystemError, code, Permanent),
        "P0" => new(BusinessRuleViolation, code),
        "72" or "HV" or "XX" => new(InternalError, code, Permanent),
        "03" or "09" or "0B" or "0F" or "0Z" or "2F" or "P1" => new(DbSyntaxError, code),
        _ => null,
    };
}
