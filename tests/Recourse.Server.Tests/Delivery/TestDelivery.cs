using Recourse.Durable;

namespace Recourse.Server.Tests;

/// <summary>A delivery as a claim gives it, for the service <c>shop</c>; tests change what they are about.</summary>
internal static class TestDelivery
{
    public static ClaimedDelivery Plain { get; } = new()
    {
        Id = new(Guid.Parse("01900000-0000-7000-8000-000000000001"), 0),
        Lease = 1,
        Queue = "orders",
        Service = "shop",
        Attempt = 1,
        AttemptInGeneration = 1,
        Generation = 0,
        CreatedAt = default,
        GenerationAt = default,
        ClaimedAt = default,
        IdempotencyKey = "k",
        Body = "{}"u8.ToArray(),
    };
}
