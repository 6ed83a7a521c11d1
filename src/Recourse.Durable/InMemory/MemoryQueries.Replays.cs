namespace Recourse.Durable;

/// <summary>Replay jobs and controls.</summary>
internal sealed partial class MemoryQueries
{
    public override Task<long> CountAsync(DeliveryFilter filter, long max, CancellationToken cancellationToken = default)
    {
        var group = filter.CheckedGroup();
        lock (gate)
        {
            var now = state.Now;
            return Task.FromResult(Math.Min(max, state.Deliveries.Values.LongCount(delivery => Matches(delivery, filter, group, now))));
        }
    }

    public override Task<Page<ReplayJob>> ReplaysAsync(string? after, int limit, CancellationToken cancellationToken = default)
    {
        var cursor = KeyCursor.Of(after, limit) ?? long.MaxValue;
        lock (gate)
        {
            var found = state.Replays.Where(replay => replay.Number < cursor).Reverse().Take(limit + 1).ToList();
            return Task.FromResult(new Page<ReplayJob>(
                [.. found.Take(limit).Select(replay => replay.Job)], found.Count > limit ? KeyCursor.Text(found[limit - 1].Number) : null));
        }
    }

    public override Task<IReadOnlyList<ReplayJob>> ActiveReplaysAsync(CancellationToken cancellationToken = default)
    {
        lock (gate)
        {
            return Task.FromResult<IReadOnlyList<ReplayJob>>(
                [.. state.Replays.Select(replay => replay.Job).Where(job => job.State is ReplayState.Running or ReplayState.Canary)]);
        }
    }

    public override Task<ReplayJob?> ReplayAsync(Guid id, CancellationToken cancellationToken = default)
    {
        lock (gate)
            return Task.FromResult(state.Replays.Find(replay => replay.Job.Id == id)?.Job);
    }

    public override Task<Page<ReplayItem>> ReplayItemsAsync(
        Guid id, ReplayOutcome? outcome, string? after, int limit, CancellationToken cancellationToken = default)
    {
        var cursor = KeyCursor.Of(after, limit) ?? long.MinValue;
        lock (gate)
        {
            var found = (state.Replays.Find(replay => replay.Job.Id == id)?.Items ?? [])
                .Where(item => item.Key > cursor && (outcome is null || item.Value.Outcome == outcome)).Take(limit + 1).ToList();
            var more = found.Count > limit;
            return Task.FromResult(new Page<ReplayItem>(
                [.. found.Take(limit).Select(item => item.Value)], more ? KeyCursor.Text(found[limit - 1].Key) : null));
        }
    }

    public override Task<IReadOnlyList<Control>> ControlsAsync(CancellationToken cancellationToken = default)
    {
        lock (gate)
            return Task.FromResult(state.Controls.All);
    }

    public override Task<IReadOnlyList<ApiKey>> KeysAsync(CancellationToken cancellationToken = default)
    {
        lock (gate)
            return Task.FromResult<IReadOnlyList<ApiKey>>([.. state.Keys]);
    }

    public override Task<Page<AuditEntry>> AuditAsync(AuditFilter filter, CancellationToken cancellationToken = default)
    {
        var cursor = KeyCursor.Of(filter.After, filter.Limit) ?? long.MaxValue;
        lock (gate)
        {
            var found = state.Acts.Where(act => act.Number < cursor && filter.Admits(act)).Reverse().Take(filter.Limit + 1).ToList();
            return Task.FromResult(new Page<AuditEntry>([.. found.Take(filter.Limit)],
                found.Count > filter.Limit ? KeyCursor.Text(found[filter.Limit - 1].Number) : null));
        }
    }

    internal override Task<IReadOnlyList<PayloadKeyNote>> PayloadKeysAsync(CancellationToken cancellationToken)
    {
        lock (gate)
            return Task.FromResult<IReadOnlyList<PayloadKeyNote>>([.. state.PayloadKeys]);
    }

    internal override Task<IReadOnlyList<StoredPayload>> StoredPayloadsAsync(
        bool edited, string otherThan, long after, int limit, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            var rows = edited
                ? state.Deliveries.Values.Where(delivery => delivery.Edited is not null).Select(delivery => new StoredPayload(
                    delivery.Key, true, delivery.Message.Id, delivery.Queue, delivery.Edited!.Value.ContentType,
                    HeaderText.Write(delivery.Message.Message.Headers), delivery.Edited.Value.Body))
                : state.Messages.Values.Select(message => new StoredPayload(message.Sequence, false, message.Id, message.Message.Queue,
                    message.Message.ContentType, HeaderText.Write(message.Message.Headers), message.Message.Body));
            return Task.FromResult<IReadOnlyList<StoredPayload>>(
                [.. rows.Where(row => row.Key > after && row.ContentType != otherThan).OrderBy(row => row.Key).Take(limit)]);
        }
    }
}
