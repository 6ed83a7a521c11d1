using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Takes what is due: from the routes of a service and from its lanes, merged by due time and sequence.</summary>
internal sealed class ClaimWriter
{
    private readonly record struct Candidate(long DueAt, long Key, long? Lane);

    private readonly Routes _routes;
    private readonly Lanes _lanes;
    private readonly HeldDeliveries _held;
    private readonly Names _nodes;
    private readonly List<Candidate> _candidates = [];
    private readonly SqliteStatement[] _due;
    private readonly SqliteStatement[] _next;
    private readonly SqliteStatement _dueLanes;
    private readonly SqliteStatement _nextLane;
    private readonly SqliteStatement _take;
    private readonly SqliteStatement _read;
    private readonly SqliteStatement _setAside;
    private readonly SqliteStatement _edited;
    private readonly Letters _letters;
    private long _lease;

    public ClaimWriter(SqliteDatabase database, Routes routes, Lanes lanes, HeldDeliveries held, Names nodes, Letters letters, long boot)
    {
        (_routes, _lanes, _held, _nodes, _letters) = (routes, lanes, held, nodes, letters);
        // Leases of a later boot are larger than every one of an earlier boot; a trillion claims fit into one.
        _lease = boot << 40;
        // Whether suspect stands in the text, not in a parameter: only so does SQLite use the partial index.
        SqliteStatement[] Both(string sql) =>
            [database.Prepare(sql + "suspect = 0 ORDER BY due_at, key LIMIT ?2"),
                database.Prepare(sql + "suspect = 1 ORDER BY due_at, key LIMIT ?2")];
        _due = Both("SELECT key, due_at FROM deliveries WHERE route = ?1 AND due_at <= ?3 AND state = 0 AND lane IS NULL AND ");
        _next = Both("SELECT due_at FROM deliveries WHERE route = ?1 AND state = 0 AND lane IS NULL AND ");
        _dueLanes = database.Prepare(
            """
            SELECT head, due_at, id FROM lanes WHERE service = ?1 AND suspect = ?2 AND state = 0 AND due_at <= ?3
            ORDER BY due_at, head LIMIT ?4
            """);
        _nextLane = database.Prepare("SELECT due_at FROM lanes WHERE service = ?1 AND suspect = ?2 AND state = 0 ORDER BY due_at LIMIT 1");
        _take = database.Prepare(
            """
            UPDATE deliveries SET state = 2, lease = ?2, attempts = attempts + 1, alone = ?3, node = ?4, claimed_at = ?5 WHERE key = ?1
            """);
        _read = database.Prepare(
            """
            SELECT d.attempts, d.attempts_before, d.message_faults, d.unknown_faults, d.last_delay_ms, d.generation, d.generation_at,
              d.key_generation, d.suspect, d.crashes_alone, d.route, m.id, m.created_at, m.order_key, m.content_type, m.headers,
                m.trace_parent,
              m.services, m.body, d.edits
            FROM deliveries d JOIN messages m ON m.sequence = d.key >> 8 WHERE d.key = ?1
            """);
        _edited = database.Prepare("SELECT content_type, body FROM letter_bodies WHERE delivery = ?1");
        _setAside = database.Prepare(
            "UPDATE deliveries SET state = 4, ended_at = ?2, kind = ?3, decision = ?4 WHERE key = ?1 RETURNING route, lane");
    }

    public ClaimResult Apply(ClaimCommand command, long now)
    {
        var routes = _routes.To(command.Service);
        if (routes.Count == 0)
            return new([], null);
        Choose(command, routes, now);
        if (_candidates.Count == 0)
            return new([], Next(command, routes));

        var lease = ++_lease;
        var node = _nodes.Id(command.Node);
        var taken = new List<ClaimedDelivery>(_candidates.Count);
        foreach (var candidate in _candidates)
        {
            try
            {
                taken.Add(Take(candidate, command, lease, node, now));
            }
            catch (Exception error) when (error is FormatException or KeyNotFoundException or ArithmeticException)
            {
                SetAside(candidate, error.Message, now);
            }
        }
        return new(taken, Next(command, routes));
    }

    private void Choose(ClaimCommand command, IReadOnlyList<Route> routes, long now)
    {
        _candidates.Clear();
        var sources = 0;
        var due = _due[command.Suspects ? 1 : 0];
        foreach (var route in routes)
        {
            var before = _candidates.Count;
            due.Bind(1, route.Id).Bind(2, command.Max).Bind(3, now);
            while (due.Step())
                _candidates.Add(new(due.Int64(1), due.Int64(0), null));
            sources += _candidates.Count > before ? 1 : 0;
        }
        var unordered = _candidates.Count;
        _dueLanes.Bind(1, routes[0].ServiceId).Bind(2, command.Suspects).Bind(3, now).Bind(4, command.Max);
        while (_dueLanes.Step())
            _candidates.Add(new(_dueLanes.Int64(1), _dueLanes.Int64(0), _dueLanes.Int64(2)));
        sources += _candidates.Count > unordered ? 1 : 0;
        if (sources > 1)
            _candidates.Sort(static (left, right) => (left.DueAt, left.Key).CompareTo((right.DueAt, right.Key)));
        if (_candidates.Count > command.Max)
            _candidates.RemoveRange(command.Max, _candidates.Count - command.Max);
    }

    private ClaimedDelivery Take(Candidate candidate, ClaimCommand command, long lease, long node, long now)
    {
        if (!_read.Bind(1, candidate.Key).Step())
            throw new KeyNotFoundException("its message is not there");
        try
        {
            var route = _routes.Of(_read.Int64(10));
            var id = new DeliveryId(_read.Guid(11), DeliveryKey.Index(candidate.Key));
            var attempt = _read.Int32(0) + 1;
            var created = StoreTime.Time(_read.Int64(12));
            var claimed = new ClaimedDelivery
            {
                Id = id,
                Lease = lease,
                Queue = route.Queue,
                Service = route.Service,
                Attempt = attempt,
                AttemptInGeneration = attempt - _read.Int32(1),
                MessageFaults = _read.Int32(2),
                UnknownFaults = _read.Int32(3),
                LastDelayMs = _read.Int64(4),
                Generation = _read.Int32(5),
                CreatedAt = created,
                GenerationAt = _read.Int64OrNull(6) is { } began ? StoreTime.Time(began) : created,
                ClaimedAt = StoreTime.Time(now),
                Suspect = _read.Bool(8),
                CrashesAlone = _read.Int32(9),
                IdempotencyKey = AttemptRules.IdempotencyKey(id.MessageId, _read.Int32(7)),
                OrderKey = _read.TextOrNull(13),
                ContentType = _read.TextOrNull(14),
                Headers = HeaderText.Read(_read.TextOrNull(15)),
                TraceParent = _read.TextOrNull(16),
                Body = _read.Blob(18),
            };
            if (_read.Int32(19) > 0)
                claimed = Edited(candidate.Key, claimed);
            _held.Remember(id, new(candidate.Key, lease, route.Id, candidate.Lane, attempt, claimed.Generation, _read.Int64(17) == 1));
            _take.Bind(1, candidate.Key).Bind(2, lease).Bind(3, command.Suspects).Bind(4, node).Bind(5, now).Run();
            if (candidate.Lane is { } lane)
                _lanes.Take(lane);
            _routes.Move(route, DeliveryState.Waiting, DeliveryState.Leased);
            return claimed;
        }
        finally
        {
            _read.Reset();
        }
    }

    /// <summary>A row that cannot be read must not stop the rows behind it: it becomes a dead letter that tells why.</summary>
    private void SetAside(Candidate candidate, string why, long now)
    {
        var key = candidate.Key;
        var (died, kind, decision) = (_letters.DiedAt(now), FaultKind.Unknown.Name(), $"dead: the stored row cannot be read: {why}");
        if (!_setAside.Bind(1, key).Bind(2, died).Bind(3, kind).Bind(4, decision).Step())
        {
            // A lane that points nowhere: whoever is first in it is its head.
            if (candidate.Lane is { } astray)
                _lanes.Settle(astray, key);
            return;
        }
        var (route, lane) = (_setAside.Int64(0), _setAside.Int64OrNull(1));
        _setAside.Reset();
        if (lane is { } joined)
            _lanes.Settle(joined, key);
        if (_routes.Find(route) is not { } known)
            return;
        _letters.Died(key, known, kind, decision, died);
        _routes.Move(known, DeliveryState.Waiting, DeliveryState.Dead);
    }

    /// <summary>With the body that a person gave it in place of the one that came in.</summary>
    private ClaimedDelivery Edited(long key, ClaimedDelivery claimed)
    {
        if (!_edited.Bind(1, key).Step())
            throw new KeyNotFoundException("its edited body is not there");
        claimed = claimed with { ContentType = _edited.TextOrNull(0), Body = _edited.Blob(1) };
        _edited.Reset();
        return claimed;
    }

    private DateTimeOffset? Next(ClaimCommand command, IReadOnlyList<Route> routes)
    {
        long? next = null;
        foreach (var route in routes)
            next = Earlier(next, _next[command.Suspects ? 1 : 0].Bind(1, route.Id).Bind(2, 1).Scalar());
        next = Earlier(next, _nextLane.Bind(1, routes[0].ServiceId).Bind(2, command.Suspects).Scalar());
        return next is { } due ? StoreTime.Time(due) : null;
    }

    private static long? Earlier(long? left, long? right) => left is null || right < left ? right ?? left : left;
}
