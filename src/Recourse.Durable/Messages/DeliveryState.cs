namespace Recourse.Durable;

/// <summary>Where a delivery is. Shown by its name in lower case; stored as text-stable numbers that never change their meaning.</summary>
public enum DeliveryState
{
    /// <summary>Ready to be claimed, or behind the head of its lane.</summary>
    Waiting = 0,
    /// <summary>Waiting for its time. Not stored: a waiting delivery whose due time is ahead.</summary>
    Delayed = 1,
    /// <summary>An attempt is under way.</summary>
    Leased = 2,
    /// <summary>The service has it. Final.</summary>
    Delivered = 3,
    /// <summary>It left the ordinary way and waits for a replay.</summary>
    Dead = 4,
    /// <summary>An operator put it away. Final.</summary>
    Discarded = 5,
    /// <summary>Its time ran out. Final.</summary>
    Expired = 6,
}
