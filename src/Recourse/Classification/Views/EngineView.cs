namespace Recourse.Views;

/// <summary>What an integration engine distinguishes.</summary>
public enum EngineCategory
{
    /// <summary>May resolve itself: network timeouts, a service that is away, resource constraints, rate limiting.</summary>
    Transient = 0,
    /// <summary>Needs intervention: invalid format, authentication, authorization, business rules.</summary>
    Permanent,
    /// <summary>Needs attention at once: database connections, file system, memory, unhandled exceptions.</summary>
    System,
}

/// <summary>Faults as an integration engine sees them: transient, permanent, system.</summary>
public static class EngineView
{
    /// <summary>The category of a kind. What nobody classified is an unhandled exception, and so the system's.</summary>
    public static EngineCategory CategoryOf(FaultKind kind) => kind switch
    {
        FaultKind.DbConnectionLost or FaultKind.DatabaseDown or FaultKind.FileSystemError or FaultKind.DiskFull or FaultKind.OutOfMemory
            or FaultKind.ProcessCrashed => EngineCategory.System,
        _ => KindTable.BuiltIn[kind].Persistence switch
        {
            Persistence.Transient => EngineCategory.Transient,
            Persistence.Permanent => EngineCategory.Permanent,
            _ => EngineCategory.System,
        },
    };
}
