namespace Recourse.Views;

/// <summary>
/// Faults as a composition of strategies sees them: two lists of exception types, one worth a retry and one not. Kinds take the place of
/// the
/// types, so a list does not have to know every library.
/// </summary>
public static class StrategyView
{
    /// <summary>Whether a kind belongs on the list of those worth a retry: connection, timeout, service unavailable, rate limit and their
    /// like.</summary>
    public static bool IsTransient(FaultKind kind) => KindTable.BuiltIn[kind].Persistence == Persistence.Transient;

    /// <summary>Whether a kind belongs on the list of those not worth one: wrong value, wrong type, authentication, not found and their
    /// like.</summary>
    public static bool IsPermanent(FaultKind kind) => KindTable.BuiltIn[kind].Persistence == Persistence.Permanent;
}
