using System.Data;
using System.Data.Common;

namespace Recourse;

/// <summary>A transaction of any ADO.NET driver with the connection that belongs to it.</summary>
/// <param name="Connection">Open; for the commands of the work.</param>
/// <param name="Transaction">To be set on every command, as the driver asks.</param>
public sealed record DatabaseTransaction(DbConnection Connection, DbTransaction Transaction)
{
    /// <summary>The steps of a transaction on a connection of its own: opened, begun, committed or rolled back, and closed.</summary>
    /// <param name="source">Where connections come from.</param>
    /// <param name="isolation">The isolation level; unspecified leaves it to the driver.</param>
    /// <param name="verify">
    /// Finds out whether a commit of unknown fate happened, see <see cref="TransactionSteps{TTransaction}.Verify"/>; it gets a new
    /// connection. Null: such a commit is only repeated where the caller says that it is repeatable.
    /// </param>
    public static TransactionSteps<DatabaseTransaction> Steps(
        DbDataSource source, IsolationLevel isolation = IsolationLevel.Unspecified,
        Func<DbConnection, CancellationToken, ValueTask<bool?>>? verify = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new TransactionSteps<DatabaseTransaction>(
            token => Begin(source, isolation, token),
            static (both, token) => new ValueTask(both.Transaction.CommitAsync(token)),
            static both => new ValueTask(both.Transaction.RollbackAsync()),
            static both => both.End(),
            verify is null ? null : (_, token) => Verify(source, verify, token));
    }

    private static async ValueTask<DatabaseTransaction> Begin(DbDataSource source, IsolationLevel isolation, CancellationToken token)
    {
        var connection = await source.OpenConnectionAsync(token).ConfigureAwait(false);
        try
        {
            return new(connection, await connection.BeginTransactionAsync(isolation, token).ConfigureAwait(false));
        }
        catch (Exception)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async ValueTask<bool?> Verify(
        DbDataSource source, Func<DbConnection, CancellationToken, ValueTask<bool?>> verify, CancellationToken token)
    {
        var connection = await source.OpenConnectionAsync(token).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false)) return await verify(connection, token).ConfigureAwait(false);
    }

    private async ValueTask End()
    {
        // The connection goes back to its pool even when the transaction cannot be disposed of.
        await using (Connection.ConfigureAwait(false)) await Transaction.DisposeAsync().ConfigureAwait(false);
    }
}
