namespace Recourse;

/// <summary>
/// A refusal that a strategy can hand out without allocating: made once, turned into an exception only where a caller wants one thrown.
/// Immutable and shared between calls.
/// </summary>
public abstract class Rejection
{
    /// <summary>What the refusal counts as, for the strategies around it and for the caller.</summary>
    public abstract Classification Classification { get; }

    /// <summary>How long the caller should wait before trying again; null when nothing is known. Never negative.</summary>
    public virtual TimeSpan? RetryAfter => null;

    /// <summary>A new exception that says the same; a new one for each caller, so that no caller sees another's.</summary>
    public abstract Exception ToException();
}

/// <summary>A call was refused by a strategy of Recourse; the operation did not run.</summary>
public class RejectedException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What refused the call and why.</param>
    /// <param name="classification">What the refusal counts as.</param>
    /// <param name="retryAfter">How long to wait before trying again; null when nothing is known.</param>
    /// <param name="inner">What led to it; null when nothing did.</param>
    public RejectedException(string message, Classification classification, TimeSpan? retryAfter = null, Exception? inner = null)
        : base(message, inner)
    {
        Classification = classification;
        RetryAfter = retryAfter;
    }

    /// <summary>What the refusal counts as.</summary>
    public Classification Classification { get; }

    /// <summary>How long to wait before trying again; null when nothing is known.</summary>
    public TimeSpan? RetryAfter { get; }
}
