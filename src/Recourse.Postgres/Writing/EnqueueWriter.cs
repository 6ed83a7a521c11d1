using System.Diagnostics;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Stores all new messages of a batch by one statement, whatever their number.</summary>
internal sealed class EnqueueWriter(Books books, Lanes lanes, ArrivalWriter arrivals)
{
    // Beyond that one statement that leaves all of them waiting is less work.
    private const int OffersMax = 16;

    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    private MessageIds _ids = new();
    private (long At, long Stamp)? _seen;

    /// <summary>
    /// Goes on after the last id that was ever given out, whatever the clock says now. It is that of one of the last batch, whose messages
    /// stand in the order of their statements.
    /// </summary>
    public void Continue(Sql sql)
    {
        var last = sql.Read(
            """
            SELECT id FROM (SELECT last_id AS id FROM marks UNION ALL (SELECT id FROM messages ORDER BY sequence DESC LIMIT $1)) AS ids
            ORDER BY id DESC LIMIT 1
            """, row => row.GetGuid(0), CommandPump.MaxBatch);
        _ids = last is [var id] ? new(id) : new();
    }

    /// <summary>Whose a key is: a command of this batch, or a message of before.</summary>
    private readonly record struct Holder(EnqueueCommand? By, byte[] Hash, Guid Message);

    /// <summary>Gives ids, and takes the idempotency keys: which of the messages are new.</summary>
    public List<EnqueueCommand> Admit(Sql sql, List<EnqueueCommand> commands, Moment now)
    {
        var time = IdTime(now);
        foreach (var command in commands)
            command.Result = new(EnqueueStatus.Accepted, command.Id ?? _ids.Next(time));
        var keyed = commands.FindAll(command => command.Message.IdempotencyKey is not null);
        if (keyed.Count == 0)
            return commands;
        // In one order on every node; of two in one batch with the same key the first is the first.
        var holders = TakeKeys(sql, [.. keyed.DistinctBy(KeyOf).OrderBy(command => command.Message.Queue, StringComparer.Ordinal)
            .ThenBy(command => command.Message.IdempotencyKey, StringComparer.Ordinal)], now.Value);
        foreach (var command in keyed)
        {
            if (holders[KeyOf(command)] is var holder && holder.By != command)
                command.Result = new(
                    command.IsSame(holder.Hash) ? EnqueueStatus.Duplicate : EnqueueStatus.KeyConflict, holder.Message);
        }
        return commands.FindAll(command => command.Result.Status is EnqueueStatus.Accepted);
    }

    private static (string Queue, string Key) KeyOf(EnqueueCommand command) => (command.Message.Queue, command.Message.IdempotencyKey!);

    /// <summary>Takes by one statement what can be taken; a second one reads by whom the others are held.</summary>
    private static Dictionary<(string Queue, string Key), Holder> TakeKeys(Sql sql, List<EnqueueCommand> commands, long now)
    {
        var queues = commands.ConvertAll(command => command.Message.Queue);
        var keys = commands.ConvertAll(command => command.Message.IdempotencyKey);
        var taken = sql.Read(
            """
            INSERT INTO idempotency (queue, key, hash, message, expires_at)
            SELECT queue, key, hash, message, expires_at FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[], $5::bigint[])
              WITH ORDINALITY AS k (queue, key, hash, message, expires_at, n) ORDER BY n
            ON CONFLICT (queue, key) DO UPDATE SET hash = excluded.hash, message = excluded.message, expires_at = excluded.expires_at
            WHERE idempotency.expires_at <= $6 RETURNING queue, key
            """, row => (row.GetString(0), row.GetString(1)),
            queues, keys, commands.ConvertAll(command => command.ContentHash), commands.ConvertAll(command => command.Result.MessageId),
            commands.ConvertAll(command => now + (long)command.IdempotencyWindow.TotalMicroseconds), now).ToHashSet();
        var holders = commands.ToDictionary(KeyOf, command => new Holder(command, command.ContentHash!, command.Result.MessageId));
        if (taken.Count == commands.Count)
            return holders;
        foreach (var (key, hash, message) in sql.Read(
            """
            SELECT i.queue, i.key, i.hash, i.message FROM unnest($1::text[], $2::text[]) AS k (queue, key)
            JOIN idempotency i ON i.queue = k.queue AND i.key = k.key
            """, row => ((row.GetString(0), row.GetString(1)), row.GetFieldValue<byte[]>(2), row.GetGuid(3)), queues, keys))
        {
            if (!taken.Contains(key))
                holders[key] = new(null, hash, message);
        }
        return holders;
    }

    // Ids carry the server's time, within what passed since the last trip: nobody waits for a trip only to name a message.
    private DateTimeOffset IdTime(Moment now)
    {
        if (now.Given is { } given)
            return StoreTime.Time(given);
        if (_seen is not { } seen)
            _seen = seen = (now.Value, Stopwatch.GetTimestamp());
        if (Stopwatch.GetElapsedTime(seen.Stamp) > LookAgain)
            now.Ahead();
        return StoreTime.Time(seen.At + (long)Stopwatch.GetElapsedTime(seen.Stamp).TotalMicroseconds);
    }

    /// <summary>True when storing it needs no answer first.</summary>
    public bool Suits(EnqueueCommand command) => _seen is not null && command.Message is { IdempotencyKey: null, OrderKey: null } message
        && message.Services.All(service => books.Knows(message.Queue, service));

    /// <summary>A transaction has just ended, in which the server's time may have been read.</summary>
    public void Seen(Moment now)
    {
        if (now.IsAsked)
            _seen = (now.Value, Stopwatch.GetTimestamp());
    }

    /// <summary>
    /// Stores what was admitted; its lanes are locked. A row for each delivery; the first of a message carries the message.
    /// </summary>
    /// <param name="sql">The connection.</param>
    /// <param name="commands">What was admitted.</param>
    /// <param name="now">The time of the commit.</param>
    /// <param name="offers">True when whoever has room for them may have them claimed.</param>
    public void Insert(Sql sql, List<EnqueueCommand> commands, Moment now, bool offers)
    {
        if (offers && arrivals.MayOffer)
            commands = Offer(sql, commands, now);
        if (commands.TrueForAll(command => IsLike(command, commands[0].Message)))
        {
            InsertAlike(sql, commands, now);
            return;
        }
        var rows = commands.SelectMany(command => command.Message.Services.Select((service, place) => new Row(
            command.Message, command.Result.MessageId, service, place, books.Route(sql, command.Message.Queue, service)))).ToList();
        foreach (var row in rows)
            books.Add(row.Route, DeliveryState.Waiting);
        T? First<T>(Row row, T? value) => row.Place == 0 ? value : default;
        sql.Later(
            Both, now.Given, rows.ConvertAll(row => row.Place), rows.ConvertAll(row => row.Route), rows.ConvertAll(row => row.Service),
            rows.ConvertAll(row => row.Message.DeliverAt is { } at ? (long?)StoreTime.Micros(at) : null),
            rows.ConvertAll(row => row.Message.OrderKey is { } key ? (long?)lanes.Of(row.Service, key) : null),
            rows.ConvertAll(row => (short)row.Message.Priority),
            rows.ConvertAll(row => row.Message.ExpiresAt is { } expiry ? (long?)StoreTime.Micros(expiry) : null),
            rows.ConvertAll(row => row.Id), rows.ConvertAll(row => First(row, row.Message.Queue)),
            rows.ConvertAll(row => row.Message.Services.Count), rows.ConvertAll(row => First(row, row.Message.OrderKey)),
            rows.ConvertAll(row => First(row, row.Message.ContentType)),
            rows.ConvertAll(row => row.Place == 0 ? HeaderText.Write(row.Message.Headers) : null),
            rows.ConvertAll(row => First(row, row.Message.TraceParent)),
            rows.ConvertAll(row => row.Place == 0 ? row.Message.Body.ToArray() : null));
    }

    // The ordinary case: to one service each, the same, in no lane, to be sent now.
    private static bool IsLike(EnqueueCommand command, NewMessage first) =>
        command.MayBeTaken && command.Message is var message && message.Queue == first.Queue
        && message.Services[0] == first.Services[0] && message.Priority == first.Priority;

    /// <summary>Stores what may be claimed at once, by a statement for those that are alike; gives what waits.</summary>
    private List<EnqueueCommand> Offer(Sql sql, List<EnqueueCommand> commands, Moment now)
    {
        var kinds = commands.Where(command => command.MayBeTaken)
            .GroupBy(command => (command.Message.Queue, Service: command.Message.Services[0], command.Message.Priority))
            .OrderByDescending(kind => kind.Key.Priority).ToList();
        if (kinds.Count is 0 or > OffersMax)
            return commands;
        var taken = new HashSet<EnqueueCommand>();
        foreach (var kind in kinds)
        {
            List<EnqueueCommand> alike = [.. kind];
            // Read, if it must be, before there is room to give back.
            var route = books.Route(sql, kind.Key.Queue, kind.Key.Service);
            if (arrivals.Reserve(kind.Key.Service, alike.Count) is not { } taking)
                continue;
            alike.RemoveRange(taking.Room.Count, alike.Count - taking.Room.Count);
            arrivals.Store(sql, taking, route, alike, now);
            books.Entered(1);
            taken.UnionWith(alike);
        }
        return taken.Count == 0 ? commands : commands.FindAll(command => !taken.Contains(command));
    }

    private void InsertAlike(Sql sql, List<EnqueueCommand> commands, Moment now)
    {
        if (commands.Count == 0)
            return;
        var first = commands[0].Message;
        sql.Later(
            Alike, now.Given, first.Queue, books.Route(sql, first.Queue, first.Services[0]), first.Services[0], (short)first.Priority,
            commands.Count, commands.ConvertAll(command => command.Result.MessageId),
            commands.ConvertAll(command => command.Message.ContentType),
            commands.ConvertAll(command => HeaderText.Write(command.Message.Headers)),
            commands.ConvertAll(command => command.Message.TraceParent),
            commands.ConvertAll(command => command.Message.Body.ToArray()));
        books.Entered(1);
    }

    // With its entry in the books.
    private const string Alike =
        $"""
        WITH stored AS (
          INSERT INTO messages (id, queue, services, created_at, content_type, headers, trace_parent, body)
          SELECT id, $2, 1, {Moment.InSql}, content_type, headers, trace_parent, body
          FROM unnest($7::uuid[], $8::text[], $9::text[], $10::text[], $11::bytea[]) AS m (id, content_type, headers, trace_parent, body)
          RETURNING sequence),
        booked AS (INSERT INTO books VALUES ($3, $6, 0, 0, 0, 0, 0))
        INSERT INTO deliveries (key, route, service, state, due_at, rank)
        SELECT sequence * 256, $3, $4, 0, {Moment.InSql}, $5 FROM stored
        """;

    private readonly record struct Row(NewMessage Message, Guid Id, string Service, int Place, int Route);

    // No join: it would compare each with each. What a sender put off is not older for it: its generation begins when it is due.
    private const string Both =
        $"""
        WITH clock AS MATERIALIZED (SELECT {Moment.InSql} AS now), rows AS MATERIALIZED (
          SELECT CASE WHEN place = 0 THEN nextval('messages_sequence_seq') ELSE currval('messages_sequence_seq') END AS sequence, r.*
          FROM (SELECT * FROM unnest($2::integer[], $3::integer[], $4::text[], $5::bigint[], $6::bigint[], $7::smallint[], $8::bigint[],
              $9::uuid[], $10::text[], $11::integer[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bytea[]) WITH ORDINALITY
            AS d (place, route, service, due_at, lane, rank, expires_at, id, queue, services, order_key, content_type, headers,
              trace_parent, body, n) ORDER BY n) r),
        stored AS (
          INSERT INTO messages (sequence, id, queue, services, created_at, order_key, content_type, headers, trace_parent, body)
          OVERRIDING SYSTEM VALUE
          SELECT sequence, id, queue, services, clock.now, order_key, content_type, headers, trace_parent, body FROM rows, clock
          WHERE place = 0)
        INSERT INTO deliveries (key, route, service, state, due_at, lane, rank, expires_at, generation_at)
        SELECT sequence * 256 + place, route, service, 0, greatest(due_at, clock.now), lane, rank, expires_at,
          CASE WHEN due_at > clock.now THEN due_at END
        FROM rows, clock
        """;
}
