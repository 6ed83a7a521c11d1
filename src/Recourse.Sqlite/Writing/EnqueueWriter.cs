using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Stores messages and their deliveries.</summary>
internal sealed class EnqueueWriter
{
    private readonly Routes _routes;
    private readonly Lanes _lanes;
    private readonly Names _nodes;
    private readonly ArrivalWriter _arrivals;
    private readonly MessageIds _ids;
    private readonly SqliteStatement _findKey;
    private readonly SqliteStatement _addKey;
    private readonly SqliteStatement _addMessage;
    private readonly SqliteStatement _addDelivery;
    private readonly SqliteStatement _addTaken;
    private readonly SqliteStatement _keepMark;
    // The last that were given out; what a rollback took back is not used again.
    private long _sequence;
    private Guid _lastId;

    public EnqueueWriter(SqliteDatabase database, Routes routes, Lanes lanes, Names nodes, ArrivalWriter arrivals)
    {
        (_routes, _lanes, _nodes, _arrivals) = (routes, lanes, nodes, arrivals);
        _findKey = database.Prepare("SELECT hash, message, expires_at FROM idempotency WHERE queue = ?1 AND key = ?2");
        _addKey = database.Prepare(
            "INSERT OR REPLACE INTO idempotency (queue, key, hash, message, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)");
        _addMessage = database.Prepare(
            """
            INSERT INTO messages (sequence, id, queue, services, created_at, order_key, content_type, headers, trace_parent, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """);
        _addDelivery = database.Prepare(
            """
            INSERT INTO deliveries (key, route, state, due_at, lane, rank, expires_at, generation_at)
            VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7)
            """);
        _addTaken = database.Prepare(
            """
            INSERT INTO deliveries (key, route, state, due_at, rank, lease, attempts, node, claimed_at)
            VALUES (?1, ?2, 2, ?3, ?4, ?5, 1, ?6, ?3)
            """);
        _keepMark = database.Prepare("UPDATE owner SET sequence = ?1, last_id = ?2 WHERE id = 1");
        // The last id that is one: a damaged row must not keep the store from opening.
        using var last = database.Prepare(
            """
            SELECT max(sequence), (SELECT id FROM messages WHERE typeof(id) = 'blob' AND length(id) = 16 ORDER BY sequence DESC LIMIT 1)
            FROM messages
            """);
        using var mark = database.Prepare("SELECT sequence, last_id FROM owner WHERE id = 1");
        mark.Step();
        (_sequence, _lastId) = (mark.Int64(0), mark.Guid(1));
        mark.Reset();
        if (last.Step() && last.Int64(0) > _sequence)
            (_sequence, _lastId) = (last.Int64(0), last.IsNull(1) ? _lastId : last.Guid(1));
        last.Reset();
        _ids = new(_lastId);
    }

    /// <summary>
    /// Stores a message that has its id from elsewhere; gives its number. The mark is kept first: after a start, ids go on behind those
    /// that were made here.
    /// </summary>
    public long Add(Guid id, NewMessage message, long createdAt)
    {
        _sequence++;
        KeepMark();
        Add(_sequence, id, _routes.QueueId(message.Queue), message, createdAt);
        return _sequence;
    }

    /// <summary>After a start, numbers and ids go on behind the last that were given out, even when their rows are gone.</summary>
    public void KeepMark() => _keepMark.Bind(1, _sequence).Bind(2, _lastId).Run();

    private void Add(long sequence, Guid id, long queue, NewMessage message, long createdAt) =>
        _addMessage.Bind(1, sequence).Bind(2, id).Bind(3, queue).Bind(4, message.Services.Count).Bind(5, createdAt)
            .Bind(6, message.OrderKey).Bind(7, message.ContentType).Bind(8, HeaderText.Write(message.Headers)).Bind(9, message.TraceParent)
            .Bind(10, message.Body.Span).Run();

    /// <param name="command">The message.</param>
    /// <param name="lease">The fence if it is claimed at once.</param>
    /// <param name="now">The time of the commit.</param>
    public EnqueueResult Apply(EnqueueCommand command, Func<long> lease, long now)
    {
        var message = command.Message;
        var queue = _routes.QueueId(message.Queue);
        if (message.IdempotencyKey is { } key && Used(queue, key, command, now) is { } used)
            return used;
        var id = command.Id ?? (_lastId = _ids.Next(StoreTime.Time(now)));
        if (message.IdempotencyKey is { } unused)
        {
            _addKey.Bind(1, queue).Bind(2, unused).Bind(3, command.ContentHash).Bind(4, id)
                .Bind(5, now + (long)command.IdempotencyWindow.TotalMicroseconds).Run();
        }

        var sequence = ++_sequence;
        var services = message.Services;
        // What a sender put off is not older for it: its generation begins when it is due.
        var due = message.DeliverAt is { } at ? Math.Max(now, StoreTime.Micros(at)) : now;
        long? expires = message.ExpiresAt is { } expiry ? StoreTime.Micros(expiry) : null;
        Add(sequence, id, queue, message, now);
        if (_arrivals.Reserve(command) is { } node)
        {
            command.Result = new(EnqueueStatus.Accepted, id);
            AddTaken(command, sequence, node, lease(), now);
            return command.Result;
        }
        for (var i = 0; i < services.Count; i++)
        {
            var route = _routes.Of(message.Queue, services[i]);
            var delivery = DeliveryKey.Of(sequence, i);
            long? lane = message.OrderKey is { } orderKey ? _lanes.Join(route, orderKey, delivery, due, message.Priority) : null;
            _addDelivery.Bind(1, delivery).Bind(2, route.Id).Bind(3, due).Bind(4, lane).Bind(5, message.Priority).Bind(6, expires)
                .Bind(7, due > now ? due : null).Run();
            _routes.Accept(route);
            if (lane is null)
                route.Sources.Mark(message.Priority, inLane: false);
        }
        return new(EnqueueStatus.Accepted, id);
    }

    private void AddTaken(EnqueueCommand command, long sequence, string node, long lease, long now)
    {
        var (message, key) = (command.Message, DeliveryKey.Of(sequence, 0));
        var route = _routes.Of(message.Queue, message.Services[0]);
        _addTaken.Bind(1, key).Bind(2, route.Id).Bind(3, now).Bind(4, message.Priority).Bind(5, lease).Bind(6, _nodes.Id(node)).Run();
        _routes.Accept(route);
        _arrivals.Stored(command, route, key, lease, now);
    }

    private EnqueueResult? Used(long queue, string key, EnqueueCommand command, long now)
    {
        EnqueueResult? result = null;
        if (_findKey.Bind(1, queue).Bind(2, key).Step() && _findKey.Int64(2) > now)
            result = new(command.IsSame(_findKey.Blob(0)) ? EnqueueStatus.Duplicate
                : EnqueueStatus.KeyConflict, _findKey.Guid(1));
        _findKey.Reset();
        return result;
    }
}
