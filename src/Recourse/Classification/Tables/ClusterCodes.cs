using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>Cassandra's native protocol, ZooKeeper and Google Cloud's JSON APIs.</summary>
internal static class ClusterCodes
{
    /// <summary>By number or name of the protocol's error; what passes is what its drivers ask another node for.</summary>
    internal static readonly CodeFamily Cassandra = new("cassandra",
    [
        new(ServiceUnavailable, "4096=0x1000=UNAVAILABLE 4098=0x1002=IS_BOOTSTRAPPING=IsBootstrapping", Applied: Applied.No),
        new(ServiceUnavailable, "4097=0x1001=OVERLOADED", Throttling: true),
        new(FaultKind.Timeout, "4352=0x1100=WRITE_TIMEOUT=WriteTimeout 4608=0x1200=READ_TIMEOUT=ReadTimeout"),
        new(InternalError, "0=0x0000=SERVER_ERROR=ServerError 4099=0x1003=TRUNCATE_ERROR=TruncateError"),
        // A replica has tried and failed, so another attempt meets the same data.
        new(InternalError, "4864=0x1300=READ_FAILURE=ReadFailure 5120=0x1400=FUNCTION_FAILURE=FunctionFailure " +
            "5376=0x1500=WRITE_FAILURE=WriteFailure", Permanent),
        new(BadRequest, "10=0x000A=PROTOCOL_ERROR=ProtocolError"),
        new(Unauthorized, "256=0x0100=AUTH_ERROR=BAD_CREDENTIALS=AuthenticationError"),
        new(Forbidden, "8448=0x2100=UNAUTHORIZED"),
        new(DbSyntaxError, "8192=0x2000=SYNTAX_ERROR=SyntaxError"),
        new(ValidationError, "8704=0x2200=INVALID"),
        new(ConfigurationError, "8960=0x2300=CONFIG_ERROR=ConfigError"),
        new(DuplicateRequest, "9216=0x2400=ALREADY_EXISTS=AlreadyExists"),
        new(NotFound, "9472=0x2500=UNPREPARED"),
    ],
    Otherwise: null, "scylla scylladb cql keyspaces");

    /// <summary>By number or name of KeeperException.Code; what passes is what Curator's retry loop repeats.</summary>
    internal static readonly CodeFamily ZooKeeper = new("zookeeper",
    [
        new(ConnectionReset, "-4=CONNECTIONLOSS=CONNECTION_LOSS -118=SESSIONMOVED=SESSION_MOVED -112=SESSIONEXPIRED=SESSION_EXPIRED"),
        new(FaultKind.Timeout, "-7=OPERATIONTIMEOUT=OPERATION_TIMEOUT -122=REQUESTTIMEOUT=REQUEST_TIMEOUT"),
        new(NotFound, "-101=NONODE=NO_NODE -121=NOWATCHER=NO_WATCHER"),
        new(Forbidden, "-102=NOAUTH=NO_AUTH"),
        new(Unauthorized, "-115=AUTHFAILED=AUTH_FAILED"),
        new(Conflict, "-103=BADVERSION=BAD_VERSION -111=NOTEMPTY=NOT_EMPTY"),
        new(DuplicateRequest, "-110=NODEEXISTS=NODE_EXISTS"),
        new(ValidationError, "-8=BADARGUMENTS=BAD_ARGUMENTS -114=INVALIDACL=INVALID_ACL -113=INVALIDCALLBACK " +
            "-108=NOCHILDRENFOREPHEMERALS"),
        new(NotSupported, "-6=UNIMPLEMENTED -119=NOTREADONLY=NOT_READONLY"),
        new(InternalError, "-5=MARSHALLINGERROR=MARSHALLING_ERROR -100=APIERROR=API_ERROR", Permanent),
    ],
    Otherwise: null, "curator zk");

    /// <summary>By the reason in the error object, the canonical name or the HTTP status.</summary>
    internal static readonly CodeFamily Gcp = new("gcp",
    [
        new(ServiceUnavailable, "backendError tableUnavailable UNAVAILABLE"),
        new(InternalError, "internalError jobBackendError jobInternalError"),
        new(RateLimitExceeded, "rateLimitExceeded userRateLimitExceeded jobRateLimitExceeded"),
        new(DbSerializationFailure, "ABORTED"),
        // A quota of the day or of the project: no wait that a call can make refills it.
        new(ResourceLimit, "quotaExceeded dailyLimitExceeded resourcesExceeded RESOURCE_EXHAUSTED", Permanent),
        new(Forbidden, "accessDenied PERMISSION_DENIED"),
        new(ConfigurationError, "billingNotEnabled billingTierLimitExceeded blocked"),
        new(Unauthorized, "authError required UNAUTHENTICATED"),
        new(DuplicateRequest, "duplicate ALREADY_EXISTS"),
        new(ValidationError, "invalid invalidParameter INVALID_ARGUMENT OUT_OF_RANGE"),
        new(DbSyntaxError, "invalidQuery"),
        new(NotFound, "NOT_FOUND=notFound"),
        new(NotSupported, "notImplemented UNIMPLEMENTED"),
        new(Conflict, "resourceInUse conditionNotMet FAILED_PRECONDITION"),
        new(PayloadTooLarge, "responseTooLarge"),
        new(Cancelled, "stopped CANCELLED", Permanent),
        new(FaultKind.Timeout, "timeout DEADLINE_EXCEEDED", Permanent),
    ],
    HttpCodes.Row, "google googlecloud bigquery spanner gcs");
}
