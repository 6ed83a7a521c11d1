namespace Recourse.Durable;

/// <summary>What protects one service: its breaker, its bulkhead, its retry budget, and what was last seen of it. Outlives reloads of
/// the policy.</summary>
internal sealed class ServiceGuard
{
    private readonly DispatcherOptions _options;
    private ServicePolicy _policy;
    private NodeShare _share = NodeShare.Whole;
    private LastFault? _lastFault;
    private int _consecutive;

    private sealed record LastFault(string? Error, DateTimeOffset At);

    internal ServiceGuard(ServicePolicy policy, DispatcherOptions options)
    {
        (_policy, _options) = (policy, options);
        Breaker = new CircuitBreaker(BreakerOf(policy), options.Time) { Samples = options.Sample };
        Bulkhead = new Bulkhead(BulkheadOf(policy), options.Time);
        Budget = new RetryBudget(options.RetryBudget, options.Time);
    }

    internal ServicePolicy Policy => Volatile.Read(ref _policy);

    internal CircuitBreaker Breaker { get; }

    internal Bulkhead Bulkhead { get; }

    internal RetryBudget Budget { get; }

    internal void Reload(ServicePolicy policy)
    {
        Breaker.Reload(BreakerOf(policy));
        Bulkhead.Reload(BulkheadOf(policy));
        Volatile.Write(ref _policy, policy);
        Divide(_share);
    }

    /// <summary>How many attempts this node may make at once: all of <c>max_concurrent</c>, or its part of it. Zero when others have
    /// all.</summary>
    internal int Permits => _share.Of(Policy.MaxConcurrent, Policy.Name);

    /// <summary>Several nodes divide the permits; what is under way beyond the part ends in its own time.</summary>
    internal void Divide(NodeShare share)
    {
        _share = share;
        Bulkhead.Resize(Math.Max(1, Permits));
    }

    /// <summary>Takes up to so many breaker permits; a half-open breaker gives as many as it lets probes go.</summary>
    internal List<CircuitPermit> Enter(int upTo)
    {
        var permits = new List<CircuitPermit>(upTo);
        while (permits.Count < upTo && Breaker.TryEnter(out var permit)) permits.Add(permit);
        return permits;
    }

    internal void Release(int permits)
    {
        for (var i = 0; i < permits; i++) Bulkhead.Release();
    }

    /// <summary>
    /// Tells the breaker how an attempt ended. A fault of the message is a success of the service: it answered. An unknown fault counts
    /// against the service, because an outage that nobody can name would otherwise eat three attempts of every message while the breaker
    /// looks on.
    /// </summary>
    internal static Judgement Judge(Classification? fault) => fault switch
    {
        null => Judgement.Success,
        { Kind: FaultKind.Cancelled, Blame: Blame.Service } => Judgement.Neutral,
        { Kind: FaultKind.CircuitOpen or FaultKind.BulkheadFull } => Judgement.Neutral,
        { Blame: Blame.Message } => Judgement.Success,
        _ => Judgement.Failure,
    };

    internal void Report(CircuitPermit permit, Classification? fault, string? error, TimeSpan duration)
    {
        var judgement = Judge(fault);
        Breaker.Report(permit, judgement, duration);
        if (judgement is Judgement.Success) Forget();
        if (judgement is not Judgement.Failure) return;
        Interlocked.Increment(ref _consecutive);
        Volatile.Write(ref _lastFault, new LastFault(error, _options.Time.GetUtcNow()));
    }

    /// <summary>Closes the breaker and forgets what was seen.</summary>
    internal void Reset()
    {
        Breaker.Reset();
        Forget();
    }

    // An error that a success has followed says nothing of the service as it is now; the deliveries keep it in their history.
    private void Forget()
    {
        Volatile.Write(ref _consecutive, 0);
        if (Volatile.Read(ref _lastFault) is not null) Volatile.Write(ref _lastFault, null);
    }

    internal ServiceStatus Status()
    {
        var state = Breaker.State;
        var fault = Volatile.Read(ref _lastFault);
        return new ServiceStatus(
            Policy.Name,
            Name(state),
            state is CircuitState.Open ? Breaker.RetryAfter : TimeSpan.Zero,
            Bulkhead.InFlight,
            Permits,
            Volatile.Read(ref _consecutive),
            fault?.Error,
            fault?.At);
    }

    private static string Name(CircuitState state) => state switch
    {
        CircuitState.Closed => "closed",
        CircuitState.HalfOpen => "half_open",
        CircuitState.Open => "open",
        _ => "isolated",
    };

    private CircuitBreakerOptions BreakerOf(ServicePolicy policy) => new()
    {
        Name = policy.Name,
        FailureThreshold = policy.FailureThreshold,
        SuccessThreshold = policy.SuccessThreshold,
        // More probes at once than it takes to close would only be more load on a service that has just come back.
        PermittedProbes = Math.Clamp(policy.SuccessThreshold, 1, Math.Min(policy.MaxConcurrent, 1_000)),
        OpenTime = policy.ResetTimeout,
        OpenTimeMax = Longer(TimeSpan.FromSeconds(60), policy.ResetTimeout * 2),
        // A probe holds its slot for as long as an attempt can take at most.
        ProbeLease = Longest(policy),
        OnTransition = Log,
    };

    /// <summary>How long an attempt can take at most.</summary>
    internal TimeSpan LongestAttempt => Longest(Policy);

    private TimeSpan Longest(ServicePolicy policy) => policy.Timeout + _options.AbandonAfter + TimeSpan.FromSeconds(1);

    // That deliveries wait is worth a look; that a probe goes, or that all is well again, is worth knowing.
    private void Log(CircuitTransition change)
    {
        if (change.To is CircuitState.Open or CircuitState.Isolated)
            DispatchLog.BreakerOpened(_options.Logger, change.Name, Name(change.From), Name(change.To), Words(change.Reason));
        else
            DispatchLog.BreakerChanged(_options.Logger, change.Name, Name(change.From), Name(change.To), Words(change.Reason));
    }

    private static string Words(CircuitReason reason) => reason switch
    {
        CircuitReason.ConsecutiveFailures => "too many failures in a row",
        CircuitReason.FailureRate => "too large a share of its calls failed",
        CircuitReason.FailureCount => "too many of its calls failed",
        CircuitReason.SlowCallRate => "too large a share of its calls were slow",
        CircuitReason.OpenTimeElapsed => "its time is over, a probe may go",
        CircuitReason.ProbesSucceeded => "the probes were delivered",
        CircuitReason.ProbesFailed => "the probes failed",
        CircuitReason.Isolated => "isolated by an operator",
        CircuitReason.Reset => "reset by an operator",
        CircuitReason.Restored => "as it was before",
        _ => "by hand",
    };

    private static BulkheadOptions BulkheadOf(ServicePolicy policy) => new() { Name = policy.Name, MaxConcurrent = policy.MaxConcurrent };

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
