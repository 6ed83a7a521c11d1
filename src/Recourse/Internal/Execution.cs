using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace Recourse;

/// <summary>
/// A call with its operation. It is also the task source of the whole pipeline when the call suspends, so suspending allocates nothing.
/// Pooled per type, see <see cref="Pool{T}"/>.
/// </summary>
internal sealed class Execution<T, TWork>
    : Call<T>, IValueTaskSource<T>, IValueTaskSource<Outcome<T>>, IValueTaskSource, IPooled<Execution<T, TWork>>
    where TWork : struct, IWork<T>
{
    private TWork _work;

    Execution<T, TWork>? IPooled<Execution<T, TWork>>.Next { get; set; }

    internal static Execution<T, TWork> Rent(Plan plan, in TWork work, RecoveryContext context, CancellationToken token,
        bool synchronous = false)
    {
        if (CallSlot.Mine is Execution<T, TWork> execution) CallSlot.Mine = null;
        else execution = Pool<Execution<T, TWork>>.Take() ?? new();
        execution._work = work;
        execution._judgesResults = plan.JudgesResults && plan.Classifier.HasResultRule<T>();
        execution.Prepare(plan, context, synchronous, token);
        return execution;
    }

    internal override void Recycle() => Recycle(seen: true);

    private void Recycle(bool seen)
    {
        Report();
        _work = default;
        _value = default;
        Blank(seen);
        if (CallSlot.Mine is null) CallSlot.Mine = this;
        else Pool<Execution<T, TWork>>.Give(this);
    }

    /// <summary>The result of a call that has ended, or its exception.</summary>
    internal T Finish(bool seen = false)
    {
        var value = _value!;
        var failure = _failure;
        if (failure is null)
        {
            Recycle(seen);
            return value;
        }

        var history = History;
        Recycle(seen);
        Throw(failure, history);
        return default;
    }

    internal Outcome<T> FinishOutcome(bool seen = false)
    {
        var outcome = ToOutcome();
        Recycle(seen);
        return outcome;
    }

    /// <summary>A task that has failed already: the exception is thrown once, where the caller awaits.</summary>
    internal ValueTask<T> Failed()
    {
        _core.SetResult(true);
        return new ValueTask<T>(this, Version);
    }

    internal ValueTask FailedVoid()
    {
        _core.SetResult(true);
        return new ValueTask(this, Version);
    }

    internal override Call Fork(int floor, ChildOwner owner)
    {
        var child = Rent(Plan, _work, Context, CallerToken, IsSynchronous);
        child.StartChild(this, floor, owner);
        return child;
    }

    private protected override bool Invoke()
    {
        if (_holds) LetGo();
        try
        {
            return _work.Start(this);
        }
        catch (Exception e)
        {
            // Here and not in the loop around: what a throw costs grows with the frames that it crosses.
            Fail(e);
            return true;
        }
    }

    private protected override void CollectWork() => _work.Collect(this);

    T IValueTaskSource<T>.GetResult(short token)
    {
        _core.GetResult(token);
        if (_failure is not Exception exception) return Finish(seen: true);
        // Thrown from here and not from deeper: the caller pays for each frame.
        RecoveryHistory.Keep(exception, History);
        Recycle();
        ExceptionDispatchInfo.Throw(exception);
        return default;
    }

    Outcome<T> IValueTaskSource<Outcome<T>>.GetResult(short token)
    {
        _core.GetResult(token);
        return FinishOutcome(seen: true);
    }

    void IValueTaskSource.GetResult(short token)
    {
        _core.GetResult(token);
        Finish(seen: true);
    }

    ValueTaskSourceStatus IValueTaskSource<T>.GetStatus(short token) => ThrowingStatus(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => ThrowingStatus(token);

    ValueTaskSourceStatus IValueTaskSource<Outcome<T>>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<T>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource<Outcome<T>>.OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private ValueTaskSourceStatus ThrowingStatus(short token)
    {
        var status = _core.GetStatus(token);
        if (status != ValueTaskSourceStatus.Succeeded || _failure is null) return status;
        return _failure is OperationCanceledException ? ValueTaskSourceStatus.Canceled : ValueTaskSourceStatus.Faulted;
    }

    [DoesNotReturn]
    private static void Throw(object failure, AttemptHistory? history)
    {
        var exception = failure as Exception ?? ((Rejection)failure).ToException();
        RecoveryHistory.Keep(exception, history);
        ExceptionDispatchInfo.Throw(exception);
    }
}

/// <summary>The call that a thread has at hand, whatever its type: reading this is cheaper than the pool of a generic type.</summary>
internal static class CallSlot
{
    [ThreadStatic]
    internal static Call? Mine;
}
