namespace Recourse;

/// <summary>
/// Cancels what lies inside after a time. The caller waits until it has obeyed; see <see cref="AbandoningTimeoutStrategy"/>.
/// </summary>
internal sealed class TimeoutStrategy(TimeoutOptions options) : Strategy("timeout")
{
    private readonly long _ticks = CoarseTimer.Ticks(options.Limit);

    internal TimeoutOptions Options { get; } = options;

    public override string Describe() => $"timeout: {Durations.Text(Options.Limit)}{(Options.Precise ? ", precise" : "")}";

    public override Step Enter(Call call, ref Frame frame)
    {
        var scope = Options.Precise || !ReferenceEquals(call.Time, TimeProvider.System)
            ? TimeoutScope.Begin(call.Time, Options.Limit, Options.Precise, call.Token)
            : TimeoutScope.BeginCoarse(_ticks, call.Token);
        scope.Enclose(call);
        return Step.Next;
    }

    public override Step Exit(Call call, ref Frame frame)
    {
        // The innermost limit on the way out is the one that we set on the way in.
        var scope = call.Limits!;
        var own = scope.Token;
        var outer = scope.Release(call);
        if (scope.End()) Passed(call, own);
        else if (call.Failure is OperationCanceledException cancelled) Cancellation.Own(call, cancelled, own, outer);
        return Step.Next;
    }

    private void Passed(Call call, CancellationToken own)
    {
        if (!Cancellation.OwnTimeout(call, Options.Limit, deadline: false, own)) return;
        Report(call, Options, abandoned: false);
    }

    internal static void Report(Call call, TimeoutOptions options, bool abandoned)
    {
        call.Plan.Counters.TimedOut();
        Meters.TimedOut(call.Plan, FaultKind.Timeout, abandoned);
        if (abandoned) Log.Abandoned(call.Plan.Logger, call.Plan.Name, call.Context.Operation, options.Limit);
        else Log.TimedOut(call.Plan.Logger, call.Plan.Name, call.Context.Operation, options.Limit);
        if (options.OnTimeout is not { } observer) return;
        try
        {
            observer(new TimeoutPassed(options.Limit, abandoned, call.Context));
        }
        catch (Exception e)
        {
            call.Plan.ObserverFailed(nameof(TimeoutOptions.OnTimeout), e);
        }
    }
}

/// <summary>Whose a cancellation is: decided by the identity of its token, never by what else happened at the time.</summary>
internal static class Cancellation
{
    /// <summary>After our limit passed: makes our own cancellation a timeout. True when it was ours.</summary>
    internal static bool OwnTimeout(Call call, TimeSpan limit, bool deadline, CancellationToken own)
    {
        if (call.Failure is not OperationCanceledException cancelled) return false;
        if (cancelled.CancellationToken == own)
        {
            call.Fail(new TimeoutExceededException(limit, deadline, abandoned: false, cancelled.InnerException ?? cancelled));
            return true;
        }

        // Somebody else's, or of a token linked to ours: the exception stays theirs. But it came after the limit, so it counts as a
        // timeout, unless the caller has left.
        if (!call.CallerToken.IsCancellationRequested) call.Decide(TimeoutExceededException.Verdict);
        return false;
    }

    /// <summary>
    /// The limit had not passed, so our token was cancelled from outside: the exception gets the token that the outside knows.
    /// </summary>
    internal static void Own(Call call, OperationCanceledException cancelled, CancellationToken own, CancellationToken outer)
    {
        if (cancelled.CancellationToken == own && outer.IsCancellationRequested)
            call.Fail(new OperationCanceledException(cancelled.Message, cancelled.InnerException ?? cancelled, outer));
    }
}
