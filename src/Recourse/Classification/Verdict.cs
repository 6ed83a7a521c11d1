namespace Recourse;

/// <summary>What one attempt counts as, for every strategy alike.</summary>
public enum Judgement : byte
{
    /// <summary>It worked.</summary>
    Success = 0,
    /// <summary>It failed.</summary>
    Failure,
    /// <summary>Neither (the caller cancelled, a rule says ignore): permits are given back, nothing else moves.</summary>
    Neutral,
}

/// <summary>The classifier's verdict on one attempt, made once and read by every strategy.</summary>
/// <param name="Judgement">Success, failure or neutral.</param>
/// <param name="Classification">What the failure was; null unless <paramref name="Judgement"/> is failure.</param>
/// <param name="RetryAfter">How long the service asks to wait; null when it does not say. Not yet capped.</param>
public readonly record struct Verdict(Judgement Judgement, Classification? Classification = null, TimeSpan? RetryAfter = null)
{
    /// <summary>The attempt worked.</summary>
    public static Verdict Success => default;

    /// <summary>The attempt counts for nothing.</summary>
    public static Verdict Neutral => new(Judgement.Neutral);

    /// <summary>The attempt failed, and how.</summary>
    public static Verdict Failure(Classification classification, TimeSpan? retryAfter = null) =>
        new(Judgement.Failure, classification, retryAfter);
}
