namespace Recourse;

/// <summary>
/// A time limit for work that may ignore its token. What lies inside runs as a call of its own; when the limit and the time of grace are
/// over, the caller is answered, and the inner call keeps its permits until it really ends. A synchronous call runs on the thread pool.
/// </summary>
internal sealed class AbandoningTimeoutStrategy(TimeoutOptions options) : Strategy("timeout")
{
    internal TimeoutOptions Options { get; } = options;

    private TimeSpan Grace => Options.AbandonAfter!.Value;

    public override string Describe() => $"timeout: {Durations.Text(Options.Limit)}, abandons after {Durations.Text(Grace)}";

    public override Step Enter(Call call, ref Frame frame)
    {
        var scope = TimeoutScope.Begin(call.Time, Options.Limit, Options.Precise, call.Token);
        var race = new AbandonRace(call, scope);
        frame.State = race;
        if (race.Begin(call.Index + 1, Options.Limit + Grace)) return Settle(call, race);
        return Step.Pending;
    }

    public override Step Exit(Call call, ref Frame frame) => Step.Next;

    public override Step Resume(Call call, ref Frame frame)
    {
        var race = (AbandonRace)frame.State!;
        if (race.HasEnded) return Settle(call, race);
        var left = call.CallerToken.IsCancellationRequested || call.Token.IsCancellationRequested;
        // The caller has left: the work gets the time of grace to obey, counted from now.
        if (left && frame.Number == 0 && Grace > TimeSpan.Zero)
        {
            frame.Number = 1;
            return race.WaitMore(Grace) ? Step.Pending : Settle(call, race);
        }

        if (!race.TryAbandon()) return Settle(call, race);
        if (left) call.Fail(new OperationCanceledException("The call was cancelled; the operation ignores its token and still runs.",
            call.Token));
        else call.Fail(new TimeoutExceededException(Options.Limit, deadline: false, abandoned: true, inner: null));
        TimeoutStrategy.Report(call, Options, abandoned: true);
        return Step.Return;
    }

    private Step Settle(Call call, AbandonRace race)
    {
        var (own, fired) = race.TakeOver();
        if (fired)
        {
            if (Cancellation.OwnTimeout(call, Options.Limit, deadline: false, own)) TimeoutStrategy.Report(call, Options, abandoned: false);
        }
        else if (call.Failure is OperationCanceledException cancelled) Cancellation.Own(call, cancelled, own, call.Token);

        return Step.Return;
    }
}

/// <summary>The race between an inner call and the patience of its caller. Exactly one side hands out the outcome.</summary>
internal sealed class AbandonRace(Call call, TimeoutScope scope) : ChildOwner
{
    private const int Starting = 0;
    private const int Waiting = 1;
    private const int HasEndedState = 2;
    private const int Abandoned = 3;

    private readonly Plan _plan = call.Plan;
    private readonly RecoveryContext _context = call.Context;
    private Call _child = null!;
    private int _state;
    private long _wait;

    internal bool HasEnded => Volatile.Read(ref _state) == HasEndedState;

    /// <summary>Starts the inner call; true when it has ended already.</summary>
    internal bool Begin(int floor, TimeSpan patience)
    {
        _child = call.Fork(floor, this);
        scope.Enclose(_child);
        if (call.IsSynchronous)
        {
            ThreadPool.QueueUserWorkItem(static race => race.RunOnPool(), this, preferLocal: false);
        }
        else if (_child.Start())
        {
            _state = HasEndedState;
            return true;
        }

        return !WaitMore(patience);
    }

    /// <summary>Waits for the inner call, but no longer than this; false when it has ended, and no wake will come.</summary>
    internal bool WaitMore(TimeSpan patience)
    {
        var before = Volatile.Read(ref _state);
        if (before == HasEndedState) return false;
        // Not to be ended by the caller a second time: a token that is cancelled already would end the time of grace at once.
        Volatile.Write(ref _wait, call.Arm(patience, before == Starting));
        if (Interlocked.CompareExchange(ref _state, Waiting, Starting) != HasEndedState) return true;
        // Ended while we armed. If the alarm can still be taken back no wake comes, else one must be waited for.
        if (!call.Disarm(_wait)) return true;
        call.EndWait();
        return false;
    }

    internal bool TryAbandon()
    {
        if (Interlocked.CompareExchange(ref _state, Abandoned, Waiting) != Waiting) return false;
        _plan.Counters.Abandoned(1);
        Meters.Abandoned(_plan, 1);
        return true;
    }

    /// <summary>
    /// Takes the outcome of the inner call and ends the limit; says whose the token was and whether the limit had passed.
    /// </summary>
    internal (CancellationToken Own, bool Fired) TakeOver()
    {
        call.Adopt(_child);
        _child.Recycle();
        return (scope.Token, scope.End());
    }

    internal override void Ended(Call child)
    {
        var before = Interlocked.Exchange(ref _state, HasEndedState);
        if (before == Waiting)
        {
            if (call.Disarm(Volatile.Read(ref _wait))) call.WakeLater();
        }
        else if (before == Abandoned) Bury(child);
    }

    private void RunOnPool()
    {
        if (_child.Start()) Ended(_child);
    }

    // Nobody waits for this outcome any more; it is reported, and what it holds is let go.
    private void Bury(Call child)
    {
        Meters.Abandoned(_plan, -1);
        _plan.Counters.Abandoned(-1);
        Log.AbandonedEnded(_plan.Logger, _plan.Name, _context.Operation, child.Failure is null
            ? "it worked" : "it failed", child.Exception);
        child.Discard();
        child.Recycle();
        scope.End();
    }
}
