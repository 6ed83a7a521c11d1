using System.Text;
using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>The reading side: each call is one connection of the pool and one snapshot.</summary>
internal sealed class PostgresQueries(NpgsqlDataSource source, Func<long>? clock) : StoreQueries
{
    private const int TriesMax = 3;

    /// <summary>The number under which this node is registered.</summary>
    public required Func<long> Node { get; init; }

    public override Task<IReadOnlyList<NodeStatus>> NodesAsync(CancellationToken cancellationToken = default) =>
        ReadAsync<IReadOnlyList<NodeStatus>>((sql, _) => sql.Read(
            """
            SELECT n.id, n.name, n.version, n.address, n.started_at, n.heartbeat_at,
              (SELECT count(*) FROM deliveries d WHERE d.state = 2 AND d.holder = n.id),
              EXISTS (SELECT 1 FROM duties WHERE name = 'housekeeping' AND node = n.id)
            FROM nodes n ORDER BY n.id
            """, row => new NodeStatus(
                row.GetInt64(0), row.GetString(1), row.TextOrNull(2), row.TextOrNull(3), StoreTime.Time(row.GetInt64(4)),
                StoreTime.Time(row.GetInt64(5)), row.GetInt64(6), row.GetBoolean(7), row.GetInt64(0) == Node())), cancellationToken);

    private async Task<T> ReadAsync<T>(Func<Sql, long, T> read, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await ReadOnceAsync(read, cancellationToken);
            }
            catch (NpgsqlException error) when (tries < TriesMax && PostgresErrors.IsLostConnection(error))
            {
                // The pool lends connections that the server has ended meanwhile. Nothing was changed: it is asked again.
            }
            catch (Exception error) when (error is NpgsqlException or IOException)
            {
                throw PostgresErrors.AsStoreException(error);
            }
        }
    }

    private async Task<T> ReadOnceAsync<T>(Func<Sql, long, T> read, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        return await Task.Run(() =>
        {
            using var snapshot = connection.BeginTransaction(System.Data.IsolationLevel.RepeatableRead);
            var sql = new Sql(connection);
            var result = read(sql, sql.Time(clock).Value);
            snapshot.Commit();
            return result;
        }, cancellationToken);
    }

    public override Task<IReadOnlyList<QueueCounts>> QueuesAsync(CancellationToken cancellationToken = default) =>
        ReadAsync<IReadOnlyList<QueueCounts>>((sql, now) => [.. CountReader.Queues(sql, now)], cancellationToken);

    public override Task<IReadOnlyList<ServiceCounts>> ServicesAsync(CancellationToken cancellationToken = default) =>
        ReadAsync<IReadOnlyList<ServiceCounts>>((sql, now) => [.. CountReader.Services(sql, now)], cancellationToken);

    public override Task<StoredMessage?> MessageAsync(Guid id, CancellationToken cancellationToken = default) =>
        ReadAsync<StoredMessage?>((sql, now) =>
    {
        var message = sql.Read(
            "SELECT sequence, queue, created_at FROM messages WHERE id = $1", row =>
                (row.GetInt64(0), row.GetString(1), row.GetInt64(2)), id);
        if (message is not [var (sequence, queue, created)])
            return null;
        var first = DeliveryKey.Of(sequence, 0);
        var deliveries = sql.Read(
            $"SELECT {DeliverySql.Columns} {DeliverySql.From} WHERE d.key BETWEEN $1 AND $2 ORDER BY d.key", row =>
                DeliverySql.Stored(row, now),
            first, first + DeliveryKey.ServicesMax - 1);
        return new(id, queue, StoreTime.Time(created),
            deliveries.ConvertAll(delivery => WithHistory(sql, delivery)));
    }, cancellationToken);

    public override Task<StoredDelivery?> DeliveryAsync(DeliveryId id, CancellationToken cancellationToken = default) =>
        ReadAsync((sql, now) =>
    {
        var found = sql.Read(
            $"SELECT {DeliverySql.Columns} {DeliverySql.From} WHERE m.id = $1 AND d.key = m.sequence * 256 + $2 AND $2 BETWEEN 0 AND 255",
            row => DeliverySql.Stored(row, now), id.MessageId, id.Index);
        return found is [var delivery] ? WithHistory(sql, delivery) : null;
    }, cancellationToken);

    private static StoredDelivery WithHistory(Sql sql, DeliverySql.Unread delivery) =>
        delivery.With(DeliverySql.Attempts(sql, delivery.Key), LetterReader.Acts(sql, delivery.Key));

    public override Task<Payload?> PayloadAsync(DeliveryId id, CancellationToken cancellationToken = default) =>
        PayloadAsync(
            """
            SELECT coalesce(b.body, m.body), CASE WHEN b.delivery IS NULL THEN m.content_type ELSE b.content_type END, m.headers, d.edits
            FROM messages m JOIN deliveries d ON d.key = m.sequence * 256 + $2 LEFT JOIN letter_bodies b ON b.delivery = d.key
            WHERE m.id = $1 AND $2 BETWEEN 0 AND 255
            """, id, cancellationToken);

    public override Task<Payload?> OriginalPayloadAsync(DeliveryId id, CancellationToken cancellationToken = default) =>
        PayloadAsync(
            """
            SELECT m.body, m.content_type, m.headers, 0 FROM messages m JOIN deliveries d ON d.key = m.sequence * 256 + $2
            WHERE m.id = $1 AND $2 BETWEEN 0 AND 255
            """, id, cancellationToken);

    private Task<Payload?> PayloadAsync(string text, DeliveryId id, CancellationToken cancellationToken) => ReadAsync<Payload?>((sql, _) =>
        sql.Read(text, row => new Payload(row.GetFieldValue<byte[]>(0), row.TextOrNull(1), HeaderText.Read(row.TextOrNull(2)))
        {
            Edits = row.GetInt32(3),
        }, id.MessageId, id.Index) is [var payload] ? payload : null, cancellationToken);

    public override Task<Page<DeadLetterGroup>> GroupsAsync(
        DeadLetterGroupFilter filter, CancellationToken cancellationToken = default) =>
        ReadAsync((sql, _) => LetterGroups.Page(LetterReader.Groups(sql), filter), cancellationToken);

    public override Task<DeadLetterStats> DeadLetterStatsAsync(CancellationToken cancellationToken = default) =>
        ReadAsync(LetterReader.Stats, cancellationToken);

    public override Task<Page<DeliverySummary>> DeliveriesAsync(DeliveryFilter filter, CancellationToken cancellationToken = default)
    {
        var cursor = PageCursor.Of(filter);
        var group = filter.CheckedGroup();
        return ReadAsync((sql, now) =>
        {
            if (filter.IsOfLetters())
                return LetterReader.Page(sql, filter, cursor, group, now);
            var rows = sql.Read(
                Text(filter), row => (Key: row.GetInt64(0), Summary: DeliverySql.SummaryOrNote(row, now)),
                cursor.Key, now, filter.Limit + 1, filter.Queue, filter.Service, filter.Kind?.Name(), filter.OrderKey,
                filter.Text);
            var more = rows.Count > filter.Limit;
            if (more)
                rows.RemoveAt(filter.Limit);
            var next = more ? cursor.Behind(0, rows[^1].Key).ToString() : null;
            return new Page<DeliverySummary>(rows.ConvertAll(row => row.Summary), next);
        }, cancellationToken);
    }

    public override Task<long> CountAsync(DeliveryFilter filter, long max, CancellationToken cancellationToken = default)
    {
        var group = filter.CheckedGroup();
        return ReadAsync((sql, now) => filter.IsOfLetters()
            ? LetterReader.Count(sql, filter, max, group, now)
            : (long)sql.Scalar(
                $"SELECT count(*) FROM ({Text(filter with { OldestFirst = true }, "d.key")}) AS matching",
                long.MinValue, now, max, filter.Queue, filter.Service, filter.Kind?.Name(), filter.OrderKey, filter.Text)!,
            cancellationToken);
    }

    public override Task<Page<ReplayJob>> ReplaysAsync(string? after, int limit, CancellationToken cancellationToken = default)
    {
        var cursor = KeyCursor.Of(after, limit);
        return ReadAsync((sql, _) => ReplaySql.Page(sql, cursor, limit), cancellationToken);
    }

    public override Task<IReadOnlyList<ReplayJob>> ActiveReplaysAsync(CancellationToken cancellationToken = default) =>
        ReadAsync<IReadOnlyList<ReplayJob>>((sql, _) => sql.Read(
            $"SELECT {ReplaySql.Columns} FROM replays WHERE state IN (0, 1) ORDER BY number", ReplaySql.Job), cancellationToken);

    public override Task<ReplayJob?> ReplayAsync(Guid id, CancellationToken cancellationToken = default) =>
        ReadAsync((sql, _) => sql.Read($"SELECT {ReplaySql.Columns} FROM replays WHERE id = $1", ReplaySql.Job, id) is [var job]
            ? job : null, cancellationToken);

    public override Task<Page<ReplayItem>> ReplayItemsAsync(
        Guid id, ReplayOutcome? outcome, string? after, int limit, CancellationToken cancellationToken = default)
    {
        var cursor = KeyCursor.Of(after, limit);
        return ReadAsync((sql, _) => ReplaySql.Items(sql, id, outcome, cursor, limit), cancellationToken);
    }

    public override Task<IReadOnlyList<Control>> ControlsAsync(CancellationToken cancellationToken = default) =>
        ReadAsync<IReadOnlyList<Control>>((sql, _) =>
            [.. sql.Read(ReplaySql.Controls, ReplaySql.Control).OfType<Control>()], cancellationToken);

    public override Task<IReadOnlyList<ApiKey>> KeysAsync(CancellationToken cancellationToken = default) =>
        ReadAsync<IReadOnlyList<ApiKey>>((sql, _) => AccessSql.Keys(sql), cancellationToken);

    public override Task<Page<AuditEntry>> AuditAsync(AuditFilter filter, CancellationToken cancellationToken = default)
    {
        var cursor = KeyCursor.Of(filter.After, filter.Limit);
        return ReadAsync((sql, _) => AccessSql.Acts(sql, filter, cursor), cancellationToken);
    }

    internal override Task<IReadOnlyList<PayloadKeyNote>> PayloadKeysAsync(CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyList<PayloadKeyNote>>((sql, _) => sql.Read("SELECT id, check_value FROM payload_keys ORDER BY id",
            row => new PayloadKeyNote(row.GetString(0), row.GetFieldValue<byte[]>(1))), cancellationToken);

    internal override Task<IReadOnlyList<StoredPayload>> StoredPayloadsAsync(
        bool edited, string otherThan, long after, int limit, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyList<StoredPayload>>((sql, _) => AccessSql.Payloads(sql, edited, otherThan, after, limit), cancellationToken);

    private static string Text(DeliveryFilter filter, string columns = DeliverySql.Columns)
    {
        var sql = new StringBuilder($"SELECT {columns} {DeliverySql.From} WHERE d.key {(filter.OldestFirst ? ">" : "<")} $1");
        sql.Append(filter.State switch
        {
            null => " AND $2 = $2",
            DeliveryState.Waiting => " AND d.state = 0 AND d.due_at <= $2",
            DeliveryState.Delayed => " AND d.state = 0 AND d.due_at > $2",
            var state => $" AND d.state = {(int)state} AND $2 = $2",
        });
        if (filter.Failing)
            sql.Append(" AND d.state IN (0, 2) AND d.attempts > 0 AND d.kind IS NOT NULL");
        sql.Append(
            """
             AND ($4::text IS NULL OR r.queue = $4::text) AND ($5::text IS NULL OR d.service = $5::text)
             AND ($6::text IS NULL OR d.kind = $6::text)
             AND ($7::text IS NULL OR m.order_key = $7::text) AND ($8::text IS NULL OR strpos(lower(a.error), lower($8::text)) > 0)
            """);
        return sql.Append(filter.OldestFirst ? " ORDER BY d.key LIMIT $3" : " ORDER BY d.key DESC LIMIT $3").ToString();
    }
}
