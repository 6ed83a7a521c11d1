using System.Data.Common;

namespace Recourse.Durable;

/// <summary>The rows of <c>recourse_outbox</c>.</summary>
internal static class OutboxTable
{
    internal sealed record Row(string Id, NewMessage? Message, string? Problem);

    public static Task AddAsync(DbConnection connection, DbTransaction transaction, Guid id, NewMessage message, CancellationToken token) =>
        Sql.RunAsync(connection, transaction,
            """
            INSERT INTO recourse_outbox
              (id, queue, order_key, once_key, content_type, headers, trace_parent, deliver_at, expires_at, priority, body)
            VALUES (@id, @queue, @order_key, @once_key, @content_type, @headers, @trace_parent, CAST(@deliver_at AS bigint),
              CAST(@expires_at AS bigint), @priority, @body)
            """,
            token, ("id", id.ToString("D")), ("queue", message.Queue), ("order_key", message.OrderKey),
            ("once_key", message.IdempotencyKey), ("content_type", message.ContentType),
            ("headers", HeaderText.Write(message.Headers)), ("trace_parent", message.TraceParent),
            ("deliver_at", Micros(message.DeliverAt)), ("expires_at", Micros(message.ExpiresAt)), ("priority", message.Priority),
            ("body", message.Body.ToArray()));

    /// <summary>What waits to be moved, in the order in which it was added; rows that cannot be moved are passed over.</summary>
    public static async Task<List<Row>> ReadAsync(
        DbConnection connection, int max, Func<string, IReadOnlyList<string>> services, CancellationToken token)
    {
        await using var command = Sql.Command(connection, null,
            $"""
            SELECT id, queue, order_key, once_key, content_type, headers, trace_parent, body, deliver_at, expires_at, priority
            FROM recourse_outbox
            WHERE problem IS NULL ORDER BY id LIMIT {max}
            """);
        await using var rows = await command.ExecuteReaderAsync(token);
        var found = new List<Row>();
        while (await rows.ReadAsync(token))
        {
            var id = rows.GetString(0);
            try
            {
                found.Add(new(id, Message(rows, id, services), null));
            }
            catch (Exception error) when (error is ArgumentException or FormatException or InvalidCastException)
            {
                found.Add(new(id, null, error.Message));
            }
        }
        return found;
    }

    private static NewMessage Message(DbDataReader row, string id, Func<string, IReadOnlyList<string>> services)
    {
        var queue = row.GetString(1);
        return new()
        {
            Queue = queue,
            Services = services(queue),
            OrderKey = row.TextOrNull(2),
            // The row's own id, so that a row that is moved twice is one message.
            IdempotencyKey = row.TextOrNull(3) ?? $"outbox:{id}",
            ContentType = row.TextOrNull(4),
            Headers = HeaderText.Read(row.TextOrNull(5)),
            TraceParent = row.TextOrNull(6),
            Body = row.GetFieldValue<byte[]>(7),
            DeliverAt = Time(row, 8),
            ExpiresAt = Time(row, 9),
            Priority = row.GetInt32(10),
        };
    }

    private static long? Micros(DateTimeOffset? time) => time is { } at ? StoreTime.Micros(at) : null;

    private static DateTimeOffset? Time(DbDataReader row, int column) =>
        row.IsDBNull(column) ? null : StoreTime.Nearest(row.GetInt64(column));

    public static async Task RemoveAsync(DbConnection connection, IEnumerable<string> ids, CancellationToken token)
    {
        await using var transaction = await connection.BeginTransactionAsync(token);
        foreach (var id in ids)
            await Sql.RunAsync(connection, transaction, "DELETE FROM recourse_outbox WHERE id = @id", token, ("id", id));
        await transaction.CommitAsync(token);
    }

    /// <summary>A row that can never be moved stays, with the reason, and holds nobody up.</summary>
    public static Task SetAsideAsync(DbConnection connection, string id, string problem, CancellationToken token) =>
        Sql.RunAsync(
            connection, null, "UPDATE recourse_outbox SET problem = @problem WHERE id = @id", token, ("problem", problem), ("id", id));
}
