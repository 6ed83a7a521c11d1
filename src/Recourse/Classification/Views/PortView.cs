namespace Recourse.Views;

/// <summary>What a system of components and ports distinguishes, to route recovery.</summary>
public enum PortCategory
{
    /// <summary>Temporary; a retry is likely to succeed.</summary>
    Transient = 0,
    /// <summary>Will not succeed on a retry.</summary>
    Permanent,
    /// <summary>Bad data that makes its handler fail.</summary>
    Poison,
    /// <summary>A resource is exhausted.</summary>
    Resource,
    /// <summary>An operation took too long.</summary>
    Timeout,
    /// <summary>Data does not validate.</summary>
    Validation,
    /// <summary>A port or the network.</summary>
    Communication,
    /// <summary>A service outside.</summary>
    Dependency,
}

/// <summary>Faults as a system of components and ports sees them: eight categories, with the severity from <see
/// cref="Severities"/>.</summary>
public static class PortView
{
    /// <summary>The category of a kind. What is not known is not retried there, and so counts as permanent.</summary>
    public static PortCategory CategoryOf(FaultKind kind) => kind switch
    {
        FaultKind.TemporaryFailure or FaultKind.DbDeadlock or FaultKind.DbSerializationFailure or FaultKind.DbLockTimeout =>
            PortCategory.Transient,
        FaultKind.ProcessCrashed => PortCategory.Dependency,
        FaultKind.FileSystemError => PortCategory.Resource,
        _ => kind.Category() switch
        {
            FaultCategory.Communication => PortCategory.Communication,
            FaultCategory.Timeout => PortCategory.Timeout,
            FaultCategory.Dependency => PortCategory.Dependency,
            FaultCategory.Resource => PortCategory.Resource,
            FaultCategory.Data => PortCategory.Validation,
            FaultCategory.Poison => PortCategory.Poison,
            _ => PortCategory.Permanent,
        },
    };
}
