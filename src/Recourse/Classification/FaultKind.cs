namespace Recourse;

/// <summary>
/// What happened. Stored and shown by its snake-case name (<see cref="FaultKinds.Name"/>), never by its number, so members may be
/// added anywhere.
/// </summary>
public enum FaultKind
{
    /// <summary>Nothing is known about the failure.</summary>
    Unknown = 0,

    /// <summary>No connection came about in time.</summary>
    ConnectionTimeout,
    /// <summary>The other side, or a machine on the way, refused the connection.</summary>
    ConnectionRefused,
    /// <summary>An established connection was cut.</summary>
    ConnectionReset,
    /// <summary>The host name could not be resolved.</summary>
    DnsResolution,
    /// <summary>No route to the host or network.</summary>
    NetworkUnreachable,
    /// <summary>The TLS handshake or the certificate failed.</summary>
    TlsFailure,

    /// <summary>An operation took longer than it was given.</summary>
    Timeout,
    /// <summary>The deadline of the whole call passed, or the next attempt could not have met it.</summary>
    DeadlineExceeded,

    /// <summary>The caller sends more than the service accepts.</summary>
    RateLimitExceeded,
    /// <summary>The service says that it cannot serve now.</summary>
    ServiceUnavailable,
    /// <summary>A gateway had a bad answer from the service behind it.</summary>
    BadGateway,
    /// <summary>A gateway had no answer in time from the service behind it.</summary>
    GatewayTimeout,
    /// <summary>The service failed inside (HTTP 500 and its like).</summary>
    InternalError,
    /// <summary>The request is malformed.</summary>
    BadRequest,
    /// <summary>Who is calling is not known: credentials are missing, wrong or expired.</summary>
    Unauthorized,
    /// <summary>The caller is known and may not do this.</summary>
    Forbidden,
    /// <summary>What the request names does not exist.</summary>
    NotFound,
    /// <summary>The state of the target does not allow this now; read it again first.</summary>
    Conflict,
    /// <summary>The request is larger than the service takes.</summary>
    PayloadTooLarge,
    /// <summary>The service does not implement what was asked.</summary>
    NotSupported,

    /// <summary>The connection to the database was lost.</summary>
    DbConnectionLost,
    /// <summary>The database is down, starting, stopping or failing over.</summary>
    DatabaseDown,
    /// <summary>The transaction was chosen as the victim of a deadlock.</summary>
    DbDeadlock,
    /// <summary>A lock was not granted in time, or the database is busy with another writer.</summary>
    DbLockTimeout,
    /// <summary>The transaction could not be serialised with others; run the whole of it again.</summary>
    DbSerializationFailure,
    /// <summary>The statement breaks a constraint.</summary>
    DbConstraintViolation,
    /// <summary>The statement is wrong, or names what is not there.</summary>
    DbSyntaxError,

    /// <summary>The data breaks a rule of its format or schema.</summary>
    ValidationError,
    /// <summary>A required field is missing.</summary>
    MissingField,
    /// <summary>A value has the wrong type or does not convert.</summary>
    TypeMismatch,
    /// <summary>A rule of the business forbids it.</summary>
    BusinessRuleViolation,
    /// <summary>There is not enough money or credit.</summary>
    InsufficientFunds,
    /// <summary>The same request was served before.</summary>
    DuplicateRequest,

    /// <summary>Memory ran out.</summary>
    OutOfMemory,
    /// <summary>The disk, or the quota on it, is full.</summary>
    DiskFull,
    /// <summary>The process has no free file descriptor.</summary>
    TooManyOpenFiles,
    /// <summary>Another limit of the system was reached.</summary>
    ResourceLimit,
    /// <summary>A file could not be read or written.</summary>
    FileSystemError,
    /// <summary>A process ended before it answered.</summary>
    ProcessCrashed,
    /// <summary>Something is configured wrongly.</summary>
    ConfigurationError,
    /// <summary>The source says that it will pass and says no more.</summary>
    TemporaryFailure,

    /// <summary>A circuit breaker of ours is open; the service was not called.</summary>
    CircuitOpen,
    /// <summary>A bulkhead of ours has no room; the service was not called.</summary>
    BulkheadFull,
    /// <summary>The message ends the process that handles it.</summary>
    PoisonMessage,
    /// <summary>The effect may have happened, and the operation may not be repeated to find out.</summary>
    OutcomeUnknown,
    /// <summary>The caller gave up.</summary>
    Cancelled,
}
