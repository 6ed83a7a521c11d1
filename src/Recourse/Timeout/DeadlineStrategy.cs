namespace Recourse;

/// <summary>
/// One time for the whole call and for all that it calls: cancels like a timeout, tells the strategies inside how much is left, and travels
/// to inner calls of the same clock in the execution context. An inner deadline can only be sooner.
/// </summary>
internal sealed class DeadlineStrategy : Strategy
{
    /// <summary>The deadline that comes with the call.</summary>
    internal static readonly DeadlineStrategy OfContext = new(null);

    private readonly TimeSpan? _limit;

    internal DeadlineStrategy(TimeSpan? limit)
        : base("deadline")
    {
        _limit = limit;
        AmbientDeadline.IsUsed = true;
    }

    internal TimeSpan? Limit => _limit;

    public override string Describe() => $"deadline: {(_limit is { } limit ? Durations.Text(limit) : "of the call")}";

    public override Step Enter(Call call, ref Frame frame)
    {
        var limit = _limit ?? call.Context.Deadline ?? TimeoutScope.LimitMax;
        if (call.Remaining is { } remaining && remaining < limit) limit = remaining;
        if (limit <= TimeSpan.Zero)
        {
            call.FailBeforeBegin(new TimeoutExceededException(limit, deadline: true, abandoned: false, inner: null));
            return Step.Return;
        }

        var time = call.Time;
        frame.Stamp = call.Deadline;
        frame.Number = limit.Ticks;
        call.Deadline = time.GetTimestamp() + (long)(limit.TotalSeconds * time.TimestampFrequency);
        AmbientDeadline.Flow(time, call.Deadline);
        var scope = TimeoutScope.Begin(time, limit, precise: false, call.Token);
        scope.Enclose(call);
        return Step.Next;
    }

    public override Step Exit(Call call, ref Frame frame)
    {
        // The innermost limit on the way out is the one that we set on the way in.
        var scope = call.Limits!;
        var own = scope.Token;
        var outer = scope.Release(call);
        call.Deadline = frame.Stamp;
        if (scope.End())
        {
            var limit = TimeSpan.FromTicks(frame.Number);
            if (!Cancellation.OwnTimeout(call, limit, deadline: true, own)) return Step.Next;
            call.Plan.Counters.TimedOut();
            Meters.TimedOut(call.Plan, FaultKind.DeadlineExceeded, abandoned: false);
            Log.TimedOut(call.Plan.Logger, call.Plan.Name, call.Context.Operation, limit);
        }
        else if (call.Failure is OperationCanceledException cancelled) Cancellation.Own(call, cancelled, own, outer);

        return Step.Next;
    }
}

/// <summary>The deadline of the call around this one, in the execution context. Costs nothing until the first deadline is built.</summary>
internal sealed class AmbientDeadline
{
    private static readonly AsyncLocal<AmbientDeadline?> Current = new();
    private static volatile bool isUsed;

    private readonly TimeProvider _time;
    private readonly long _stamp;

    private AmbientDeadline(TimeProvider time, long stamp)
    {
        _time = time;
        _stamp = stamp;
    }

    internal static bool IsUsed
    {
        get => isUsed;
        set => isUsed = value;
    }

    internal static void Flow(TimeProvider time, long stamp) => Current.Value = new AmbientDeadline(time, stamp);

    // Timestamps of one clock mean nothing to another.
    internal static long For(TimeProvider time) => Current.Value is { } outer && ReferenceEquals(outer._time, time) ? outer._stamp : 0;
}
