using System.Collections.Frozen;

namespace Recourse;

/// <summary>Why a failed call is not tried again.</summary>
public enum RetryStop
{
    /// <summary>It is tried again.</summary>
    None = 0,
    /// <summary>The fault stays, or is not among those to retry.</summary>
    NotRetryable,
    /// <summary>All attempts were made.</summary>
    AttemptsUsedUp,
    /// <summary>The effect may have happened, and nobody says that the operation is repeatable.</summary>
    NotRepeatable,
    /// <summary>More than the call has to be run again: the transaction, or the reading of its input.</summary>
    LargerScope,
    /// <summary>The circuit is open for longer than the call may wait.</summary>
    CircuitOpen,
    /// <summary>The next attempt would begin, or need to end, after the deadline.</summary>
    Deadline,
    /// <summary>The retry budget is spent.</summary>
    Budget,
    /// <summary>A function of yours said so.</summary>
    Told,
    /// <summary>The attempts of all layers together are used up.</summary>
    TotalAttempts,
}

/// <summary>What is known when the decision is made.</summary>
internal readonly record struct RetryFacts(
    Classification Classification, TimeSpan? RetryAfter, int Attempts, TimeSpan Previous, TimeSpan? Remaining,
    int? MaxAttempts, bool Repeatable, bool NotApplied, bool? Told, TimeSpan? ToldDelay, double Sample,
    bool ScheduleFailed = false);

/// <summary>What to do about a failed attempt.</summary>
internal readonly record struct RetryDecision(RetryStop Stop, TimeSpan Delay, int MaxAttempts)
{
    internal bool Again => Stop == RetryStop.None;
}

/// <summary>The rules of <see cref="RetryOptions"/> as a pure function; only the budget is asked later, when all else says yes.</summary>
internal sealed class RetryRules(RetryOptions options)
{
    private readonly FrozenSet<FaultKind>? _kinds = options.RetryOn?.ToFrozenSet();
    private readonly FrozenSet<FaultCategory>? _categories = options.RetryOnCategories?.ToFrozenSet();

    internal RetryDecision Decide(in RetryFacts facts)
    {
        var fault = facts.Classification;
        var named = Names(fault);
        var policy = PolicyFor(fault, named);
        var most = facts.MaxAttempts ?? policy.MaxAttempts;
        if (facts.Told == false) return Stop(RetryStop.Told, most);
        if (facts.Told is null && Refusal(fault, named, facts) is var refusal and not RetryStop.None) return Stop(refusal, most);
        if (facts.Told == true && most == 1 && facts.MaxAttempts is null) most = options.MaxAttempts ?? int.MaxValue;
        if (facts.Attempts >= most) return Stop(most == 1 && policy.MaxAttempts == 1
            ? RetryStop.NotRetryable : RetryStop.AttemptsUsedUp, most);
        var delay = DelayFor(policy, facts);
        if (facts.Remaining is not { } remaining) return new(RetryStop.None, delay, most);
        // A call that waits for a circuit may become its probe. With no time left it would fail, and keep the circuit open for all: so it
        // waits only if at least as much time remains afterwards.
        var needed = fault.Kind == FaultKind.CircuitOpen && delay > options.AttemptTime ? delay : options.AttemptTime;
        if (delay < remaining - needed) return new(RetryStop.None, delay, most);
        return Stop(fault.Kind == FaultKind.CircuitOpen ? RetryStop.CircuitOpen : RetryStop.Deadline, most);
    }

    private static RetryDecision Stop(RetryStop reason, int most) => new(reason, TimeSpan.Zero, most);

    private bool Names(Classification fault) =>
        _kinds?.Contains(fault.Kind) == true || _categories?.Contains(fault.Category) == true
            || options.ByKind?.ContainsKey(fault.Kind) == true;

    private RetryPolicy PolicyFor(Classification fault, bool named)
    {
        if (options.ByKind?.TryGetValue(fault.Kind, out var byKind) == true) return byKind;
        if (options.ByCategory?.TryGetValue(fault.Category, out var byCategory) == true) return byCategory;
        var table = RetryPolicy.For(fault);
        if (options.MaxAttempts is null && options.Backoff is null && table.MaxAttempts > 1) return table;
        // What is named is retried even where the table would not.
        var most = table.MaxAttempts == 1 && !named ? 1 : options.MaxAttempts ?? Math.Max(table.MaxAttempts, 3);
        return new RetryPolicy(most, options.Backoff ?? table.Backoff);
    }

    private RetryStop Refusal(Classification fault, bool named, in RetryFacts facts)
    {
        if ((_kinds is not null || _categories is not null) && !named) return RetryStop.NotRetryable;
        // Without a deadline nobody has said how long the call may wait for the circuit.
        if (fault.Kind == FaultKind.CircuitOpen && (facts.Remaining is null || facts.RetryAfter is null)) return RetryStop.CircuitOpen;
        if (named) return RetryStop.None;
        if (fault.Persistence == Persistence.Permanent
            && options.ByCategory?.ContainsKey(fault.Category) != true) return RetryStop.NotRetryable;
        if (!Covers(fault.Scope)) return fault.Scope == RetryScope.Never ? RetryStop.NotRetryable : RetryStop.LargerScope;
        return fault.Applied == Applied.No || facts.Repeatable || facts.NotApplied ? RetryStop.None : RetryStop.NotRepeatable;
    }

    // A transaction that runs again reads its input again.
    private bool Covers(RetryScope scope) => scope switch
    {
        RetryScope.Call => true,
        RetryScope.Transaction => options.Scope == RetryScope.Transaction,
        RetryScope.Reread => options.Scope is RetryScope.Transaction or RetryScope.Reread,
        _ => false,
    };

    private TimeSpan DelayFor(RetryPolicy policy, in RetryFacts facts)
    {
        if (facts.ToldDelay is { } told) return told < TimeSpan.Zero ? TimeSpan.Zero : told > options.MaxDelay ? options.MaxDelay : told;
        if (facts.Classification.Kind == FaultKind.CircuitOpen) return facts.RetryAfter ?? TimeSpan.Zero;
        var backoff = facts.ScheduleFailed ? null : policy.Backoff;
        var delay = (backoff ?? Backoff.Default).Delay(facts.Attempts, facts.Previous, facts.Sample);
        return Backoff.Honour(delay, facts.RetryAfter, options.MaxRetryAfter);
    }
}
