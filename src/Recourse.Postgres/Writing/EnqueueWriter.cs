using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Stores all new messages of a batch by two statements, whatever their number.</summary>
internal sealed class EnqueueWriter(Books books, Lanes lanes)
{
    private MessageIds _ids = new();

    /// <summary>Goes on after the last id that was ever given out, whatever the clock says now.</summary>
    public void Continue(Sql sql)
    {
        var last = sql.Read(
            """
            SELECT id FROM (SELECT last_id AS id FROM marks UNION ALL (SELECT id FROM messages ORDER BY sequence DESC LIMIT 1)) AS ids
            ORDER BY id DESC LIMIT 1
            """, row => row.GetGuid(0));
        _ids = last is [var id] ? new(id) : new();
    }

    /// <summary>Gives ids, and takes the idempotency keys: which of them are new.</summary>
    public List<EnqueueCommand> Admit(Sql sql, List<EnqueueCommand> commands, long now)
    {
        foreach (var command in commands)
            command.Result = new(EnqueueStatus.Accepted, command.Id ?? _ids.Next(StoreTime.Time(now)));
        // In one order on every node; of two in one batch with the same key the first is the first.
        foreach (var command in commands.Where(command => command.Message.IdempotencyKey is not null)
            .OrderBy(command => command.Message.Queue, StringComparer.Ordinal)
            .ThenBy(command => command.Message.IdempotencyKey, StringComparer.Ordinal))
            command.Result = Used(sql, command, command.Result.MessageId, now) ?? command.Result;
        return commands.FindAll(command => command.Result.Status is EnqueueStatus.Accepted);
    }

    private static EnqueueResult? Used(Sql sql, EnqueueCommand command, Guid id, long now)
    {
        if (command.Message.IdempotencyKey is not { } key)
            return null;
        var taken = sql.Run(
            """
            INSERT INTO idempotency (queue, key, hash, message, expires_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (queue, key) DO UPDATE SET hash = excluded.hash, message = excluded.message, expires_at = excluded.expires_at
            WHERE idempotency.expires_at <= $6
            """, command.Message.Queue, key, command.ContentHash, id, now + (long)command.IdempotencyWindow.TotalMicroseconds, now);
        if (taken > 0)
            return null;
        return sql.Read("SELECT hash, message FROM idempotency WHERE queue = $1 AND key = $2", row =>
        {
            var same = command.IsSame(row.GetFieldValue<byte[]>(0));
            return new EnqueueResult(same ? EnqueueStatus.Duplicate : EnqueueStatus.KeyConflict, row.GetGuid(1));
        }, command.Message.Queue, key)[0];
    }

    /// <summary>Stores what was admitted; its lanes are locked.</summary>
    public void Insert(Sql sql, List<EnqueueCommand> commands, long now)
    {
        var messages = commands.ConvertAll(command => command.Message);
        var sequences = sql.Read(
            """
            INSERT INTO messages (id, queue, services, created_at, order_key, content_type, headers, trace_parent, body)
            SELECT id, queue, services, $1, order_key, content_type, headers, trace_parent, body
            FROM unnest($2::uuid[], $3::text[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[])
              WITH ORDINALITY AS m (id, queue, services, order_key, content_type, headers, trace_parent, body, n) ORDER BY n
            RETURNING id, sequence
            """,
            row => (Id: row.GetGuid(0), Sequence: row.GetInt64(1)),
            now, commands.ConvertAll(command => command.Result.MessageId), messages.ConvertAll(message => message.Queue),
            messages.ConvertAll(message => message.Services.Count), messages.ConvertAll(message => message.OrderKey),
            messages.ConvertAll(message => message.ContentType), messages.ConvertAll(message => HeaderText.Write(message.Headers)),
            messages.ConvertAll(message => message.TraceParent), messages.ConvertAll(message => message.Body.ToArray()))
            .ToDictionary(row => row.Id, row => row.Sequence);

        var (keys, routes, services, places) = (new List<long>(), new List<int>(), new List<string>(), new List<long?>());
        var (dues, ranks, expiries) = (new List<long>(), new List<short>(), new List<long?>());
        foreach (var command in commands)
        {
            var message = command.Message;
            // What a sender put off is not older for it: its generation begins when it is due.
            var due = message.DeliverAt is { } at ? Math.Max(now, StoreTime.Micros(at)) : now;
            for (var i = 0; i < message.Services.Count; i++)
            {
                var service = message.Services[i];
                var key = DeliveryKey.Of(sequences[command.Result.MessageId], i);
                var route = books.Route(sql, message.Queue, service);
                keys.Add(key);
                routes.Add(route);
                services.Add(service);
                places.Add(message.OrderKey is { } orderKey ? lanes.Of(service, orderKey) : null);
                dues.Add(due);
                ranks.Add((short)message.Priority);
                expiries.Add(message.ExpiresAt is { } expiry ? StoreTime.Micros(expiry) : null);
                books.Add(route, DeliveryState.Waiting);
            }
        }
        sql.Run(
            """
            INSERT INTO deliveries (key, route, service, state, due_at, lane, rank, expires_at, generation_at)
            SELECT key, route, service, 0, due_at, lane, rank, expires_at, CASE WHEN due_at > $1 THEN due_at END
            FROM unnest($2::bigint[], $3::integer[], $4::text[], $5::bigint[], $6::bigint[], $7::smallint[], $8::bigint[])
              AS d (key, route, service, lane, due_at, rank, expires_at)
            """, now, keys, routes, services, places, dues, ranks, expiries);
    }
}
