using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>The reading side: each call is one snapshot on one reading connection.</summary>
internal sealed class SqliteQueries(SqliteReaders readers, TimeProvider time) : StoreQueries
{
    public override Task<IReadOnlyList<QueueCounts>> QueuesAsync(CancellationToken cancellationToken = default) =>
        readers.ReadAsync(read => CountReader.Queues(read, time.NowMicros()), cancellationToken);

    public override Task<IReadOnlyList<ServiceCounts>> ServicesAsync(CancellationToken cancellationToken = default) =>
        readers.ReadAsync(read => CountReader.Services(read, time.NowMicros()), cancellationToken);

    public override Task<Page<DeliverySummary>> DeliveriesAsync(DeliveryFilter filter, CancellationToken cancellationToken = default)
    {
        var cursor = PageCursor.Of(filter);
        var group = filter.CheckedGroup();
        return readers.ReadAsync(read => filter.IsOfLetters()
            ? new LetterReader(read, filter, cursor, group, time.NowMicros()).Page()
            : ListReader.Page(read, filter, cursor, time.NowMicros()), cancellationToken);
    }

    public override Task<StoredMessage?> MessageAsync(Guid id, CancellationToken cancellationToken = default) =>
        readers.ReadAsync(read => Message(read, id), cancellationToken);

    public override Task<StoredDelivery?> DeliveryAsync(DeliveryId id, CancellationToken cancellationToken = default) =>
        readers.ReadAsync(read =>
            Sequence(read, id) is { } sequence ? Delivery(read, DeliveryKey.Of(sequence, id.Index)) : null, cancellationToken);

    public override Task<Payload?> PayloadAsync(DeliveryId id, CancellationToken cancellationToken = default) =>
        readers.ReadAsync(read => Payload(read, id), cancellationToken);

    public override Task<Payload?> OriginalPayloadAsync(DeliveryId id, CancellationToken cancellationToken = default) =>
        readers.ReadAsync(read => Original(read, id), cancellationToken);

    public override Task<Page<DeadLetterGroup>> GroupsAsync(
        DeadLetterGroupFilter filter, CancellationToken cancellationToken = default) =>
        readers.ReadAsync(read => LetterGroups.Page(GroupReader.All(read), filter), cancellationToken);

    public override Task<DeadLetterStats> DeadLetterStatsAsync(CancellationToken cancellationToken = default) =>
        readers.ReadAsync(read => GroupReader.Stats(read, time.NowMicros()), cancellationToken);

    private static List<LetterAct> Acts(ReadConnection read, long key)
    {
        var row = read["SELECT at, actor, verb, detail FROM letter_acts WHERE delivery = ?1 ORDER BY id"];
        row.Bind(1, key);
        var acts = new List<LetterAct>();
        while (row.Step())
            acts.Add(new(StoreTime.Time(row.Int64(0)), row.Text(1), row.Text(2), row.TextOrNull(3)));
        return acts;
    }

    public override Task<long> CountAsync(DeliveryFilter filter, long max, CancellationToken cancellationToken = default)
    {
        // The order counts for nothing, so that the most selective index can be walked.
        filter = filter with { OldestFirst = false };
        var group = filter.CheckedGroup();
        var start = PageCursor.Start(PageCursor.OrderOf(filter));
        return readers.ReadAsync(read => filter.IsOfLetters()
            ? new LetterReader(read, filter, start, group, time.NowMicros()).Count(max)
            : ListReader.Count(read, filter, max, time.NowMicros()), cancellationToken);
    }

    public override Task<Page<ReplayJob>> ReplaysAsync(string? after, int limit, CancellationToken cancellationToken = default)
    {
        var cursor = KeyCursor.Of(after, limit);
        return readers.ReadAsync(read => ReplayReader.Page(read, cursor, limit), cancellationToken);
    }

    public override Task<IReadOnlyList<ReplayJob>> ActiveReplaysAsync(CancellationToken cancellationToken = default) =>
        readers.ReadAsync(ReplayReader.Active, cancellationToken);

    public override Task<ReplayJob?> ReplayAsync(Guid id, CancellationToken cancellationToken = default) =>
        readers.ReadAsync(read => ReplayReader.Job(read, id), cancellationToken);

    public override Task<Page<ReplayItem>> ReplayItemsAsync(
        Guid id, ReplayOutcome? outcome, string? after, int limit, CancellationToken cancellationToken = default)
    {
        var cursor = KeyCursor.Of(after, limit);
        return readers.ReadAsync(read => ReplayReader.Items(read, id, outcome, cursor, limit), cancellationToken);
    }

    public override Task<IReadOnlyList<Control>> ControlsAsync(CancellationToken cancellationToken = default) =>
        readers.ReadAsync<IReadOnlyList<Control>>(read => ReplaySql.ReadControls(read[ReplaySql.Controls]), cancellationToken);

    public override Task<IReadOnlyList<ApiKey>> KeysAsync(CancellationToken cancellationToken = default) =>
        readers.ReadAsync<IReadOnlyList<ApiKey>>(read => AccessSql.ReadKeys(read[AccessSql.Keys]), cancellationToken);

    public override Task<Page<AuditEntry>> AuditAsync(AuditFilter filter, CancellationToken cancellationToken = default)
    {
        var cursor = KeyCursor.Of(filter.After, filter.Limit);
        return readers.ReadAsync(read => AccessSql.Acts(read, filter, cursor), cancellationToken);
    }

    internal override Task<IReadOnlyList<PayloadKeyNote>> PayloadKeysAsync(CancellationToken cancellationToken) =>
        readers.ReadAsync<IReadOnlyList<PayloadKeyNote>>(AccessSql.PayloadKeys, cancellationToken);

    internal override Task<IReadOnlyList<StoredPayload>> StoredPayloadsAsync(
        bool edited, string otherThan, long after, int limit, CancellationToken cancellationToken) =>
        readers.ReadAsync<IReadOnlyList<StoredPayload>>(read => AccessSql.Payloads(read, edited, otherThan, after, limit),
            cancellationToken);

    private StoredMessage? Message(ReadConnection read, Guid id)
    {
        var row = read[
            """
            SELECT m.sequence, m.created_at, q.name FROM messages m LEFT JOIN queues q ON q.id = m.queue WHERE m.id = ?1
            """];
        if (!row.Bind(1, id).Step())
            return null;
        var (sequence, created, queue) = (row.Int64(0), StoreTime.Time(row.Int64(1)), row.Text(2));
        row.Reset();
        // Places can be missing: of an imported message only those that died are there.
        var places = read["SELECT key FROM deliveries WHERE key BETWEEN ?1 AND ?2 ORDER BY key"];
        places.Bind(1, DeliveryKey.Of(sequence, 0)).Bind(2, DeliveryKey.Of(sequence, DeliveryKey.ServicesMax - 1));
        var keys = new List<long>();
        while (places.Step())
            keys.Add(places.Int64(0));
        var deliveries = new List<StoredDelivery>(keys.Count);
        foreach (var key in keys)
        {
            if (Delivery(read, key) is { } delivery)
                deliveries.Add(delivery);
        }
        return new(id, queue, created, deliveries);
    }

    private static long? Sequence(ReadConnection read, DeliveryId id) =>
        id.Index is < 0 or >= DeliveryKey.ServicesMax ? null
            : read["SELECT sequence FROM messages WHERE id = ?1"].Bind(1, id.MessageId).Scalar();

    private StoredDelivery? Delivery(ReadConnection read, long key)
    {
        var row = read[$"SELECT {DeliverySql.Columns} {DeliverySql.From} WHERE d.key = ?1"];
        if (!row.Bind(1, key).Step())
            return null;
        var summary = DeliverySql.Summary(row, time.NowMicros());
        var keyGeneration = row.Int32(20);
        var traceParent = row.TextOrNull(21);
        var delivered = summary.State is DeliveryState.Delivered ? AttemptReader.Delivered(read, row, summary) : null;
        row.Reset();
        var attempts = AttemptReader.Of(read, key);
        if (delivered is not null)
            attempts.Add(delivered);
        return new(summary, attempts, traceParent, AttemptRules.IdempotencyKey(summary.Id.MessageId, keyGeneration))
        {
            Acts = summary.Group is null ? [] : Acts(read, key),
        };
    }

    private static Payload? Payload(ReadConnection read, DeliveryId id)
    {
        if (Original(read, id) is not { } original)
            return null;
        var row = read[
            """
            SELECT b.body, b.content_type, d.edits FROM messages m JOIN deliveries d ON d.key = m.sequence * 256 + ?2
            JOIN letter_bodies b ON b.delivery = d.key WHERE m.id = ?1
            """];
        if (!row.Bind(1, id.MessageId).Bind(2, id.Index).Step())
            return original;
        var edited = original with { Body = row.Blob(0), ContentType = row.TextOrNull(1), Edits = row.Int32(2) };
        row.Reset();
        return edited;
    }

    private static Payload? Original(ReadConnection read, DeliveryId id)
    {
        if (Sequence(read, id) is not { } sequence)
            return null;
        var row = read[
            """
            SELECT m.body, m.content_type, m.headers FROM messages m JOIN deliveries d ON d.key = ?1 * 256 + ?2 WHERE m.sequence = ?1
            """];
        if (!row.Bind(1, sequence).Bind(2, id.Index).Step())
            return null;
        var payload = new Payload(row.Blob(0), row.TextOrNull(1), Headers(row.TextOrNull(2)));
        row.Reset();
        return payload;
    }

    /// <summary>Headers that cannot be read do not hide the body.</summary>
    private static IReadOnlyDictionary<string, string>? Headers(string? text)
    {
        try
        {
            return HeaderText.Read(text);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
