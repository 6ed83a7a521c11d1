namespace Recourse;

// What the caller gets when a further attempt was refused: the last thing that really happened. A result that was judged a failure is
// therefore held until the operation begins again, and only then let go; an exception is found in the history.
public abstract partial class Call
{
    private protected bool _holds;
    private Verdict _heldVerdict;

    /// <summary>Whether the attempt ended with an exception before the operation had begun, as in the queue of a bulkhead.</summary>
    internal bool NeverBegan { get; private set; }

    /// <summary>Ends the attempt with an exception before the operation has begun.</summary>
    internal void FailBeforeBegin(Exception exception)
    {
        Fail(exception);
        NeverBegan = true;
    }

    /// <summary>
    /// Makes the newest real end of an attempt the end of the call: a result that was judged a failure, or an exception of the operation.
    /// False when there was none.
    /// </summary>
    internal bool TryEndAsLastReal()
    {
        if (_holds)
        {
            _holds = false;
            NeverBegan = false;
            _failure = null;
            RestoreValue();
            Decide(_heldVerdict);
            return true;
        }

        if (LastReal() is not { } real) return false;
        NeverBegan = false;
        _failure = real.Exception;
        Decide(Verdict.Failure(real.Classification));
        return true;
    }

    /// <summary>The newest recorded attempt that ended with an exception of the operation and not with a refusal.</summary>
    internal FailedAttempt? LastReal()
    {
        for (var i = (_history?.Count ?? 0) - 1; i >= 0; i--)
        {
            if (_history![i] is { Exception: not null and not RejectedException } real) return real;
        }

        return null;
    }

    /// <summary>Lets go of a result that nobody will get.</summary>
    internal void Discard() => Freed(held: false);

    // When the operation begins again, or the call is over: only one answer may be open at a time, since it can hold a connection.
    private protected void LetGo()
    {
        if (!_holds) return;
        _holds = false;
        Freed(held: true);
    }

    private protected abstract void HoldValue();

    private protected abstract void RestoreValue();

    private protected abstract void TakeHeldValue(Call from);

    private protected abstract void ForgetHeld();

    private protected abstract void ForgetValue();

    private void Hold()
    {
        LetGo();
        _holds = true;
        _heldVerdict = _verdict;
        HoldValue();
    }

    private void TakeHeld(Call from)
    {
        if (!from._holds) return;
        from._holds = false;
        _holds = true;
        _heldVerdict = from._heldVerdict;
        TakeHeldValue(from);
    }

    private void Freed(bool held)
    {
        try
        {
            if (held) ForgetHeld();
            else ForgetValue();
        }
        catch (Exception e)
        {
            Plan.ObserverFailed("Dispose of a result", e);
        }
    }
}
