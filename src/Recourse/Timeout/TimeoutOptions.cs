namespace Recourse;

/// <summary>How long what lies inside may take, and what happens to work that does not stop.</summary>
public sealed record TimeoutOptions
{
    /// <summary>
    /// The time limit. Default 30 s; from 1 ms to 24 days. With the system clock it is watched by one timer for all calls: the limit never
    /// passes early and at most 40 ms late.
    /// </summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether a limit gets a timer of its own, accurate as timers of the system are, for about 100 ns more a call. Default false.
    /// </summary>
    public bool Precise { get; init; }

    /// <summary>
    /// How long after the limit the work may take to obey its token before the caller is answered without it. Default null: the caller
    /// waits until the work ends. From zero to 24 days. Abandoned work keeps the permits inside this strategy until it really ends.
    /// </summary>
    public TimeSpan? AbandonAfter { get; init; }

    /// <summary>
    /// Told when the limit has passed and the caller is about to be told. What it throws is logged and changes nothing. Default null.
    /// </summary>
    public Action<TimeoutPassed>? OnTimeout { get; init; }

    internal TimeoutOptions Checked()
    {
        const string at = nameof(TimeoutOptions) + ".";
        Check.Range(at + nameof(Limit), Limit, TimeSpan.FromMilliseconds(1), TimeoutScope.LimitMax);
        Check.Range(at + nameof(AbandonAfter), AbandonAfter ?? TimeSpan.Zero, TimeSpan.Zero, TimeoutScope.LimitMax);
        return this;
    }
}

/// <summary>A time limit that passed.</summary>
/// <param name="Limit">The limit.</param>
/// <param name="Abandoned">Whether the operation still runs.</param>
/// <param name="Context">What the caller said about the call.</param>
public readonly record struct TimeoutPassed(TimeSpan Limit, bool Abandoned, RecoveryContext Context);
