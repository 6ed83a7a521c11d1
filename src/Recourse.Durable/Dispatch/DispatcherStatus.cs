namespace Recourse.Durable;

/// <summary>A service as its dispatcher sees it now.</summary>
/// <param name="Name">The service.</param>
/// <param name="Breaker">closed, half_open, open or isolated.</param>
/// <param name="RetryAfter">How long until a probe may go; zero unless the breaker is open.</param>
/// <param name="InFlight">Attempts under way.</param>
/// <param name="MaxConcurrent">The bound on them.</param>
/// <param name="ConsecutiveFailures">Faults in a row that speak against the service.</param>
/// <param name="LastError">The last of them in words; null when there is none since the last success.</param>
/// <param name="LastErrorAt">When it happened; null like the error.</param>
public sealed record ServiceStatus(
    string Name, string Breaker, TimeSpan RetryAfter, int InFlight, int MaxConcurrent, int ConsecutiveFailures, string? LastError,
    DateTimeOffset? LastErrorAt = null);

/// <summary>Told after each attempt's outcome is committed; for meters, the journal and live views.</summary>
public sealed record AttemptReport(ClaimedDelivery Delivery, Attempt Attempt, Classification? Fault, DeliveryDecision? Decision);
