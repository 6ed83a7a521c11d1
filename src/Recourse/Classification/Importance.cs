namespace Recourse;

/// <summary>How much depends on a service. Together with the kind of a fault it makes the severity.</summary>
public enum Importance
{
    /// <summary>The default: severity is that of the kind.</summary>
    Normal = 0,
    /// <summary>Nobody waits for it: one step milder.</summary>
    Low,
    /// <summary>Work stops soon without it: one step graver.</summary>
    High,
    /// <summary>The system is of no use without it: two steps graver.</summary>
    Critical,
}

/// <summary>Severity as a policy: kind of fault × importance of the service.</summary>
public static class Severities
{
    /// <summary>
    /// How bad a fault of this kind is. At normal importance: critical where the system cannot go on (memory or disk gone), high where a
    /// component must restart or a person must look, medium where a retry with backoff is the answer, low where logging is, info where
    /// nothing
    /// is wrong with the system at all.
    /// </summary>
    /// <param name="kind">What happened.</param>
    /// <param name="importance">How much depends on the service; default normal.</param>
    public static Severity Severity(this FaultKind kind, Importance importance = Importance.Normal)
    {
        var normal = Normal(kind);
        // What is for information only stays so: a cancelled call harms no service, however important.
        if (normal == Recourse.Severity.Info) return normal;
        var step = importance switch { Importance.Low => -1, Importance.High => 1, Importance.Critical => 2, _ => 0 };
        return (Severity)Math.Clamp((int)normal + step, (int)Recourse.Severity.Low, (int)Recourse.Severity.Critical);
    }

    private static Severity Normal(FaultKind kind) => kind switch
    {
        FaultKind.OutOfMemory or FaultKind.DiskFull => Recourse.Severity.Critical,
        FaultKind.ProcessCrashed or FaultKind.DatabaseDown or FaultKind.FileSystemError or FaultKind.TooManyOpenFiles
            or FaultKind.ConfigurationError or FaultKind.PoisonMessage or FaultKind.OutcomeUnknown or FaultKind.TlsFailure
            or FaultKind.Unauthorized or FaultKind.Forbidden => Recourse.Severity.High,
        FaultKind.Cancelled or FaultKind.DuplicateRequest => Recourse.Severity.Info,
        _ => kind.Category() is FaultCategory.Data or FaultCategory.Business || kind is FaultKind.DbSyntaxError or FaultKind.NotSupported
            ? Recourse.Severity.Low
            : Recourse.Severity.Medium,
    };
}
