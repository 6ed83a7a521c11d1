namespace Recourse;

/// <summary>How a pipeline is now, for people and for health checks.</summary>
/// <param name="IsHealthy">Whether nothing that <see cref="PipelineFinding.Degrades"/> was found.</param>
/// <param name="Findings">What is not as usual, outermost strategy first; empty when all is.</param>
public sealed record PipelineHealth(bool IsHealthy, IReadOnlyList<PipelineFinding> Findings)
{
    /// <summary>For logs: <c>healthy</c> or <c>degraded</c>, and each finding.</summary>
    public override string ToString() =>
        $"{(IsHealthy ? "healthy" : "degraded")}{(Findings.Count == 0 ? "" : ": ")}{string.Join("; ", Findings)}";

    internal static PipelineHealth Of(Plan plan)
    {
        var findings = plan.Strategies.Select(Find).OfType<PipelineFinding>().ToList();
        if (plan.Counters.AbandonedNow is > 0 and var abandoned)
            findings.Add(new("timeout", $"{abandoned} abandoned operations still run", Degrades: true));
        return new(!findings.Exists(finding => finding.Degrades), findings);
    }

    // A bulkhead that is full and a limit that is used up do what they are for: calls are lost, but nothing is ill.
    private static PipelineFinding? Find(Strategy strategy) => strategy switch
    {
        CircuitBreakerStrategy { Breaker: { State: CircuitState.Open or CircuitState.Isolated } breaker } =>
            new(breaker.Name, breaker.State.ToString(), Degrades: true),
        CircuitBreakerStrategy { Breaker: { State: CircuitState.HalfOpen } breaker } =>
            new(breaker.Name, nameof(CircuitState.HalfOpen), Degrades: false),
        RetryStrategy { Budget: { Available: < 1 } } => new("retry", "Retry budget spent", Degrades: true),
        BulkheadStrategy { Bulkhead: { } bulkhead }
            when bulkhead.InFlight >= bulkhead.Limit && bulkhead.Queued >= bulkhead.Options.MaxQueue =>
            new(bulkhead.Name, "Full", Degrades: false),
        RateLimitStrategy { Limit: { Available: 0, Options.Kind: not RateLimitKind.Custom } limit }
            when limit.Queued >= limit.Options.QueueLimit => new(limit.Name, "Used up", Degrades: false),
        _ => null,
    };
}

/// <summary>One thing about a pipeline that is not as usual.</summary>
/// <param name="Part">The name of the breaker, bulkhead or limit; otherwise that of the strategy.</param>
/// <param name="Says">
/// What it is: Open, Isolated, HalfOpen, Full, Used up, Retry budget spent, or how much abandoned work still runs.
/// </param>
/// <param name="Degrades">Whether a health check should be degraded by it.</param>
public sealed record PipelineFinding(string Part, string Says, bool Degrades)
{
    /// <summary>For logs: the part and what it is.</summary>
    public override string ToString() => $"{Part}: {Says}";
}
