using Recourse.Durable;
using Recourse.Server.Dashboard;

namespace Recourse.Server;

/// <summary>What a breaker's state means for those who look at it. Pure.</summary>
internal static class BreakerState
{
    /// <summary>
    /// Half-open with nothing under way: the service was in trouble, and only a delivery will show whether it still is. Neither closed nor
    /// failing would be true, so it stays half-open; but it holds nothing back.
    /// </summary>
    public static bool WaitsForDelivery(ServiceStatus service) => service is { Breaker: "half_open", InFlight: 0 };

    /// <summary>True when deliveries to the service are held back or being probed: what "degraded" means.</summary>
    public static bool HoldsBack(ServiceStatus service) => service.Breaker != "closed" && !WaitsForDelivery(service);

    /// <summary>What the breaker waits for; null when it is closed.</summary>
    public static string? Note(ServiceStatus service) => service switch
    {
        { Breaker: "closed" } => null,
        { Breaker: "isolated" } => "isolated by an operator until it is reset",
        { Breaker: "open" } when service.RetryAfter > TimeSpan.Zero => $"the next probe may go in {Wording.Span(service.RetryAfter)}",
        { Breaker: "open" } => "a probe goes with the next delivery",
        _ when WaitsForDelivery(service) => "waiting for a delivery to probe with",
        _ => "a probe is under way",
    };
}
