using System.Threading.Tasks.Sources;

namespace Recourse;

// The one loop that runs strategies, waits for the operation and for strategies, and carries the caller's context over every suspension.
public abstract partial class Call : IThreadPoolWorkItem
{
    private const int Suspended = 1;
    private const int Woken = 2;

    private Strategy[]? _strategies;
    private Frame[]? _frames;
    private int _index;
    private int _floor;
    private bool _goingOut;
    private int _gate;
    private ExecutionContext? _flow;
    private Action? _afterCallee;
    private Action? _afterTask;
    private Wait? _wait;
    private ManualResetEventSlim? _blocked;
    private protected ManualResetValueTaskSourceCore<bool> _core;

    private enum Way : byte
    {
        In,
        Out,
        On,
        Collect,
    }

    internal short Version => _core.Version;

    internal ChildOwner? Owner { get; private set; }

    /// <summary>Goes on after <see cref="Step.Pending"/>, on the thread that calls. Exactly one call for each wait.</summary>
    public void Wake()
    {
        if (IsSynchronous) _blocked!.Set();
        else if (Interlocked.Exchange(ref _gate, Woken) == Suspended) Continue(Way.On);
    }

    /// <summary>Like <see cref="Wake()"/>, but goes on upon the thread pool, so that the caller is not held up by what follows.</summary>
    public void WakeLater()
    {
        if (IsSynchronous) _blocked!.Set();
        else if (Interlocked.Exchange(ref _gate, Woken) == Suspended) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Wakes the call after a time, or as soon as <see cref="Token"/> is cancelled; the strategy looks which it was.</summary>
    /// <param name="delay">From zero to 24 days.</param>
    public void WakeAfter(TimeSpan delay) => (_wait ??= new Wait(this)).Begin(Time, delay, Token);

    // As WakeAfter, for a strategy that may want to take the wait back.
    internal long Arm(TimeSpan delay, bool watchToken) => (_wait ??= new Wait(this)).Begin(Time, delay, watchToken ? Token : default);

    internal bool Disarm(long armed) => _wait!.TryDisarm(armed);

    internal void EndWait() => _wait?.End();

    /// <summary>Wakes the call when a task has ended. Not for synchronous calls: they never block on asynchronous work.</summary>
    /// <param name="task">What to wait for; its outcome is the strategy's to read.</param>
    public void WakeWhen(Task task)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (IsSynchronous) throw new InvalidOperationException(
            "A synchronous call cannot wait for asynchronous work; call ExecuteAsync, or give the strategy a synchronous function.");
        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_afterTask ??= Wake);
    }

    void IThreadPoolWorkItem.Execute() => Continue(Way.On);

    // True when the call has ended; false when it is suspended, and may by now be running on another thread.
    internal bool Start() => Drive(Way.In);

    internal void StartChild(Call parent, int floor, ChildOwner owner)
    {
        _dirty = true;
        _floor = floor;
        _index = floor;
        Owner = owner;
        Token = parent.Token;
        Limits = parent.Limits;
        _deadline = parent._deadline;
        _allowance = parent._allowance;
        AttemptNumber = parent.AttemptNumber;
        TakeHeld(parent);
    }

    internal abstract Call Fork(int floor, ChildOwner owner);

    internal abstract void Recycle();

    private protected abstract bool Invoke();

    private protected abstract void CollectWork();

    internal Action BeforeCallee()
    {
        _flow = ExecutionContext.Capture();
        return _afterCallee ??= () => Continue(Way.Collect);
    }

    internal int Index => _index;

    private bool Drive(Way way)
    {
        for (; ; )
        {
            try
            {
                return Run(way);
            }
            catch (Exception e)
            {
                // Thrown by the operation or by the strategy at _index; either way the strategies around it see a failure.
                Fail(e);
                way = Way.Out;
            }
        }
    }

    private bool Run(Way way)
    {
        var i = _index;
        for (; ; )
        {
            Step step;
            switch (way)
            {
                case Way.In:
                    step = GoIn(ref i);
                    way = Way.Out;
                    if (step == Step.Next && !Invoke()) return false;
                    if (step != Step.Pending) break;
                    if (!MayGoOn(goingOut: false)) return false;
                    way = Way.On;
                    break;

                case Way.Out:
                    step = GoOut(ref i);
                    if (step < Step.Again) return true;
                    if (step == Step.Again) way = Restart(ref i);
                    else if (!MayGoOn(goingOut: true)) return false;
                    else way = Way.On;
                    break;

                case Way.On:
                    _wait?.End();
                    step = _strategies![i].Resume(this, ref _frames![i]);
                    if (step == Step.Pending && !MayGoOn(_goingOut)) return false;
                    way = AfterResume(step, ref i);
                    break;

                default:
                    CollectWork();
                    way = Way.Out;
                    break;
            }
        }
    }

    // Inward until a strategy has something else to say than Next, or to the operation.
    private Step GoIn(ref int index)
    {
        var strategies = _strategies!;
        var frames = _frames!;
        var i = index;
        var step = Step.Next;
        for (; i < strategies.Length; i++)
        {
            _index = i;
            step = strategies[i].Enter(this, ref frames[i]);
            if (step != Step.Next) break;
        }

        _index = i;
        index = i;
        return step;
    }

    // Outward until a strategy wants more, or to the end.
    private Step GoOut(ref int index)
    {
        var strategies = _strategies!;
        var frames = _frames!;
        var i = index;
        var step = Step.Next;
        while (i > _floor)
        {
            _index = --i;
            step = strategies[i].Exit(this, ref frames[i]);
            if (step >= Step.Again) break;
        }

        index = i;
        return step;
    }

    private Way AfterResume(Step step, ref int i)
    {
        if (step == Step.Pending) return Way.On;
        if (step == Step.Again) return Restart(ref i);
        if (step != Step.Next || _goingOut) return Way.Out;
        i++;
        return Way.In;
    }

    private Way Restart(ref int i)
    {
        i++;
        Forget();
        return Way.In;
    }

    // The wake may have come before the strategy had answered Pending; then there is nothing to wait for.
    private bool MayGoOn(bool goingOut)
    {
        _goingOut = goingOut;
        if (IsSynchronous)
        {
            _blocked!.Wait();
            _blocked.Reset();
            return true;
        }

        _flow = ExecutionContext.Capture();
        if (Interlocked.Exchange(ref _gate, Suspended) != Woken) return false;
        Volatile.Write(ref _gate, 0);
        return true;
    }

    private void Continue(Way way)
    {
        Volatile.Write(ref _gate, 0);
        var flow = _flow;
        _flow = null;
        var here = flow is null ? null : ExecutionContext.Capture();
        if (here is null || ReferenceEquals(flow, here))
        {
            if (Drive(way)) Complete();
            return;
        }

        ExecutionContext.Restore(flow!);
        try
        {
            if (Drive(way)) Complete();
        }
        finally
        {
            ExecutionContext.Restore(here);
        }
    }

    private void Complete()
    {
        if (Owner is { } owner) owner.Ended(this);
        else _core.SetResult(true);
    }
}

/// <summary>Whoever started a call inside a call and wants to know that it has ended.</summary>
internal abstract class ChildOwner
{
    internal abstract void Ended(Call child);
}
