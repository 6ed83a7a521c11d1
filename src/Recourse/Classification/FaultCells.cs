namespace Recourse;

/// <summary>
/// The cells of the fault table that a program may set for a kind, a code, an exception type or a phrase. A cell that stays null keeps the
/// value that the table has. Where only <see cref="Persistence"/> is set, the scope follows: permanent means never, anything else a call.
/// </summary>
public sealed record FaultCells
{
    /// <summary>What happened; null keeps the table's kind. Needed where the table has no row yet.</summary>
    public FaultKind? Kind { get; init; }

    /// <summary>Whether it passes by itself; null keeps the value of the row or kind.</summary>
    public Persistence? Persistence { get; init; }

    /// <summary>What a retry has to run again; null keeps the value of the row or kind, or follows <see cref="Persistence"/>.</summary>
    public RetryScope? Scope { get; init; }

    /// <summary>Whether the effect may have happened; null keeps the value of the row or kind.</summary>
    public Applied? Applied { get; init; }

    /// <summary>Whether it speaks against the service or the message; null keeps the value of the row or kind.</summary>
    public Blame? Blame { get; init; }

    /// <summary>Whether the service asks for less load; null keeps the value of the row or kind.</summary>
    public bool? Throttling { get; init; }

    /// <summary>These cells, and below them, for those that are null, the cells of <paramref name="lower"/>.</summary>
    internal FaultCells Over(FaultCells lower) => new()
    {
        Kind = Kind ?? lower.Kind,
        Persistence = Persistence ?? lower.Persistence,
        // A scope given lower down was meant for the persistence given there.
        Scope = Scope ?? (Persistence is null || Persistence == lower.Persistence ? lower.Scope : null),
        Applied = Applied ?? lower.Applied,
        Blame = Blame ?? lower.Blame,
        Throttling = Throttling ?? lower.Throttling,
    };
}
