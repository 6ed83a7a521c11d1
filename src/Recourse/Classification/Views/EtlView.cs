namespace Recourse.Views;

/// <summary>What an ETL pipeline distinguishes.</summary>
public enum EtlCategory
{
    /// <summary>Matches nothing else.</summary>
    Unknown = 0,
    /// <summary>Timeouts, lost connections, lock timeouts, temporary failures.</summary>
    Transient,
    /// <summary>Invalid configuration, missing credentials, missing permissions.</summary>
    Configuration,
    /// <summary>Constraint violations, invalid formats, type mismatches.</summary>
    Data,
    /// <summary>Exhausted resources and infrastructure: memory, disk, database down.</summary>
    System,
}

/// <summary>A row of the retry decision matrix.</summary>
/// <param name="Retry">Whether to try again at all.</param>
/// <param name="RetriesMax">Retries after the first attempt; null where only a budget or an age ends them.</param>
public sealed record EtlDecision(bool Retry, int? RetriesMax);

/// <summary>Faults as an ETL pipeline sees them, with its decision matrix.</summary>
public static class EtlView
{
    /// <summary>The retries of an unknown error where a pipeline sets no other number.</summary>
    public const int DefaultRetries = 3;

    /// <summary>The category of a kind.</summary>
    public static EtlCategory CategoryOf(FaultKind kind) => kind switch
    {
        FaultKind.OutOfMemory or FaultKind.DiskFull or FaultKind.TooManyOpenFiles or FaultKind.ResourceLimit or FaultKind.FileSystemError
            or FaultKind.ProcessCrashed or FaultKind.DatabaseDown => EtlCategory.System,
        FaultKind.Unknown or FaultKind.Cancelled or FaultKind.OutcomeUnknown => EtlCategory.Unknown,
        _ => kind.Category() switch
        {
            FaultCategory.Security or FaultCategory.Configuration => EtlCategory.Configuration,
            FaultCategory.Data or FaultCategory.Business or FaultCategory.Poison => EtlCategory.Data,
            _ => EtlCategory.Transient,
        },
    };

    /// <summary>The matrix: transient without limit, configuration and data never, system at most twice, unknown as often as is
    /// usual.</summary>
    public static EtlDecision DecisionFor(EtlCategory category) => category switch
    {
        EtlCategory.Transient => new(true, null),
        EtlCategory.System => new(true, 2),
        EtlCategory.Unknown => new(true, DefaultRetries),
        _ => new(false, 0),
    };
}
