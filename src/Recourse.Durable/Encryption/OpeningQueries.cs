namespace Recourse.Durable;

/// <summary>The queries of a store, whose payloads are opened on the way to the reader.</summary>
internal sealed class OpeningQueries(StoreQueries inner, Func<Payload, DeliveryId, Payload> change) : StoreQueries
{
    public override async Task<Payload?> PayloadAsync(DeliveryId id, CancellationToken cancellationToken = default) =>
        await inner.PayloadAsync(id, cancellationToken) is { } payload ? change(payload, id) : null;

    public override async Task<Payload?> OriginalPayloadAsync(DeliveryId id, CancellationToken cancellationToken = default) =>
        await inner.OriginalPayloadAsync(id, cancellationToken) is { } payload ? change(payload, id) : null;

    public override Task<IReadOnlyList<QueueCounts>> QueuesAsync(CancellationToken cancellationToken = default) =>
        inner.QueuesAsync(cancellationToken);

    public override Task<IReadOnlyList<ServiceCounts>> ServicesAsync(CancellationToken cancellationToken = default) =>
        inner.ServicesAsync(cancellationToken);

    public override Task<StoredMessage?> MessageAsync(Guid id, CancellationToken cancellationToken = default) =>
        inner.MessageAsync(id, cancellationToken);

    public override Task<Page<DeliverySummary>> DeliveriesAsync(DeliveryFilter filter, CancellationToken cancellationToken = default) =>
        inner.DeliveriesAsync(filter, cancellationToken);

    public override Task<StoredDelivery?> DeliveryAsync(DeliveryId id, CancellationToken cancellationToken = default) =>
        inner.DeliveryAsync(id, cancellationToken);

    public override Task<Page<DeadLetterGroup>> GroupsAsync(
        DeadLetterGroupFilter filter, CancellationToken cancellationToken = default) => inner.GroupsAsync(filter, cancellationToken);

    public override Task<DeadLetterStats> DeadLetterStatsAsync(CancellationToken cancellationToken = default) =>
        inner.DeadLetterStatsAsync(cancellationToken);

    public override Task<long> CountAsync(DeliveryFilter filter, long max, CancellationToken cancellationToken = default) =>
        inner.CountAsync(filter, max, cancellationToken);

    public override Task<Page<ReplayJob>> ReplaysAsync(string? after, int limit, CancellationToken cancellationToken = default) =>
        inner.ReplaysAsync(after, limit, cancellationToken);

    public override Task<IReadOnlyList<ReplayJob>> ActiveReplaysAsync(CancellationToken cancellationToken = default) =>
        inner.ActiveReplaysAsync(cancellationToken);

    public override Task<ReplayJob?> ReplayAsync(Guid id, CancellationToken cancellationToken = default) =>
        inner.ReplayAsync(id, cancellationToken);

    public override Task<Page<ReplayItem>> ReplayItemsAsync(
        Guid id, ReplayOutcome? outcome, string? after, int limit, CancellationToken cancellationToken = default) =>
        inner.ReplayItemsAsync(id, outcome, after, limit, cancellationToken);

    public override Task<IReadOnlyList<Control>> ControlsAsync(CancellationToken cancellationToken = default) =>
        inner.ControlsAsync(cancellationToken);

    public override Task<IReadOnlyList<ApiKey>> KeysAsync(CancellationToken cancellationToken = default) =>
        inner.KeysAsync(cancellationToken);

    public override Task<Page<AuditEntry>> AuditAsync(AuditFilter filter, CancellationToken cancellationToken = default) =>
        inner.AuditAsync(filter, cancellationToken);

    public override Task<IReadOnlyList<NodeStatus>> NodesAsync(CancellationToken cancellationToken = default) =>
        inner.NodesAsync(cancellationToken);
}
