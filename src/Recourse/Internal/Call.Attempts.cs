namespace Recourse;

// What went wrong on the way of the call, and what may still be tried.
public abstract partial class Call
{
    private AttemptHistory? _history;
    private AttemptAllowance? _allowance;
    private long? _failingSince;

    /// <summary>The failed attempts so far, oldest first.</summary>
    public IReadOnlyList<FailedAttempt> Attempts => _history ?? (IReadOnlyList<FailedAttempt>)[];

    internal AttemptHistory? History => _history;

    /// <summary>A timestamp of <see cref="Time"/>: when the first attempt had failed. Null where none has, or nobody listens.</summary>
    internal long? FailingSince => _failingSince;

    /// <summary>What the retries of all layers may still use; null where nobody has set a bound.</summary>
    internal AttemptAllowance? Allowance
    {
        get => _allowance;
        set
        {
            _allowance = value;
            _dirty = true;
        }
    }

    internal void Record(in FailedAttempt attempt)
    {
        if (_history is null)
        {
            _history = new AttemptHistory();
            if (Meters.MeasuresRecovery) _failingSince = Time.GetTimestamp();
        }

        _history.Add(attempt);
    }
}
