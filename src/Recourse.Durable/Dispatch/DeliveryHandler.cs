namespace Recourse.Durable;

/// <summary>
/// Makes one attempt at a delivery. It returns what happened; what it throws counts as a failure and is classified. The token is
/// cancelled at the service's timeout or when the node stops.
/// </summary>
public delegate ValueTask<DeliveryResult> DeliveryHandler(ClaimedDelivery delivery, CancellationToken cancellationToken);

/// <summary>What one attempt came to.</summary>
public readonly record struct DeliveryResult
{
    /// <summary>The service has the message.</summary>
    public static DeliveryResult Delivered(string? status = null) => new() { Status = status };

    /// <summary>The attempt failed.</summary>
    public static DeliveryResult Failed(Classification fault, string error, string? status = null, TimeSpan? retryAfter = null) =>
        new() { Fault = fault, Error = error, Status = status, RetryAfter = retryAfter };

    /// <summary>What the failure was; null when it was delivered.</summary>
    public Classification? Fault { get; private init; }
    /// <summary>The error in words; null when it was delivered.</summary>
    public string? Error { get; private init; }
    /// <summary>The HTTP status or other code; null when there was none.</summary>
    public string? Status { get; private init; }
    /// <summary>How long the service asks to wait; null when it does not say.</summary>
    public TimeSpan? RetryAfter { get; private init; }
}
