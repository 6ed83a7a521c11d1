namespace Recourse;

/// <summary>
/// The answer of the classifier to one failure: what happened, will it pass, what must be run again, may it have taken effect.
/// Immutable and shared: the classifier hands out the same instance for the same (family, code), so classifying a typed fault allocates
/// nothing.
/// </summary>
public sealed record Classification
{
    /// <summary>What happened.</summary>
    public required FaultKind Kind { get; init; }

    /// <summary>Whether it passes by itself.</summary>
    public required Persistence Persistence { get; init; }

    /// <summary>What a retry has to run again.</summary>
    public required RetryScope Scope { get; init; }

    /// <summary>Whether the effect may have happened.</summary>
    public required Applied Applied { get; init; }

    /// <summary>Whether the fault speaks against the service or against the message.</summary>
    public required Blame Blame { get; init; }

    /// <summary>Whether the service asks for less load: the wait should be longer, and the retry costs more of the budget.</summary>
    public bool Throttling { get; init; }

    /// <summary>Why: the rule or fact that decided, for example <c>http 503</c> or <c>text "deadlock"</c>.</summary>
    public required string Evidence { get; init; }

    /// <summary>The family of the code that decided (http, postgres, socket …); null when no code did.</summary>
    public string? Family { get; init; }

    /// <summary>The code that decided, as its family writes it (503, 40P01, ConnectionRefused); null when none did.</summary>
    public string? Code { get; init; }

    /// <summary>Whose problem it is; follows from <see cref="Kind"/>.</summary>
    public FaultCategory Category => Kind.Category();

    /// <summary>The classification of a failure about which nothing is known.</summary>
    public static Classification Unknown { get; } = new()
    {
        Kind = FaultKind.Unknown,
        Persistence = Persistence.Unknown,
        Scope = RetryScope.Call,
        Applied = Applied.Maybe,
        Blame = Blame.Unknown,
        Evidence = "nothing known",
    };
}
