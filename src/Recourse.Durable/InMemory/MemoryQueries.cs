namespace Recourse.Durable;

/// <summary>Reads straight from the collections, under the store's lock.</summary>
internal sealed partial class MemoryQueries(MemoryCommands state, Lock gate) : StoreQueries
{
    public override Task<IReadOnlyList<QueueCounts>> QueuesAsync(CancellationToken cancellationToken = default)
    {
        lock (gate)
        {
            var now = state.Now;
            var live = state.Deliveries.Values.ToLookup(delivery => delivery.Queue);
            return Task.FromResult<IReadOnlyList<QueueCounts>>(
                [.. state.Totals.Select(queue => Count(queue.Key, queue.Value, live[queue.Key], now))]);
        }
    }

    private static QueueCounts Count(string queue, MemoryTotals totals, IEnumerable<MemoryDelivery> deliveries, long now)
    {
        var states = new long[7];
        DateTimeOffset? oldest = null;
        foreach (var delivery in deliveries)
        {
            var at = delivery.StateAt(now);
            states[(int)at]++;
            // What was never tried waits since it is due: a sender may have put that off.
            var since = delivery.AttemptCount == 0 ? StoreTime.Time(delivery.DueAt) : delivery.Message.CreatedAt;
            if (at is DeliveryState.Waiting && (oldest is null || since < oldest))
                oldest = since;
        }
        return new(
            queue, totals.Accepted, states[(int)DeliveryState.Waiting], states[(int)DeliveryState.Delayed],
            states[(int)DeliveryState.Leased],
            totals.Delivered, states[(int)DeliveryState.Dead], totals.Discarded, totals.Expired, oldest);
    }

    public override Task<IReadOnlyList<ServiceCounts>> ServicesAsync(CancellationToken cancellationToken = default)
    {
        lock (gate)
        {
            var now = state.Now;
            var states = state.Deliveries.Values.ToLookup(delivery => delivery.Service, delivery => delivery.StateAt(now));
            long Of(string service, DeliveryState wanted) => states[service].Count(found => found == wanted);
            return Task.FromResult<IReadOnlyList<ServiceCounts>>([.. state.Services.Select(service => new ServiceCounts(
                service, Of(service, DeliveryState.Waiting), Of(service, DeliveryState.Delayed),
                Of(service, DeliveryState.Leased), Of(service, DeliveryState.Dead)))]);
        }
    }

    public override Task<StoredMessage?> MessageAsync(Guid id, CancellationToken cancellationToken = default)
    {
        lock (gate)
        {
            if (!state.Messages.TryGetValue(id, out var message))
                return Task.FromResult<StoredMessage?>(null);
            return Task.FromResult<StoredMessage?>(
                new(id, message.Message.Queue, message.CreatedAt, [.. message.Deliveries.Select(delivery => Stored(delivery, state.Now))]));
        }
    }

    public override Task<StoredDelivery?> DeliveryAsync(DeliveryId id, CancellationToken cancellationToken = default)
    {
        lock (gate)
            return Task.FromResult(Find(id) is { } delivery ? Stored(delivery, state.Now) : null);
    }

    public override Task<Payload?> PayloadAsync(DeliveryId id, CancellationToken cancellationToken = default)
    {
        lock (gate)
            return Task.FromResult(
                Find(id)?.Message.Message is { } message ? new Payload(message.Body, message.ContentType, message.Headers) : null);
    }

    public override Task<Page<DeliverySummary>> DeliveriesAsync(DeliveryFilter filter, CancellationToken cancellationToken = default)
    {
        var cursor = PageCursor.Of(filter);
        lock (gate)
        {
            var now = state.Now;
            var found = state.Deliveries.Values
                .Where(delivery => cursor.Admits(delivery.EndedAt, delivery.Key) && Matches(delivery, filter, now))
                .Order(Comparer<MemoryDelivery>.Create((left, right) =>
                    cursor.Compare((left.EndedAt, left.Key), (right.EndedAt, right.Key))))
                .Take(filter.Limit + 1).ToList();
            var last = found.Count > filter.Limit ? found[filter.Limit - 1] : null;
            return Task.FromResult(new Page<DeliverySummary>(
                [.. found.Take(filter.Limit).Select(delivery => Summary(delivery, now))],
                last is null ? null : cursor.Behind(last.EndedAt, last.Key).ToString()));
        }
    }

    private static bool Matches(MemoryDelivery delivery, DeliveryFilter filter, long now) =>
        (filter.State is null || filter.State == delivery.StateAt(now))
        && (filter.Queue is null || filter.Queue == delivery.Queue)
        && (filter.Service is null || filter.Service == delivery.Service)
        && (filter.Kind is null || filter.Kind == delivery.Kind)
        && (filter.OrderKey is null || filter.OrderKey == delivery.Message.Message.OrderKey)
        && (filter.Text is null || delivery.Error?.Contains(filter.Text, StringComparison.OrdinalIgnoreCase) == true);

    private MemoryDelivery? Find(DeliveryId id) =>
        state.Messages.TryGetValue(id.MessageId, out var message) && (uint)id.Index < (uint)message.Deliveries.Count
            ? message.Deliveries[id.Index] : null;

    private static StoredDelivery Stored(MemoryDelivery delivery, long now) => new(
        Summary(delivery, now), [.. delivery.Attempts], delivery.Message.Message.TraceParent,
        AttemptRules.IdempotencyKey(delivery.Message.Id, delivery.KeyGeneration));

    private static DeliverySummary Summary(MemoryDelivery delivery, long now) => new()
    {
        Id = delivery.Id,
        Queue = delivery.Queue,
        Service = delivery.Service,
        State = delivery.StateAt(now),
        Blocked = delivery.State is DeliveryState.Waiting && delivery.Lane?.MayGo(delivery) == false,
        Generation = delivery.Generation,
        CreatedAt = delivery.Message.CreatedAt,
        DueAt = delivery.State is DeliveryState.Waiting ? StoreTime.Time(delivery.DueAt) : null,
        AttemptCount = delivery.AttemptCount,
        OrderKey = delivery.Message.Message.OrderKey,
        Kind = delivery.Kind,
        Persistence = delivery.Fault?.Persistence ?? Persistence.Unknown,
        Blame = delivery.Fault?.Blame ?? Blame.Unknown,
        Error = delivery.Error,
        Decision = delivery.Decision,
        DeadAt = delivery.State is DeliveryState.Dead ? StoreTime.Time(delivery.EndedAt) : null,
        Suspect = delivery.Suspect,
        Priority = Ranks.Live(delivery.Rank),
        ExpiresAt = delivery.ExpiresAt is { } expiry ? StoreTime.Time(expiry) : null,
    };
}
