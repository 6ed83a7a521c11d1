using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Recourse;

/// <summary>How a call ended, as a value: nothing is thrown to make it, and a refusal allocates nothing.</summary>
/// <typeparam name="T">What the call returns.</typeparam>
public readonly struct Outcome<T>
{
    private readonly T? _value;
    private readonly object? _failure;
    private readonly Classification? _classification;
    private readonly AttemptHistory? _history;

    internal Outcome(T? value, object? failure, Classification? classification, AttemptHistory? history)
    {
        _value = value;
        _failure = failure;
        _classification = classification;
        _history = history;
    }

    /// <summary>Whether there is a value and no result rule calls it a failure.</summary>
    public bool IsSuccess => _failure is null && _classification is null;

    /// <summary>Whether there is a value, be it one that a result rule calls a failure.</summary>
    public bool HasValue => _failure is null;

    /// <summary>
    /// The value. Without one it throws the exception that the call ended with; see <see cref="RecoveryHistory"/>.
    /// </summary>
    public T Value
    {
        get
        {
            if (_failure is not null) Throw();
            return _value!;
        }
    }

    /// <summary>The value, or <paramref name="otherwise"/> when the call did not return one.</summary>
    /// <param name="otherwise">What to answer instead.</param>
    public T? ValueOr(T? otherwise) => _failure is null ? _value : otherwise;

    /// <summary>
    /// The failure as an exception; null when there is a value. A refusal becomes an exception anew each time it is read.
    /// </summary>
    public Exception? Exception => _failure switch
    {
        null => null,
        Exception exception => exception,
        _ => ((Rejection)_failure).ToException(),
    };

    /// <summary>The refusal that ended the call; null when the operation ran or a value is there.</summary>
    public Rejection? Rejection => _failure as Rejection;

    /// <summary>What the failure was; null after a success, and after an end that counts as neither (the caller cancelled).</summary>
    public Classification? Classification => _classification;

    /// <summary>
    /// The failed attempts, oldest first; empty when none failed. The middle of a very long history is left out, see the numbers.
    /// </summary>
    public IReadOnlyList<FailedAttempt> Attempts => _history ?? (IReadOnlyList<FailedAttempt>)[];

    [DoesNotReturn]
    private void Throw()
    {
        var exception = Exception!;
        RecoveryHistory.Keep(exception, _history);
        ExceptionDispatchInfo.Throw(exception);
    }
}
