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

    /// <summary>What waits behind a dead letter of its lane, and in how many lanes.</summary>
    private (long Deliveries, long Lanes) Blocked(IEnumerable<MemoryDelivery> deliveries)
    {
        var blocked = deliveries.Where(delivery => delivery.State is DeliveryState.Waiting
            && delivery.Lane?.DeadHead(state.Deliveries) is not null).ToList();
        return (blocked.Count, blocked.Select(delivery => delivery.Lane).Distinct().Count());
    }

    private int Holds(MemoryDelivery delivery) => delivery.State is DeliveryState.Dead && delivery.Lane is { } lane
        ? Math.Min(PageCursor.HoldsMax, lane.Members.Count(key =>
            key > delivery.Key && state.Deliveries[key].State is DeliveryState.Waiting))
        : 0;

    private QueueCounts Count(string queue, MemoryTotals totals, IEnumerable<MemoryDelivery> deliveries, long now)
    {
        var blocked = Blocked(deliveries);
        var states = new long[7];
        DateTimeOffset? oldest = null;
        var tried = new HashSet<string>();
        foreach (var delivery in deliveries)
        {
            var at = delivery.StateAt(now);
            states[(int)at]++;
            if (at is not DeliveryState.Waiting || (delivery.AttemptCount > 0 && !tried.Add(delivery.Service)))
                continue;
            // What was never tried waits since it is due: a sender may have put that off. Of what was tried the first stored counts, of
            // each service: it came before the others, unless it was imported.
            var since = delivery.AttemptCount == 0 ? StoreTime.Time(delivery.DueAt) : delivery.Message.CreatedAt;
            if (oldest is null || since < oldest)
                oldest = since;
        }
        return new(
            queue, totals.Accepted, states[(int)DeliveryState.Waiting], states[(int)DeliveryState.Delayed],
            states[(int)DeliveryState.Leased],
            totals.Delivered, states[(int)DeliveryState.Dead], totals.Discarded, totals.Expired, oldest)
        {
            Blocked = blocked.Deliveries,
            BlockedLanes = blocked.Lanes,
        };
    }

    public override Task<IReadOnlyList<ServiceCounts>> ServicesAsync(CancellationToken cancellationToken = default)
    {
        lock (gate)
        {
            var now = state.Now;
            var states = state.Deliveries.Values.ToLookup(delivery => delivery.Service, delivery => delivery.StateAt(now));
            long Of(string service, DeliveryState wanted) => states[service].Count(found => found == wanted);
            return Task.FromResult<IReadOnlyList<ServiceCounts>>([.. state.Services.Select(service =>
            {
                var blocked = Blocked(state.Deliveries.Values.Where(delivery => delivery.Service == service));
                return new ServiceCounts(
                    service, Of(service, DeliveryState.Waiting), Of(service, DeliveryState.Delayed),
                    Of(service, DeliveryState.Leased), Of(service, DeliveryState.Dead))
                {
                    Blocked = blocked.Deliveries,
                    BlockedLanes = blocked.Lanes,
                };
            })]);
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
            return Task.FromResult(state.Find(id) is { } delivery ? Stored(delivery, state.Now) : null);
    }

    public override Task<Payload?> PayloadAsync(DeliveryId id, CancellationToken cancellationToken = default)
    {
        lock (gate)
        {
            return Task.FromResult(state.Find(id) is { Edited: { } edited } delivery
                ? new Payload(edited.Body, edited.ContentType, delivery.Message.Message.Headers) { Edits = delivery.Edits } : Original(id));
        }
    }

    public override Task<Payload?> OriginalPayloadAsync(DeliveryId id, CancellationToken cancellationToken = default)
    {
        lock (gate)
            return Task.FromResult(Original(id));
    }

    private Payload? Original(DeliveryId id) =>
        state.Find(id)?.Message.Message is { } message ? new(message.Body, message.ContentType, message.Headers) : null;

    public override Task<Page<DeadLetterGroup>> GroupsAsync(DeadLetterGroupFilter filter, CancellationToken cancellationToken = default)
    {
        lock (gate)
            return Task.FromResult(LetterGroups.Page(state.Groups.All, filter));
    }

    public override Task<DeadLetterStats> DeadLetterStatsAsync(CancellationToken cancellationToken = default)
    {
        lock (gate)
        {
            var died = state.Deliveries.Values.Where(delivery => delivery.State is DeliveryState.Dead)
                .Select(delivery => delivery.EndedAt).ToList();
            return Task.FromResult(LetterStats.Of(
                state.Groups.All, state.Now, died.Count, (since, until) => died.Count(at => at >= since && at < until),
                died.Count == 0 ? null : died.Min()));
        }
    }

    public override Task<Page<DeliverySummary>> DeliveriesAsync(DeliveryFilter filter, CancellationToken cancellationToken = default)
    {
        var cursor = PageCursor.Of(filter);
        var group = filter.CheckedGroup();
        lock (gate)
        {
            var now = state.Now;
            var found = state.Deliveries.Values
                .Where(delivery => cursor.Admits(delivery.EndedAt, delivery.Key) && Matches(delivery, filter, group, now))
                .Order(Comparer<MemoryDelivery>.Create((left, right) =>
                    cursor.Compare((left.EndedAt, left.Key), (right.EndedAt, right.Key))))
                .Take(filter.Limit + 1).ToList();
            var last = found.Count > filter.Limit ? found[filter.Limit - 1] : null;
            return Task.FromResult(new Page<DeliverySummary>(
                [.. found.Take(filter.Limit).Select(delivery => Summary(delivery, now))],
                last is null ? null : cursor.Behind(last.EndedAt, last.Key).ToString()));
        }
    }

    private static bool Matches(MemoryDelivery delivery, DeliveryFilter filter, long? group, long now) =>
        (filter.State is null || filter.State == delivery.StateAt(now))
        && (filter.Resolved is null || filter.Resolved == delivery.Resolved)
        && (filter.Queue is null || filter.Queue == delivery.Queue)
        && (filter.Service is null || filter.Service == delivery.Service)
        && (!filter.Failing || (delivery.AttemptCount > 0 && delivery.Kind is not null
            && delivery.State is DeliveryState.Waiting or DeliveryState.Leased))
        && (filter.OrderKey is null || filter.OrderKey == delivery.Message.Message.OrderKey)
        && (filter.Text is null || delivery.Error?.Contains(filter.Text, StringComparison.OrdinalIgnoreCase) == true)
        && filter.Admits(Facts(delivery), group, now);

    private static LetterFacts Facts(MemoryDelivery delivery) => new(
        delivery.EndedAt, delivery.Kind?.Name(), delivery.Fault?.Persistence ?? Persistence.Unknown,
        delivery.Fault?.Blame ?? Blame.Unknown, delivery.AttemptCount, delivery.Generation, delivery.Group, delivery.Marks);

    private StoredDelivery Stored(MemoryDelivery delivery, long now) => new(
        Summary(delivery, now), [.. delivery.Attempts], delivery.Message.Message.TraceParent,
        AttemptRules.IdempotencyKey(delivery.Message.Id, delivery.KeyGeneration))
    { Acts = [.. delivery.Acts] };

    private DeliverySummary Summary(MemoryDelivery delivery, long now) => new()
    {
        Id = delivery.Id,
        Queue = delivery.Queue,
        Service = delivery.Service,
        State = delivery.StateAt(now),
        Blocked = delivery.State is DeliveryState.Waiting && delivery.Lane?.MayGo(delivery) == false,
        Holds = Holds(delivery),
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
        Group = delivery.Group is { } group ? LetterGroups.Id(group) : null,
        Edits = delivery.Edits,
        Assignee = delivery.Marks.Assignee,
        Note = delivery.Marks.Note,
        Parked = delivery.Marks.Manual,
        TakenBy = delivery.Marks.HolderAt(now),
        TakenUntil = delivery.Marks.HolderAt(now) is null ? null : StoreTime.Time(delivery.Marks.TakenUntil!.Value),
        Resolved = delivery.Resolved,
        Priority = Ranks.Live(delivery.Rank),
        ExpiresAt = delivery.ExpiresAt is { } expiry ? StoreTime.Time(expiry) : null,
    };
}
