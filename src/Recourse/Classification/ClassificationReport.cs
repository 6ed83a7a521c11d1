namespace Recourse;

/// <summary>
/// A classification with everything that follows from it, for people and for <c>recourse classify</c>: the answer to "why is it treated
/// so".
/// </summary>
public sealed record ClassificationReport
{
    /// <summary>The classification itself.</summary>
    public required Classification Classification { get; init; }

    /// <summary>How bad it is for a service of normal importance.</summary>
    public required Severity Severity { get; init; }

    /// <summary>What happened.</summary>
    public FaultKind Kind => Classification.Kind;

    /// <summary>Whose problem it is.</summary>
    public FaultCategory Category => Classification.Category;

    /// <summary>Whether it passes by itself.</summary>
    public Persistence Persistence => Classification.Persistence;

    /// <summary>Whether the service asks for less load.</summary>
    public bool Throttling => Classification.Throttling;

    /// <summary>What a retry has to run again.</summary>
    public RetryScope Scope => Classification.Scope;

    /// <summary>Whether the effect may have happened.</summary>
    public Applied Applied => Classification.Applied;

    /// <summary>Whether it speaks against the service or the message.</summary>
    public Blame Blame => Classification.Blame;

    /// <summary>Why.</summary>
    public string Evidence => Classification.Evidence;
}
