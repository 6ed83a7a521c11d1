using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// Finds what is due for a service: each queue, rank, and kind of waiting (in a lane or not) is one range of an index, and ranges known to
/// be empty are not looked at. The ordinary queue, of one rank and no lanes, costs one look.
/// </summary>
internal sealed class DueReader
{
    private readonly List<DueDelivery> _found = [];
    private readonly ClaimTurns _turns = new();
    private readonly SqliteStatement[] _due;
    private readonly SqliteStatement[] _next;
    private readonly SqliteStatement[] _suspects;
    private readonly SqliteStatement[] _nextSuspect;

    // In the arrays: 0 is outside of lanes, 1 the lanes.
    public DueReader(SqliteDatabase database)
    {
        const string Outside = "FROM deliveries WHERE route = ?1 AND state = 0 AND lane IS NULL";
        const string Lane = "FROM lanes WHERE route = ?1 AND state = 0";
        // Whether suspect stands in the text, not in a parameter: only so does SQLite use the partial index.
        SqliteStatement[] Both(string what, string rest) =>
        [
            database.Prepare($"SELECT due_at{(what.Length > 0 ? ", key" : "")} {Outside} {rest.Replace("{key}", "key")}"),
            database.Prepare($"SELECT due_at{(what.Length > 0 ? ", head, id" : "")} {Lane} {rest.Replace("{key}", "head")}"),
        ];
        _due = Both("all", "AND suspect = 0 AND rank = ?2 AND due_at <= ?3 ORDER BY due_at, {key} LIMIT ?4");
        _next = Both("", "AND suspect = 0 AND rank = ?2 ORDER BY due_at LIMIT 1");
        _suspects = Both("all", "AND suspect = 1 AND due_at <= ?3 AND ?2 IS NOT NULL ORDER BY due_at, {key} LIMIT ?4");
        _nextSuspect = Both("", "AND suspect = 1 AND ?2 IS NOT NULL ORDER BY due_at LIMIT 1");
    }

    /// <summary>What to take, in order; the list is used again by the next call.</summary>
    public IReadOnlyList<DueDelivery> Choose(ClaimCommand command, List<Route> routes, int max, long now)
    {
        _found.Clear();
        if (command.Suspects)
        {
            foreach (var route in routes)
            {
                Collect(_suspects[0], route, 0, false, max, now);
                Collect(_suspects[1], route, 0, true, max, now);
            }
            ClaimTurns.Oldest(_found, max);
            return _found;
        }
        var ranks = 0u;
        foreach (var route in routes)
            ranks |= route.Sources.Any;
        var live = -1;
        while (ClaimSources.Highest(ref ranks) is { } rank)
        {
            if (Ranks.IsBulk(rank) && live < 0)
                live = _found.Count;
            // Lower ranks matter only while higher ones do not fill the claim; of replay jobs, only their share.
            var enough = live < 0 ? _found.Count >= max : _found.Count - live >= (live >= max ? Math.Min(command.BulkMax, max) : max);
            if (enough && live < 0)
            {
                // What is left of the ordinary ranks comes after what was found.
                continue;
            }
            if (enough)
                break;
            foreach (var route in routes)
            {
                if (route.Sources.Has(rank, inLane: false))
                    Collect(_due[0], route, rank, false, max, now);
                if (route.Sources.Has(rank, inLane: true))
                    Collect(_due[1], route, rank, true, max, now);
            }
        }
        _turns.Choose(command.Service, _found, max, command.BulkMax);
        return _found;
    }

    /// <summary>When the next comes due, of the sort asked for; null when none waits.</summary>
    public DateTimeOffset? Next(ClaimCommand command, List<Route> routes)
    {
        long? next = null;
        foreach (var route in routes)
        {
            if (command.Suspects)
            {
                next = Earlier(next, _nextSuspect[0].Bind(1, route.Id).Bind(2, 0).Scalar());
                next = Earlier(next, _nextSuspect[1].Bind(1, route.Id).Bind(2, 0).Scalar());
                continue;
            }
            var ranks = route.Sources.Any;
            while (ClaimSources.Highest(ref ranks) is { } rank)
            {
                next = Earlier(next, Next(route, rank, inLane: false));
                next = Earlier(next, Next(route, rank, inLane: true));
            }
        }
        return next is { } due ? StoreTime.Time(due) : null;
    }

    private long? Next(Route route, int rank, bool inLane)
    {
        if (!route.Sources.Has(rank, inLane))
            return null;
        var due = _next[inLane ? 1 : 0].Bind(1, route.Id).Bind(2, rank).Scalar();
        if (due is null)
            route.Sources.Clear(rank, inLane);
        return due;
    }

    private void Collect(SqliteStatement due, Route route, int rank, bool inLane, int max, long now)
    {
        due.Bind(1, route.Id).Bind(2, rank).Bind(3, now).Bind(4, max);
        while (due.Step())
            _found.Add(new(due.Int64(0), due.Int64(1), inLane ? due.Int64(2) : null, rank, route.Queue));
    }

    private static long? Earlier(long? left, long? right) => left is null || right < left ? right ?? left : left;
}
