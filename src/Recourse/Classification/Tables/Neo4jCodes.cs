using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>
/// Neo4j status codes. They say themselves whether they pass (Neo.TransientError) or not, but for five that its drivers treat otherwise; a
/// few name what happened more closely.
/// </summary>
internal static class Neo4jCodes
{
    internal static readonly CodeFamily Family = new("neo4j",
    [
        new(DbDeadlock, "Neo.TransientError.Transaction.DeadlockDetected"),
        new(DbLockTimeout, "Neo.TransientError.Transaction.LockAcquisitionTimeout"),
        // The client itself, or a person, has ended the transaction.
        new(Cancelled, "Neo.TransientError.Transaction.LockClientStopped Neo.TransientError.Transaction.Terminated", Permanent),
        // The drivers drop the connection and ask another server, or ask again with a new one.
        new(ServiceUnavailable, "Neo.ClientError.Cluster.NotALeader Neo.ClientError.General.ForbiddenOnReadOnlyDatabase",
            Applied: Applied.No),
        new(Unauthorized, "Neo.ClientError.Security.AuthorizationExpired", Transient, Scope: RetryScope.Call, Applied: Applied.No),
        new(DbSerializationFailure, "Neo.TransientError.Transaction.Outdated Neo.TransientError.Transaction.ConstraintsChanged"),
        new(OutOfMemory, "Neo.TransientError.General.OutOfMemoryError Neo.TransientError.General.MemoryPoolOutOfMemoryError " +
            "Neo.TransientError.General.TransactionOutOfMemoryError Neo.TransientError.General.StackOverFlowError", Applied: Applied.No),
        new(DatabaseDown, "Neo.TransientError.General.DatabaseUnavailable Neo.TransientError.Database.DatabaseUnavailable"),
        new(ResourceLimit, "Neo.TransientError.Request.NoThreadsAvailable " +
            "Neo.TransientError.Transaction.MaximumTransactionLimitReached"),
        new(DbConstraintViolation, "Neo.ClientError.Schema.ConstraintValidationFailed Neo.ClientError.Schema.ConstraintViolation"),
        new(Unauthorized, "Neo.ClientError.Security.Unauthorized Neo.ClientError.Security.CredentialsExpired " +
            "Neo.ClientError.Security.TokenExpired"),
        new(Forbidden, "Neo.ClientError.Security.Forbidden"),
        new(NotFound, "Neo.ClientError.Statement.EntityNotFound Neo.ClientError.Database.DatabaseNotFound"),
        new(TypeMismatch, "Neo.ClientError.Statement.TypeError"),
        new(MissingField, "Neo.ClientError.Statement.ParameterMissing"),
        new(FaultKind.Timeout, "Neo.ClientError.Transaction.TransactionTimedOut", Permanent),
    ],
    ByClass, "cypher bolt");

    private static CodeRow? ByClass(string code)
    {
        return Starts("Neo.TransientError.") ? new(TemporaryFailure, code)
            : Starts("Neo.ClientError.Security.") ? new(Forbidden, code)
            : Starts("Neo.ClientError.Statement.") ? new(DbSyntaxError, code)
            : Starts("Neo.ClientError.Schema.") ? new(Conflict, code)
            : Starts("Neo.ClientError.") ? new(BadRequest, code)
            : Starts("Neo.DatabaseError.") ? new(InternalError, code, Permanent)
            : null;

        bool Starts(string prefix) => code.StartsWith(prefix, StringComparison.OrdinalIgnoreCase);
    }
}
