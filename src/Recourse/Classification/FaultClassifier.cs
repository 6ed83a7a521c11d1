namespace Recourse;

/// <summary>
/// Turns a failure into a <see cref="Classification"/>. Evidence in order: explicit rules of the user, typed facts, exception types through
/// the inner chain, text rules, unknown. Immutable and safe from any thread.
/// </summary>
public sealed partial class FaultClassifier
{
    /// <summary>The classifier with the built-in table and no rule of the user.</summary>
    public static FaultClassifier Default { get; } = new();
}
