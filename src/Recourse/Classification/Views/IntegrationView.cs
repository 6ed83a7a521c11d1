namespace Recourse.Views;

/// <summary>
/// Faults as distributed integration sees them: 23 error types, each transient or permanent, and unknown for the rest. A kind outside the
/// 23
/// is shown as the one of them that is handled in the same way.
/// </summary>
public static class IntegrationView
{
    /// <summary>The error type of a kind, itself one of the 23; null for what that view calls unknown.</summary>
    public static FaultKind? TypeOf(FaultKind kind) => kind switch
    {
        FaultKind.Timeout or FaultKind.DeadlineExceeded => FaultKind.ConnectionTimeout,
        FaultKind.ConnectionReset => FaultKind.ConnectionRefused,
        FaultKind.BadGateway or FaultKind.InternalError or FaultKind.CircuitOpen or FaultKind.TemporaryFailure =>
            FaultKind.ServiceUnavailable,
        FaultKind.BulkheadFull => FaultKind.RateLimitExceeded,
        FaultKind.PayloadTooLarge or FaultKind.NotSupported => FaultKind.BadRequest,
        FaultKind.TlsFailure => FaultKind.ConfigurationError,
        FaultKind.DatabaseDown => FaultKind.DbConnectionLost,
        FaultKind.DbLockTimeout or FaultKind.DbSerializationFailure => FaultKind.DbDeadlock,
        FaultKind.MissingField or FaultKind.TypeMismatch or FaultKind.PoisonMessage => FaultKind.ValidationError,
        FaultKind.Conflict => FaultKind.BusinessRuleViolation,
        FaultKind.TooManyOpenFiles or FaultKind.ResourceLimit => FaultKind.OutOfMemory,
        FaultKind.FileSystemError => FaultKind.DiskFull,
        FaultKind.Unknown or FaultKind.Cancelled or FaultKind.OutcomeUnknown => null,
        _ => kind,
    };

    /// <summary>Transient, permanent or unknown, as that view fixes it for each type.</summary>
    public static Persistence CategoryOf(FaultKind kind) =>
        TypeOf(kind) is { } type ? KindTable.BuiltIn[type].Persistence : Persistence.Unknown;
}
