using System.Data.Common;
using Dapper;
using Recourse.Durable;

namespace Shop;

/// <summary>Makes the tables that are missing when the shop starts.</summary>
public sealed class ShopTables(DbDataSource database) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(
            """
            CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, customer TEXT NOT NULL, total REAL NOT NULL);
            CREATE TABLE IF NOT EXISTS invoices (number INTEGER PRIMARY KEY AUTOINCREMENT, order_number INTEGER NOT NULL);
            """);
        await Outbox.CreateTableAsync(connection, cancellationToken);
        await Inbox.CreateTableAsync(connection, cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
