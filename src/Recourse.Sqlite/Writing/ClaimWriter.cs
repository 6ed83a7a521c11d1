using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Takes what is due: chosen by <see cref="DueReader"/>, read, and marked as in hand.</summary>
internal sealed class ClaimWriter
{
    private const int RoundsMax = 16;

    private readonly Routes _routes;
    private readonly Lanes _lanes;
    private readonly HeldDeliveries _held;
    private readonly Names _nodes;
    private readonly ExpiryWriter _expiry;
    private readonly ReplayBooks _replays;
    private readonly ControlSet _controls;
    private readonly DueReader _due;
    private readonly List<Route> _open = [];
    private readonly SqliteStatement _take;
    private readonly SqliteStatement _read;
    private readonly SqliteStatement _setAside;
    private readonly SqliteStatement _edited;
    private readonly Letters _letters;
    private long _lease;

    public ClaimWriter(
        SqliteDatabase database, Routes routes, Lanes lanes, HeldDeliveries held, Names nodes, ExpiryWriter expiry, Letters letters,
        ReplayBooks replays, ControlSet controls, long boot)
    {
        (_routes, _lanes, _held, _nodes, _expiry) = (routes, lanes, held, nodes, expiry);
        (_letters, _replays, _controls) = (letters, replays, controls);
        _due = new(database);
        // Leases of a later boot are larger than every one of an earlier boot; a trillion claims fit into one.
        _lease = boot << 40;
        _take = database.Prepare(
            """
            UPDATE deliveries SET state = 2, lease = ?2, attempts = attempts + 1, alone = ?3, node = ?4, claimed_at = ?5 WHERE key = ?1
            """);
        _read = database.Prepare(
            """
            SELECT d.attempts, d.attempts_before, d.message_faults, d.unknown_faults, d.last_delay_ms, d.generation, d.generation_at,
              d.key_generation, d.suspect, d.crashes_alone, d.route, m.id, m.created_at, m.order_key, m.content_type, m.headers,
              m.trace_parent, m.services, d.rank, d.replay, d.expires_at, m.body, d.edits
            FROM deliveries d JOIN messages m ON m.sequence = d.key >> 8 WHERE d.key = ?1
            """);
        _edited = database.Prepare("SELECT content_type, body FROM letter_bodies WHERE delivery = ?1");
        _setAside = database.Prepare(
            """
            UPDATE deliveries SET state = 4, ended_at = ?2, kind = ?3, decision = ?4,
              rank = CASE WHEN rank < 0 THEN rank + 10 ELSE rank END, lane = CASE WHEN route IN (SELECT id FROM routes) THEN lane END
            WHERE key = ?1 AND state = 0 RETURNING route, lane, replay
            """);
    }

    /// <summary>A fence that is larger than all before it.</summary>
    public long NextLease() => ++_lease;

    public ClaimResult Apply(ClaimCommand command, long now)
    {
        _open.Clear();
        foreach (var route in _routes.To(command.Service))
        {
            if (!_controls.Holds(route.Queue, route.Service))
                _open.Add(route);
        }
        if (_open.Count == 0)
            return new([], null);
        long lease = 0, node = 0;
        List<ClaimedDelivery>? taken = null;
        // Expired heads make way for others, but one claim does not empty a store of expired messages.
        for (var round = 0; round < RoundsMax; round++)
        {
            var due = _due.Choose(command, _open, command.Max - (taken?.Count ?? 0), now);
            if (due.Count == 0)
                break;
            if (taken is null)
            {
                taken = new(due.Count);
                (lease, node) = (NextLease(), _nodes.Id(command.Node));
            }
            var before = taken.Count;
            foreach (var candidate in due)
                Take(candidate, command, lease, node, now, taken);
            if (taken.Count - before == due.Count || taken.Count >= command.Max)
                break;
        }
        return new((IReadOnlyList<ClaimedDelivery>?)taken ?? [], _due.Next(command, _open));
    }

    private void Take(DueDelivery candidate, ClaimCommand command, long lease, long node, long now, List<ClaimedDelivery> taken)
    {
        try
        {
            if (!_read.Bind(1, candidate.Key).Step())
                throw new KeyNotFoundException("its message is not there");
            var route = _routes.Of(_read.Int64(10));
            if (_read.Int64OrNull(20) <= now)
            {
                var onlyOne = _read.Int64(17) == 1;
                _read.Reset();
                _expiry.Expire(candidate.Key, route, candidate.Lane, onlyOne, now);
                return;
            }
            var claimed = Read(candidate, route, lease, now);
            if (_read.Int32(22) > 0)
                claimed = Edited(candidate.Key, claimed);
            _held.Remember(claimed.Id, new(candidate.Key, lease, route.Id, candidate.Lane, claimed.Attempt, claimed.Generation,
                _read.Int64(17) == 1, _read.Int32(18), _read.Int64OrNull(19)));
            _take.Bind(1, candidate.Key).Bind(2, lease).Bind(3, command.Suspects).Bind(4, node).Bind(5, now).Run();
            if (candidate.Lane is { } lane)
                _lanes.Take(lane);
            _routes.Move(route, DeliveryState.Waiting, DeliveryState.Leased);
            taken.Add(claimed);
        }
        catch (Exception error) when (error is FormatException or KeyNotFoundException or ArithmeticException)
        {
            _read.Reset();
            SetAside(candidate, error.Message, now);
        }
        finally
        {
            _read.Reset();
        }
    }

    private ClaimedDelivery Read(DueDelivery candidate, Route route, long lease, long now)
    {
        var id = new DeliveryId(_read.Guid(11), DeliveryKey.Index(candidate.Key));
        var attempt = _read.Int32(0) + 1;
        var created = StoreTime.Time(_read.Int64(12));
        return new()
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
            Bulk = Ranks.IsBulk(_read.Int32(18)),
            IdempotencyKey = AttemptRules.IdempotencyKey(id.MessageId, _read.Int32(7)),
            OrderKey = _read.TextOrNull(13),
            ContentType = _read.TextOrNull(14),
            Headers = HeaderText.Read(_read.TextOrNull(15)),
            TraceParent = _read.TextOrNull(16),
            Body = _read.Blob(21),
        };
    }

    /// <summary>
    /// A row that cannot be read must not stop the rows behind it: it becomes a dead letter that tells why. Without a route nobody could
    /// replay or discard it, so it leaves its lane too.
    /// </summary>
    private void SetAside(DueDelivery candidate, string why, long now)
    {
        var key = candidate.Key;
        var (died, kind, decision) = (_letters.DiedAt(now), FaultKind.Unknown.Name(), $"dead: the stored row cannot be read: {why}");
        if (!_setAside.Bind(1, key).Bind(2, died).Bind(3, kind).Bind(4, decision).Step())
        {
            // A lane that points nowhere, or to what does not wait: whoever is first in it is its head.
            if (candidate.Lane is { } astray)
                _lanes.Settle(astray, key);
            return;
        }
        var (route, lane, replay) = (_setAside.Int64(0), _setAside.Int64OrNull(1), _setAside.Int64OrNull(2));
        _setAside.Reset();
        if (lane is { } joined)
            _lanes.Settle(joined, key);
        if (candidate.Lane is { } other && other != lane)
            _lanes.Settle(other, key);
        if (replay is { } job)
            _replays.Ended(job, key, ReplayOutcome.Dead, now);
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
}
