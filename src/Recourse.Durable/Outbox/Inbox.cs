using System.Data.Common;

namespace Recourse.Durable;

/// <summary>
/// Makes a handler's effect in its own database happen once, although a message can come more than once: the first transaction that enters
/// a message and commits has it, every later one is told so. On PostgreSQL and SQLite.
/// </summary>
public static class Inbox
{
    /// <summary>
    /// The table, for the application's own migrations; <see cref="CreateTableAsync"/> runs it. The same text for PostgreSQL and SQLite.
    /// </summary>
    public const string TableSql =
        """
        CREATE TABLE IF NOT EXISTS recourse_inbox (
          handler    varchar(64) NOT NULL,
          key        varchar(128) NOT NULL,
          handled_at bigint NOT NULL,
          PRIMARY KEY (handler, key)
        )
        """;

    /// <summary>Makes the table where it is missing.</summary>
    public static Task CreateTableAsync(DbConnection connection, CancellationToken cancellationToken = default) =>
        Sql.RunAsync(connection, null, TableSql, cancellationToken);

    /// <summary>
    /// Enters the message as part of the transaction. True: nobody has handled it, go on. False: it was handled and committed before;
    /// return without doing it again. A replay of which it is known that nothing had happened enters anew.
    /// </summary>
    /// <param name="context">The message.</param>
    /// <param name="transaction">The transaction in which the handler does its work.</param>
    /// <param name="time">The clock for <see cref="PruneAsync"/>; null for the system's.</param>
    /// <param name="cancellationToken">Ends the wait for the database.</param>
    public static async Task<bool> TryEnterAsync(
        this MessageContext context, DbTransaction transaction, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(transaction);
        var connection = transaction.Connection
            ?? throw new ArgumentException("The transaction has ended; enter the message before the work.", nameof(transaction));
        return await Sql.RunAsync(connection, transaction,
            "INSERT INTO recourse_inbox (handler, key, handled_at) VALUES (@handler, @key, @now) ON CONFLICT DO NOTHING",
            cancellationToken, ("handler", context.Handler), ("key", context.IdempotencyKey),
            ("now", (time ?? TimeProvider.System).NowMicros())) == 1;
    }

    /// <summary>
    /// Removes what was entered longer ago than messages can come again: the queue's <see cref="DeliveryPolicy.MaxAge"/> and the time that
    /// dead letters are kept. The result is how many went.
    /// </summary>
    public static Task<int> PruneAsync(
        DbConnection connection, TimeSpan olderThan, TimeProvider? time = null, CancellationToken cancellationToken = default) =>
        Sql.RunAsync(connection, null, "DELETE FROM recourse_inbox WHERE handled_at < @before", cancellationToken,
            ("before", (time ?? TimeProvider.System).NowMicros() - (long)olderThan.TotalMicroseconds));
}
