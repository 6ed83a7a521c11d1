namespace Recourse;

/// <summary>Lets calls through a <see cref="CircuitBreaker"/>, or refuses them at the cost of one read.</summary>
internal sealed class CircuitBreakerStrategy : Strategy
{
    // Made at the first refusal: most breakers never open.
    private CircuitOpenRejection? _rejection;

    internal CircuitBreakerStrategy(CircuitBreaker breaker)
        : base("circuit breaker") => Breaker = breaker;

    internal CircuitBreaker Breaker { get; }

    public override string Describe()
    {
        var options = Breaker.Options;
        var trip = options.Mode switch
        {
            CircuitMode.Consecutive => $"{options.FailureThreshold} failures in a row",
            CircuitMode.CountWindow => $"{options.FailureRate:P0} of the last {options.WindowSize} calls",
            _ => $"{options.FailureRate:P0} of {options.MinimumThroughput} or more calls in {Durations.Text(options.WindowDuration)}",
        };
        return $"circuit breaker: '{Breaker.Name}', opens at {trip} for {Durations.Text(options.OpenTime)}";
    }

    public override Step Enter(Call call, ref Frame frame)
    {
        if (!Breaker.TryEnter(out var permit)) return Refuse(call);
        frame.Number = permit.Value;
        if (Breaker.NeedsDuration) frame.Stamp = call.Time.GetTimestamp();
        return Step.Next;
    }

    public override Step Exit(Call call, ref Frame frame)
    {
        var permit = new CircuitPermit(frame.Number);
        if (frame.Stamp != 0) Breaker.Report(permit, JudgementOf(call, permit), call.Time.GetElapsedTime(frame.Stamp));
        else Breaker.Report(permit, JudgementOf(call, permit));
        return Step.Next;
    }

    private static Judgement JudgementOf(Call call, CircuitPermit permit)
    {
        if (call.Succeeded) return Judgement.Success;
        // A refusal further in says nothing about the service: it was not called.
        if (call.NeverBegan || call.Failure is Rejection or RejectedException) return Judgement.Neutral;
        // A probe that a limit around the breaker cut short was given less time than the service may need: it would keep the circuit open.
        if (permit.IsProbe && call.Failure is OperationCanceledException && call.Token.IsCancellationRequested) return Judgement.Neutral;
        return call.Verdict.Judgement;
    }

    private Step Refuse(Call call)
    {
        Meters.Rejected(call.Plan, "circuit_open", Breaker.Name);
        call.Reject(_rejection ??= new CircuitOpenRejection(Breaker));
        return Step.Return;
    }
}

/// <summary>The refusal of an open circuit; one for each breaker, since how long it lasts is read when asked.</summary>
internal sealed class CircuitOpenRejection(CircuitBreaker breaker) : Rejection
{
    private static readonly Classification Open = FaultClassifier.Default.ForKind(FaultKind.CircuitOpen, "an open circuit of the pipeline");

    public override Classification Classification => Open;

    public override TimeSpan? RetryAfter => breaker.RetryAfter;

    public override Exception ToException() => new CircuitOpenException(breaker.Name, breaker.State, Open, breaker.RetryAfter);
}
