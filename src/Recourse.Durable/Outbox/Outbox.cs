using System.Data.Common;

namespace Recourse.Durable;

/// <summary>
/// Sends messages inside the application's own transaction: they are stored in a table of its database, and are moved into the message
/// store once the transaction is committed. So either both the application's change and the message happen, or neither. Works with any <see
/// cref="DbTransaction"/>: plain ADO.NET, Dapper, EF Core (<c>database.CurrentTransaction.GetDbTransaction()</c>), on PostgreSQL and
/// SQLite. Safe for many threads.
/// </summary>
public sealed class Outbox
{
    private readonly MessagingOptions _options;
    private readonly MessageBus _bus;
    private readonly MessageIds _ids = new();
    private readonly TimeProvider _time;

    internal Outbox(MessagingOptions options, MessageBus bus, TimeProvider time) =>
        (_options, _bus, _time, Wake) = (options, bus, time, new WakeSignal(time));

    /// <summary>
    /// The table, for the application's own migrations; <see cref="CreateTableAsync"/> runs it. The same text for PostgreSQL and SQLite.
    /// </summary>
    public const string TableSql =
        """
        CREATE TABLE IF NOT EXISTS recourse_outbox (
          id           char(36) PRIMARY KEY,
          queue        text NOT NULL,
          order_key    text,
          once_key     text,
          content_type text,
          headers      text,
          trace_parent text,
          deliver_at   bigint,
          expires_at   bigint,
          priority     integer NOT NULL,
          body         bytea NOT NULL,
          problem      text
        )
        """;

    internal WakeSignal Wake { get; }

    /// <summary>Makes the table where it is missing. Call it once when the application starts, or put <see cref="TableSql"/> into its
    /// migrations.</summary>
    public static Task CreateTableAsync(DbConnection connection, CancellationToken cancellationToken = default) =>
        Sql.RunAsync(connection, null, TableSql, cancellationToken);

    /// <summary>Adds a message to the transaction. Nothing is sent unless it is committed.</summary>
    /// <param name="transaction">The application's transaction.</param>
    /// <param name="queue">A queue that has a handler here.</param>
    /// <param name="message">The message; written as JSON.</param>
    /// <param name="options">Order, idempotency, headers; null for none.</param>
    /// <param name="cancellationToken">Ends the wait for the database.</param>
    /// <exception cref="ArgumentException">The queue has no handler here, or a bound is broken: the transaction is as it was.</exception>
    public async Task AddAsync<T>(
        DbTransaction transaction, string queue, T message, SendOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        var connection = transaction.Connection
            ?? throw new ArgumentException("The transaction has ended; add messages before it is committed.", nameof(transaction));
        var row = (options ?? SendOptions.None).Message(
            queue, MessageBody.Write(message, _options.Serializer), MessageBody.ContentType, _bus.Services(queue));
        EnqueueChecks.Prepare(new EnqueueCommand(row));
        await OutboxTable.AddAsync(connection, transaction, NextId(), row, cancellationToken);
    }

    /// <summary>Looks at the table now: call it after the commit to save the wait for the next look.</summary>
    public void Notify() => Wake.Set();

    private Guid NextId()
    {
        lock (_ids)
            return _ids.Next(_time.GetUtcNow());
    }
}
