namespace Recourse.Durable;

/// <summary>Claims, and what ends by itself while it waits.</summary>
internal sealed partial class MemoryCommands
{
    /// <summary>Expired heads make way for others, but one claim does not empty a store of expired messages.</summary>
    public const int ClaimRoundsMax = 16;

    public ControlSet Controls { get; } = new();

    private ClaimResult Claim(ClaimCommand command)
    {
        var now = Now;
        var taken = new List<ClaimedDelivery>();
        if (!_waiting.TryGetValue(command.Service, out var waiting))
            return new(taken, null);
        var lease = ++_lease;
        for (var round = 0; round < ClaimRoundsMax; round++)
        {
            var expired = 0;
            foreach (var due in Due(command, waiting, command.Max - taken.Count, now))
            {
                var delivery = Deliveries[due.Key];
                if (delivery.ExpiresAt <= now)
                {
                    Expire(delivery);
                    expired++;
                    continue;
                }
                taken.Add(Take(delivery, command, lease, now));
            }
            if (expired == 0 || taken.Count >= command.Max)
                break;
        }
        return new(taken, Next(command, waiting));
    }

    /// <summary>Claims what was just stored, for a node that has room; null when it was not stored or is held.</summary>
    public ClaimedDelivery? TakeArrived(EnqueueCommand command, string node)
    {
        var (queue, service) = (command.Message.Queue, command.Message.Services[0]);
        if (command.Result.Status is not EnqueueStatus.Accepted || Controls.Holds(queue, service))
            return null;
        return Take(Messages[command.Result.MessageId].Deliveries[0], new(service, 1, node), ++_lease, Now);
    }

    private List<DueDelivery> Due(
        ClaimCommand command, SortedDictionary<(int Rank, string Queue), SortedSet<(long DueAt, long Key)>> waiting, int max, long now)
    {
        var due = new List<DueDelivery>();
        foreach (var ((rank, queue), deliveries) in waiting)
        {
            if (Controls.Holds(queue, command.Service))
                continue;
            var found = 0;
            foreach (var (dueAt, key) in deliveries)
            {
                if (dueAt > now || found >= max)
                    break;
                if (Deliveries[key] is not { Claimable: true } delivery || delivery.Suspect != command.Suspects)
                    continue;
                due.Add(new(dueAt, key, null, rank, queue));
                found++;
            }
        }
        if (command.Suspects)
            ClaimTurns.Oldest(due, max);
        else
            _turns.Choose(command.Service, due, max, command.BulkMax);
        return due;
    }

    private DateTimeOffset? Next(
        ClaimCommand command, SortedDictionary<(int Rank, string Queue), SortedSet<(long DueAt, long Key)>> waiting)
    {
        long? next = null;
        foreach (var ((_, queue), deliveries) in waiting)
        {
            if (Controls.Holds(queue, command.Service))
                continue;
            foreach (var (dueAt, key) in deliveries)
            {
                if (Deliveries[key].Suspect != command.Suspects || !Deliveries[key].Claimable)
                    continue;
                next = next < dueAt ? next : dueAt;
                break;
            }
        }
        return next is { } at ? StoreTime.Time(at) : null;
    }

    private int Expire(ExpireCommand command)
    {
        var now = Now;
        var over = Deliveries.Values
            .Where(delivery => delivery.State is DeliveryState.Waiting && delivery.ExpiresAt <= now)
            .OrderBy(delivery => delivery.ExpiresAt).ThenBy(delivery => delivery.Key).Take(command.Limit).ToList();
        over.ForEach(Expire);
        return over.Count;
    }

    private void Expire(MemoryDelivery delivery)
    {
        StopWaiting(delivery);
        delivery.Suspect = false;
        delivery.Decision = AttemptRules.ExpiredDecision;
        End(delivery, DeliveryState.Expired);
        delivery.LeaveLane();
        TotalsOf(delivery.Queue).Expired++;
    }

    private void Wait(MemoryDelivery delivery, long dueAt)
    {
        delivery.State = DeliveryState.Waiting;
        delivery.DueAt = dueAt;
        if (!_waiting.TryGetValue(delivery.Service, out var waiting))
            _waiting.Add(delivery.Service, waiting = new(Comparer<(int Rank, string Queue)>.Create(static (left, right) =>
                left.Rank != right.Rank ? left.Rank.CompareTo(right.Rank) : string.CompareOrdinal(left.Queue, right.Queue))));
        if (!waiting.TryGetValue((delivery.Rank, delivery.Queue), out var deliveries))
            waiting.Add((delivery.Rank, delivery.Queue), deliveries = []);
        deliveries.Add((dueAt, delivery.Key));
    }

    private void StopWaiting(MemoryDelivery delivery) =>
        _waiting[delivery.Service][(delivery.Rank, delivery.Queue)].Remove((delivery.DueAt, delivery.Key));
}
