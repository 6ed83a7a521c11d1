namespace Recourse;

/// <summary>How often and how patiently one sort of fault is retried.</summary>
/// <param name="MaxAttempts">Most attempts, the first included; from 1 (never retried) to int.MaxValue.</param>
/// <param name="Backoff">The waits between them; null for <see cref="Recourse.Backoff.Default"/>.</param>
public sealed record RetryPolicy(int MaxAttempts, Backoff? Backoff = null)
{
    /// <summary>One attempt and no more.</summary>
    public static RetryPolicy Never { get; } = new(1);

    private static readonly Backoff Patient = Backoff.Exponential(TimeSpan.FromMilliseconds(100), max: TimeSpan.FromSeconds(5));
    private static readonly RetryPolicy Transient = new(4, Patient);
    private static readonly RetryPolicy Late = new(3, Backoff.Linear(TimeSpan.FromSeconds(1)) with { Jitter = JitterKind.Equal });
    private static readonly RetryPolicy Scarce = new(6, Backoff.Exponential(TimeSpan.FromSeconds(1)));
    private static readonly RetryPolicy Machine = new(2, Patient);
    private static readonly RetryPolicy Unclear = new(3, Patient);

    /// <summary>
    /// The policy for a fault when nobody says otherwise: permanent 1 attempt; timeout 3, linear from 1 s; resource 6, exponential from 1 s
    /// to 30 s; system 2; what else passes 4, exponential from 100 ms to 5 s; unknown 3. All with jitter.
    /// </summary>
    /// <param name="classification">The fault.</param>
    public static RetryPolicy For(Classification classification)
    {
        ArgumentNullException.ThrowIfNull(classification);
        if (classification.Persistence == Persistence.Permanent) return Never;
        return classification.Category switch
        {
            FaultCategory.Timeout => Late,
            FaultCategory.Resource => Scarce,
            FaultCategory.System => Machine,
            FaultCategory.Poison => Never,
            _ => classification.Persistence == Persistence.Transient ? Transient : Unclear,
        };
    }

    internal RetryPolicy Checked(string option)
    {
        Check.Range($"{option}.{nameof(MaxAttempts)}", MaxAttempts, 1, int.MaxValue);
        Backoff?.Checked();
        return this;
    }
}
