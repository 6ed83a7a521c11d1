using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Removes finished messages and expired idempotency keys, a bounded slice at a time. The books keep their totals.</summary>
internal sealed class PruneWriter(SqliteDatabase database, Routes routes, Removal removal)
{
    private readonly SqliteStatement _old = database.Prepare(
        "SELECT prunable_at, key FROM deliveries WHERE route = ?3 AND prunable_at <= ?1 ORDER BY prunable_at, key LIMIT ?2");
    private readonly SqliteStatement _newest = database.Prepare(
        "SELECT prunable_at FROM deliveries WHERE route = ?1 AND prunable_at IS NOT NULL ORDER BY prunable_at DESC LIMIT ?2");
    private readonly SqliteStatement _keys = database.Prepare(
        """
        DELETE FROM idempotency WHERE (queue, key) IN (SELECT queue, key FROM idempotency WHERE expires_at <= ?1 ORDER BY expires_at
          LIMIT ?2)
        """);
    // Queue 0 is nobody's, and what expired long ago goes with the next pruning.
    private readonly SqliteStatement _probe = database.Prepare(
        "INSERT OR REPLACE INTO idempotency (queue, key, hash, message, expires_at) VALUES (0, '', zeroblob(?1), zeroblob(16), 0)");
    private readonly List<(long EndedAt, long Key)> _slice = [];

    public int Apply(PruneCommand command, long now)
    {
        Collect(command, now);
        foreach (var (_, key) in _slice)
            removal.Remove(DeliveryKey.Sequence(key));
        _keys.Bind(1, now).Bind(2, command.Limit).Run();
        return _slice.Count;
    }

    // The oldest of all routes of the queue; each route is one range of its index.
    private void Collect(PruneCommand command, long now)
    {
        _slice.Clear();
        var all = routes.All.Where(route => command.Queue is null || command.Queue == route.Queue).ToList();
        var before = now - (long)command.OlderThan.TotalMicroseconds;
        if (command.KeepMax is { } most && Beyond(all, most) is { } newestToGo)
            before = Math.Max(before, newestToGo);
        foreach (var route in all)
        {
            _old.Bind(1, before).Bind(2, command.Limit).Bind(3, route.Id);
            while (_old.Step())
                _slice.Add((_old.Int64(0), _old.Int64(1)));
        }
        _slice.Sort();
        if (_slice.Count > command.Limit)
            _slice.RemoveRange(command.Limit, _slice.Count - command.Limit);
    }

    /// <summary>When the newest of those ended that are more than may stay; null while there are no more.</summary>
    private long? Beyond(List<Route> all, int most)
    {
        var newest = new List<long>();
        foreach (var route in all)
        {
            _newest.Bind(1, route.Id).Bind(2, most + 1L);
            while (_newest.Step())
                newest.Add(_newest.Int64(0));
        }
        newest.Sort();
        return newest.Count > most ? newest[newest.Count - 1 - most] : null;
    }

    public bool Apply(ProbeCommand command)
    {
        _probe.Bind(1, command.Size).Run();
        return true;
    }
}
