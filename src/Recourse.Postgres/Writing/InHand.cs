using System.Collections.Concurrent;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// What is known of the deliveries that this node claimed, so that the end of an attempt need not ask: a help, never the truth, which is
/// the lease in the row. What is not in here (of a store that was opened anew, or after an error) is asked for.
/// </summary>
internal sealed class InHand
{
    // Of leases that were lost entries stay behind.
    private const int Max = 100_000;

    private readonly ConcurrentDictionary<DeliveryId, Delivery> _deliveries = new();
    private int _count;

    /// <param name="Key">Of its row.</param>
    /// <param name="IsPlain">The only one of its message, in no lane and of no replay job, with no attempts to forget: nothing but its row
    /// and the books change when it was delivered.</param>
    /// <param name="Lane">To be locked before the delivery, whose end changes it; null when it is in none.</param>
    internal readonly record struct Delivery(long Key, bool IsPlain, (string Service, string OrderKey)? Lane);

    public void Add(ClaimedRow row)
    {
        var claimed = row.Claimed;
        Add(claimed.Id, new(
            row.Key, row.IsPlain && AttemptRules.Forgotten(claimed.Attempt) == 0,
            claimed.OrderKey is { } orderKey ? (claimed.Service, orderKey) : null));
    }

    public void Add(DeliveryId id, Delivery delivery)
    {
        if (Interlocked.Increment(ref _count) > Max)
            Clear();
        _deliveries[id] = delivery;
    }

    public bool IsPlain(DeliveryId id) => _deliveries.TryGetValue(id, out var delivery) && delivery.IsPlain;

    /// <summary>What is known of a delivery whose attempt ends; null when nothing is.</summary>
    public Delivery? Take(DeliveryId id)
    {
        if (!_deliveries.TryRemove(id, out var delivery))
            return null;
        Interlocked.Decrement(ref _count);
        return delivery;
    }

    /// <summary>What is in hand is not known any more: claims were rolled back, or this node began anew.</summary>
    public void Clear()
    {
        _deliveries.Clear();
        Interlocked.Exchange(ref _count, 0);
    }
}
