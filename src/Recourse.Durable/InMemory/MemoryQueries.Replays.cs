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
            // A job's number is its place in the list, from 1.
            var last = (int)Math.Min(cursor - 1, state.Replays.Count);
            var page = state.Replays.Take(last).Reverse().Take(limit).Select(replay => replay.Job).ToList();
            return Task.FromResult(new Page<ReplayJob>(page, last > limit ? KeyCursor.Text(last - limit + 1) : null));
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
}
