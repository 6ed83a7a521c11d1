namespace Recourse.Durable;

/// <summary>
/// The queries of a store, whose payloads are changed on the way to the reader: opened, masked. Everything else is passed on as it is.
/// </summary>
/// <param name="inner">The queries that read.</param>
/// <param name="change">What a payload becomes, given whose it is; called on the reader's thread.</param>
public sealed class PayloadQueries(StoreQueries inner, Func<Payload, DeliveryId, Payload> change) : StoreQueries
{
    /// <inheritdoc/>
    public override async Task<Payload?> PayloadAsync(DeliveryId id, CancellationToken cancellationToken = default) =>
        await inner.PayloadAsync(id, cancellationToken) is { } payload ? change(payload, id) : null;

    /// <inheritdoc/>
    public override async Task<Payload?> OriginalPayloadAsync(DeliveryId id, CancellationToken cancellationToken = default) =>
        await inner.OriginalPayloadAsync(id, cancellationToken) is { } payload ? change(payload, id) : null;

    /// <inheritdoc/>
    public override Task<IReadOnlyList<QueueCounts>> QueuesAsync(CancellationToken cancellationToken = default) =>
        inner.QueuesAsync(cancellationToken);

    /// <inheritdoc/>
    public override Task<IReadOnlyList<ServiceCounts>> ServicesAsync(CancellationToken cancellationToken = default) =>
        inner.ServicesAsync(cancellationToken);

    /// <inheritdoc/>
    public override Task<StoredMessage?> MessageAsync(Guid id, CancellationToken cancellationToken = default) =>
        inner.MessageAsync(id, cancellationToken);

    /// <inheritdoc/>
    public override Task<Page<DeliverySummary>> DeliveriesAsync(DeliveryFilter filter, CancellationToken cancellationToken = default) =>
        inner.DeliveriesAsync(filter, cancellationToken);

    /// <inheritdoc/>
    public override Task<StoredDelivery?> DeliveryAsync(DeliveryId id, CancellationToken cancellationToken = default) =>
        inner.DeliveryAsync(id, cancellationToken);

    /// <inheritdoc/>
    public override Task<Page<DeadLetterGroup>> GroupsAsync(
        DeadLetterGroupFilter filter, CancellationToken cancellationToken = default) => inner.GroupsAsync(filter, cancellationToken);

    /// <inheritdoc/>
    public override Task<DeadLetterStats> DeadLetterStatsAsync(CancellationToken cancellationToken = default) =>
        inner.DeadLetterStatsAsync(cancellationToken);

    /// <inheritdoc/>
    public override Task<long> CountAsync(DeliveryFilter filter, long max, CancellationToken cancellationToken = default) =>
        inner.CountAsync(filter, max, cancellationToken);

    /// <inheritdoc/>
    public override Task<Page<ReplayJob>> ReplaysAsync(string? after, int limit, CancellationToken cancellationToken = default) =>
        inner.ReplaysAsync(after, limit, cancellationToken);

    /// <inheritdoc/>
    public override Task<IReadOnlyList<ReplayJob>> ActiveReplaysAsync(CancellationToken cancellationToken = default) =>
        inner.ActiveReplaysAsync(cancellationToken);

    /// <inheritdoc/>
    public override Task<ReplayJob?> ReplayAsync(Guid id, CancellationToken cancellationToken = default) =>
        inner.ReplayAsync(id, cancellationToken);

    /// <inheritdoc/>
    public override Task<Page<ReplayItem>> ReplayItemsAsync(
        Guid id, ReplayOutcome? outcome, string? after, int limit, CancellationToken cancellationToken = default) =>
        inner.ReplayItemsAsync(id, outcome, after, limit, cancellationToken);

    /// <inheritdoc/>
    public override Task<IReadOnlyList<Control>> ControlsAsync(CancellationToken cancellationToken = default) =>
        inner.ControlsAsync(cancellationToken);

    /// <inheritdoc/>
    public override Task<IReadOnlyList<ApiKey>> KeysAsync(CancellationToken cancellationToken = default) =>
        inner.KeysAsync(cancellationToken);

    /// <inheritdoc/>
    public override Task<Page<AuditEntry>> AuditAsync(AuditFilter filter, CancellationToken cancellationToken = default) =>
        inner.AuditAsync(filter, cancellationToken);

    /// <inheritdoc/>
    public override Task<IReadOnlyList<NodeStatus>> NodesAsync(CancellationToken cancellationToken = default) =>
        inner.NodesAsync(cancellationToken);
}
