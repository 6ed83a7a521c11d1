using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Stores messages as claimed, for whoever works on them at this node and has room: one statement and one commit instead of two, and a
/// version less of each row. The statement looks whether the node is registered and nothing is held; if not, it stores them as waiting.
/// </summary>
internal sealed class ArrivalWriter(NodeWriters writers, Func<long> node)
{
    /// <summary>
    /// The fence of all that is claimed this way: no delivery was claimed before it was stored, and the sequence of the fences, which
    /// every node moves on when it opens the store, gives larger ones to the claims that follow.
    /// </summary>
    public const long Lease = 1;

    private readonly List<Taking> _taking = [];

    /// <summary>Room in the transaction under way, and what is stored for it.</summary>
    internal sealed class Taking(ArrivalRoom room)
    {
        public ArrivalRoom Room => room;

        public List<EnqueueCommand> Commands { get; set; } = [];

        public List<ClaimedDelivery> Claimed { get; set; } = [];

        public Answer<Row>? Rows { get; set; }
    }

    internal readonly record struct Row(long Sequence, Guid Id, long Now, bool IsTaken);

    /// <summary>True when somebody works here on what is stored.</summary>
    public bool MayOffer => node() != 0 && writers.Arrivals is not null;

    /// <inheritdoc cref="IArrivals.Reserve"/>
    public Taking? Reserve(string service, int count)
    {
        if (writers.Arrivals?.Reserve(service, count) is not { } room)
            return null;
        // Whatever fails from here on, it is given back.
        _taking.Add(new(room));
        return _taking[^1];
    }

    /// <summary>Stores messages that are alike; there is room for all of them.</summary>
    public void Store(Sql sql, Taking taking, int route, List<EnqueueCommand> commands, Moment now)
    {
        var first = commands[0].Message;
        // Once: what a sender does with his own while the commit is under way changes nothing.
        var headers = commands.ConvertAll(command => HeaderText.Write(command.Message.Headers));
        var bodies = commands.ConvertAll(command => command.Message.Body.ToArray());
        taking.Claimed = [.. commands.Select((command, i) => ArrivalRoom.Claimed(command, headers[i], bodies[i], Lease, default))];
        taking.Commands = commands;
        taking.Rows = sql.AskWithCommit(
            AlikeClaimed, static row => new Row(row.GetInt64(0), row.GetGuid(1), row.GetInt64(2), row.GetBoolean(3)),
            now.Given, first.Queue, route, first.Services[0], (short)first.Priority, commands.Count,
            commands.ConvertAll(command => command.Result.MessageId), commands.ConvertAll(command => command.Message.ContentType),
            headers, commands.ConvertAll(command => command.Message.TraceParent), bodies, taking.Room.Node, node(), Lease);
    }

    private const string AlikeClaimed =
        $"""
        WITH head AS MATERIALIZED (
          SELECT {Moment.InSql} AS now, EXISTS (SELECT 1 FROM nodes WHERE id = $13) AND NOT EXISTS (SELECT 1 FROM controls
            WHERE kind = 'QueuePaused' AND name = $2 OR kind = 'ServicePaused' AND name = $4) AS taken),
        stored AS (
          INSERT INTO messages (id, queue, services, created_at, content_type, headers, trace_parent, body)
          SELECT id, $2, 1, head.now, content_type, headers, trace_parent, body
          FROM head, unnest($7::uuid[], $8::text[], $9::text[], $10::text[], $11::bytea[])
            AS m (id, content_type, headers, trace_parent, body)
          RETURNING sequence, id),
        booked AS (INSERT INTO books VALUES ($3, $6, 0, 0, 0, 0, 0)),
        placed AS (
          INSERT INTO deliveries (key, route, service, state, due_at, rank, lease, attempts, node, claimed_at, holder)
          SELECT sequence * 256, $3, $4, CASE WHEN taken THEN 2 ELSE 0 END, now, $5, CASE WHEN taken THEN $14 ELSE 0 END,
            taken::integer, CASE WHEN taken THEN $12::text END, CASE WHEN taken THEN now END, CASE WHEN taken THEN $13::bigint END
          FROM stored, head)
        SELECT sequence, id, now, taken FROM stored, head
        """;

    /// <summary>After the commit: what was claimed is in hand, and begins.</summary>
    public void Committed()
    {
        List<Taking> taken = [.. _taking];
        _taking.Clear();
        foreach (var taking in taken)
        {
            using (taking.Room)
            {
                var rows = taking.Rows?.Rows.ToDictionary(row => row.Id) ?? [];
                for (var i = 0; i < taking.Commands.Count; i++)
                {
                    if (rows[taking.Claimed[i].Id.MessageId] is { IsTaken: true } row)
                        Begin(taking.Room, taking.Commands[i], taking.Claimed[i], row);
                }
            }
        }
    }

    private void Begin(ArrivalRoom room, EnqueueCommand command, ClaimedDelivery claimed, Row row)
    {
        var at = StoreTime.Time(row.Now);
        writers.InHand.Add(claimed.Id, new(DeliveryKey.Of(row.Sequence, 0), true, null));
        try
        {
            room.Begin(claimed with { CreatedAt = at, GenerationAt = at, ClaimedAt = at });
            command.IsTaken = true;
        }
        catch (Exception)
        {
            // The others of the batch are committed, and have nothing to do with it.
            writers.LostArrivals.Add([claimed.Id.MessageId]);
        }
    }

    /// <summary>After a rollback, or a commit of which it is not known whether it was one.</summary>
    public void Forget(bool mayBeKept)
    {
        foreach (var taking in _taking)
        {
            if (mayBeKept && taking.Commands.Count > 0)
                writers.LostArrivals.Add(taking.Claimed.ConvertAll(claimed => claimed.Id.MessageId));
            taking.Room.Dispose();
        }
        _taking.Clear();
    }
}
