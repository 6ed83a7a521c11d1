using System.Collections.ObjectModel;

namespace Recourse;

/// <summary>How often a failed call is tried again, how patiently, and after which faults.</summary>
public sealed record RetryOptions
{
    /// <summary>
    /// Most attempts, the first included. Default null: <see cref="RetryPolicy.For"/> decides by the fault (4 for a transient one, 3 for a
    /// timeout, 6 for a resource that ran out, 3 for an unknown one, 1 for a permanent one). From 1 (never retried) to int.MaxValue. A
    /// number here holds for every fault that may pass, or of which that is not known.
    /// </summary>
    public int? MaxAttempts { get; init; }

    /// <summary>The waits between attempts. Default null: <see cref="RetryPolicy.For"/> decides by the fault.</summary>
    public Backoff? Backoff { get; init; }

    /// <summary>
    /// Attempts and waits for single kinds; they come before everything else. Default null: none. Kinds named count as repeatable.
    /// </summary>
    public IReadOnlyDictionary<FaultKind, RetryPolicy>? ByKind { get; init; }

    /// <summary>Attempts and waits for categories; they come after <see cref="ByKind"/>. Default null: none.</summary>
    public IReadOnlyDictionary<FaultCategory, RetryPolicy>? ByCategory { get; init; }

    /// <summary>
    /// Only these kinds are retried, and they count as repeatable whatever is known of their effect. Default null (with
    /// <see cref="RetryOnCategories"/>): what may pass is retried.
    /// </summary>
    public IReadOnlyCollection<FaultKind>? RetryOn { get; init; }

    /// <summary>
    /// Only kinds of these categories (and those in <see cref="RetryOn"/>) are retried, and they count as repeatable. Default null.
    /// </summary>
    public IReadOnlyCollection<FaultCategory>? RetryOnCategories { get; init; }

    /// <summary>
    /// Whether running the operation twice does no harm. Default false: a fault after which the effect may have happened ends the call.
    /// <see cref="RecoveryContext.Repeatable"/> says it for one call.
    /// </summary>
    public bool Repeatable { get; init; }

    /// <summary>
    /// What one attempt runs again. Default <see cref="RetryScope.Call"/>: a deadlock is then not retried, since the transaction around the
    /// call is gone. <see cref="RetryScope.Transaction"/> where the operation is the whole transaction, <see cref="RetryScope.Reread"/>
    /// where it reads its input anew. Never is not allowed.
    /// </summary>
    public RetryScope Scope { get; init; } = RetryScope.Call;

    /// <summary>No attempt begins later than this after the first one. Default null: no limit. More than zero, up to 49 days.</summary>
    public TimeSpan? MaxTotalTime { get; init; }

    /// <summary>
    /// The least time that an attempt needs. Default zero. An attempt that would have less before the deadline is not begun. Up to 49 days.
    /// </summary>
    public TimeSpan AttemptTime { get; init; }

    /// <summary>
    /// The longest wait that a service may ask for (Retry-After); longer ones are cut to it. Default 30 s; up to 49 days.
    /// </summary>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest wait that <see cref="Delay"/> may ask for; longer ones are cut to it. Default 30 s; up to 49 days.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The budget that retries are paid from; give several pipelines the same one and they share it. Default null: one of its own, which
    /// allows 20 % of the calls and 10 a second. See <see cref="UnlimitedBudget"/>.
    /// </summary>
    public RetryBudget? Budget { get; init; }

    /// <summary>The bounds of a budget of its own. Default null: those of <see cref="RetryBudgetOptions"/>.</summary>
    public RetryBudgetOptions? BudgetOptions { get; init; }

    /// <summary>Whether retries are free. Default false. When a service is down, free retries multiply its load.</summary>
    public bool UnlimitedBudget { get; init; }

    /// <summary>
    /// Answers whether to retry, before every other rule but the number of attempts, the deadline and the budget. Null, its answer or the
    /// function, leaves it to the rules. If it throws it has no opinion.
    /// </summary>
    public Func<RetryQuestion, bool?>? ShouldRetry { get; init; }

    /// <summary>
    /// Answers how long to wait; negative counts as zero, longer than <see cref="MaxDelay"/> as that. Null, its answer or the function,
    /// leaves it to the backoff. If it throws it has no opinion.
    /// </summary>
    public Func<RetryQuestion, TimeSpan?>? Delay { get; init; }

    /// <summary>Told before each wait, on the thread of the call. What it throws is logged and changes nothing. Default null.</summary>
    public Action<RetryScheduled>? OnRetry { get; init; }

    /// <summary>Told when a failed call is given up. What it throws is logged and changes nothing. Default null.</summary>
    public Action<RetryStopped>? OnGivingUp { get; init; }

    internal static RetryOptions Default { get; } = new();

    internal RetryOptions Checked()
    {
        const string at = nameof(RetryOptions) + ".";
        Check.Range(at + nameof(MaxAttempts), MaxAttempts ?? 1, 1, int.MaxValue);
        Backoff?.Checked();
        foreach (var (kind, policy) in ByKind ?? ReadOnlyDictionary<FaultKind,
            RetryPolicy>.Empty) policy.Checked($"{at}{nameof(ByKind)}[{kind}]");
        foreach (var (category, policy) in ByCategory ?? ReadOnlyDictionary<FaultCategory, RetryPolicy>.Empty)
            policy.Checked($"{at}{nameof(ByCategory)}[{category}]");
        Check.Defined(at + nameof(Scope), Scope);
        Check.That(Scope != RetryScope.Never,
            $"{at}{nameof(Scope)} is Never; it must be Call, Transaction or Reread. To turn retrying off set MaxAttempts to 1.");
        Check.Range(at + nameof(MaxTotalTime), MaxTotalTime ?? Durations.TimerMax, TimeSpan.FromTicks(1), Durations.TimerMax);
        Check.Range(at + nameof(AttemptTime), AttemptTime, TimeSpan.Zero, Durations.TimerMax);
        Check.Range(at + nameof(MaxRetryAfter), MaxRetryAfter, TimeSpan.Zero, Durations.TimerMax);
        Check.Range(at + nameof(MaxDelay), MaxDelay, TimeSpan.Zero, Durations.TimerMax);
        Check.That(!UnlimitedBudget || (Budget is null && BudgetOptions is null),
            $"{at}{nameof(Budget)} or {nameof(BudgetOptions)} is set; with {nameof(UnlimitedBudget)} it would never be asked.");
        Check.That(Budget is null || BudgetOptions is null,
            $"{at}{nameof(BudgetOptions)} is set; a {nameof(Budget)} that is given has its own.");
        BudgetOptions?.Checked();
        return this;
    }
}

/// <summary>A failed attempt, for functions that answer.</summary>
/// <param name="Attempt">How many attempts have been made.</param>
/// <param name="Classification">What the failure was.</param>
/// <param name="Exception">The exception; null when a result was judged a failure or a strategy refused the attempt.</param>
/// <param name="Context">What the caller said about the call.</param>
public readonly record struct RetryQuestion(int Attempt, Classification Classification, Exception? Exception, RecoveryContext Context);

/// <summary>An attempt that failed and will be followed by another.</summary>
/// <param name="Attempt">How many attempts have been made.</param>
/// <param name="Delay">The wait that begins now.</param>
/// <param name="Classification">What the failure was.</param>
/// <param name="Exception">The exception; null when a result was judged a failure or a strategy refused the attempt.</param>
/// <param name="Context">What the caller said about the call.</param>
public readonly record struct RetryScheduled(
    int Attempt, TimeSpan Delay, Classification Classification, Exception? Exception, RecoveryContext Context);

/// <summary>A failed call that is not tried again.</summary>
/// <param name="Attempt">How many attempts have been made.</param>
/// <param name="Reason">Why not.</param>
/// <param name="Classification">What the last failure was.</param>
/// <param name="Exception">The exception that the caller gets; null when it gets a result or a refusal.</param>
/// <param name="Context">What the caller said about the call.</param>
public readonly record struct RetryStopped(
    int Attempt, RetryStop Reason, Classification Classification, Exception? Exception, RecoveryContext Context);
