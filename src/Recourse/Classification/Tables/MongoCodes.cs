using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>MongoDB server error codes. A code that is not listed stays: the server marks what passes.</summary>
internal static class MongoCodes
{
    internal static readonly CodeFamily Family = new("mongodb",
    [
        new(ConnectionRefused, "6=HostUnreachable"),
        new(DnsResolution, "7=HostNotFound"),
        new(ConnectionTimeout, "89=NetworkTimeout", Applied: Applied.Maybe),
        new(ConnectionReset, "9001=SocketException 384=ConnectionError"),
        new(DatabaseDown, "91=ShutdownInProgress 189=PrimarySteppedDown 11600=InterruptedAtShutdown " +
            "11602=InterruptedDueToReplStateChange 10058=LegacyNotPrimary 10107=NotWritablePrimary 13435=NotPrimaryNoSecondaryOk " +
            "13436=NotPrimaryOrSecondary", Applied: Applied.Maybe),
        new(FaultKind.Timeout, "262=ExceededTimeLimit"),
        new(ResourceLimit, "317=ConnectionPoolExpired 402=ResourceExhausted 407=PooledConnectionAcquisitionExceededTimeLimit"),
        new(TemporaryFailure, "134=ReadConcernMajorityNotAvailableYet 358=InternalTransactionNotSupported " +
            "406=MigrationBlockingOperationCoordinatorCleaningUp 412=UpdatesStillPending 365=TemporarilyUnavailable", Applied: Applied.No),
        new(RateLimitExceeded, "433=AdmissionQueueOverflow 449=RateLimitExceeded 462=IngressRequestRateLimitExceeded " +
            "SystemOverloadedError"),
        new(DbSerializationFailure, "112=WriteConflict 246=SnapshotUnavailable 251=NoSuchTransaction"),
        new(DbLockTimeout, "24=LockTimeout 46=LockBusy 117=ConflictingOperationInProgress"),
        // The write happened on the primary; only its spreading was not confirmed in time.
        new(FaultKind.Timeout, "64=WriteConcernTimeout=WriteConcernFailed", Persistence.Unknown, Applied: Applied.Yes),
        new(FaultKind.Timeout, "50=MaxTimeMSExpired", Permanent),
        new(Cancelled, "11601=Interrupted", Permanent),
        new(DbConstraintViolation, "11000=DuplicateKey 121=DocumentValidationFailure 66=ImmutableField"),
        new(Unauthorized, "18=AuthenticationFailed 11=UserNotFound"),
        new(Forbidden, "13=Unauthorized 31=RoleNotFound"),
        new(NotFound, "26=NamespaceNotFound 27=IndexNotFound 43=CursorNotFound"),
        new(TypeMismatch, "14=TypeMismatch 241=ConversionFailure"),
        new(ValidationError, "2=BadValue 9=FailedToParse 22=InvalidBSON 40=ConflictingUpdateOperators"),
        new(DbSyntaxError, "59=CommandNotFound 168=InvalidPipelineOperator 72=InvalidOptions 73=InvalidNamespace 20=IllegalOperation"),
        new(NotSupported, "115=CommandNotSupported 238=NotImplemented"),
        new(Conflict, "48=NamespaceExists 85=IndexOptionsConflict 86=IndexKeySpecsConflict 67=CannotCreateIndex"),
        new(ConfigurationError, "140=InvalidSSLConfiguration"),
        new(OutOfMemory, "146=ExceededMemoryLimit", Permanent),
        new(PayloadTooLarge, "257=TransactionTooLarge 10334=BSONObjectTooLarge"),
        new(FileSystemError, "301=DataCorruptionDetected", Permanent),
    ],
    code => new CodeRow(FaultKind.Unknown, code, Permanent), "mongo documentdb");
}
