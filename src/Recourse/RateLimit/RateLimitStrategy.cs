namespace Recourse;

/// <summary>Lets through as many calls in a time as a <see cref="RateLimit"/> allows; others wait in its queue or are refused.</summary>
internal sealed class RateLimitStrategy : Strategy
{
    private readonly RateLimitRejection _rejection;

    internal RateLimitStrategy(RateLimit limit)
        : base("rate limit")
    {
        Limit = limit;
        _rejection = new RateLimitRejection(limit, null);
    }

    internal RateLimit Limit { get; }

    public override string Describe()
    {
        var options = Limit.Options;
        return options.Kind switch
        {
            RateLimitKind.Custom => $"rate limit: '{Limit.Name}', a limiter of your own",
            RateLimitKind.Concurrency => $"rate limit: '{Limit.Name}', {options.Permits} at once",
            _ => $"rate limit: '{Limit.Name}', {options.Permits} in {Durations.Text(options.Period)}",
        };
    }

    public override Step Enter(Call call, ref Frame frame)
    {
        // A synchronous call cannot wait for the limiter's task.
        if (Limit.Options.QueueLimit == 0 || call.IsSynchronous) return Decide(call, ref frame, Limit.TryAcquire());
        var wait = Limit.AcquireAsync(1, call.Token);
        if (wait.IsCompletedSuccessfully) return Decide(call, ref frame, wait.Result);
        var task = wait.AsTask();
        frame.State = task;
        call.WakeWhen(task);
        return Step.Pending;
    }

    public override Step Exit(Call call, ref Frame frame)
    {
        ((IDisposable?)frame.State)?.Dispose();
        frame.State = null;
        return Step.Next;
    }

    public override Step Resume(Call call, ref Frame frame)
    {
        var answer = new ValueTask<RateLimitPermit>((Task<RateLimitPermit>)frame.State!);
        frame.State = null;
        if (answer.IsCompletedSuccessfully) return Decide(call, ref frame, answer.Result);
        call.FailBeforeBegin(Failures.Of(answer));
        return Step.Return;
    }

    private Step Decide(Call call, ref Frame frame, in RateLimitPermit permit)
    {
        if (permit.IsAcquired)
        {
            frame.State = permit.Lease;
            return Step.Next;
        }

        Meters.Rejected(call.Plan, "rate_limit", Limit.Name);
        call.Reject(permit.RetryAfter is { } wait ? new RateLimitRejection(Limit, wait) : _rejection);
        permit.Dispose();
        return Step.Return;
    }
}

/// <summary>The refusal of a rate limit that is used up.</summary>
internal sealed class RateLimitRejection(RateLimit limit, TimeSpan? retryAfter) : Rejection
{
    private static readonly Classification UsedUp = FaultClassifier.Default.ForKind(FaultKind.RateLimitExceeded,
        "a rate limit of the pipeline");

    public override Classification Classification => UsedUp;

    public override TimeSpan? RetryAfter => retryAfter;

    public override Exception ToException() => new RateLimitExceededException(limit.Name, UsedUp, retryAfter);
}

/// <summary>A rate limit of the pipeline refused the call; the operation did not run.</summary>
public sealed class RateLimitExceededException : RejectedException
{
    internal RateLimitExceededException(string limit, Classification classification, TimeSpan? retryAfter)
        : base(
            $"Rate limit '{limit}' is used up{(retryAfter is { } wait ? $"; try again in {Durations.Text(wait)}" : "")}.", classification,
                retryAfter) =>
        Limit = limit;

    /// <summary>The name of the limit.</summary>
    public string Limit { get; }
}
