using System.Data.Common;
using Dapper;
using Recourse.Durable;

namespace Shop;

/// <summary>An order was placed.</summary>
public sealed record OrderPlaced(long Number, string Customer, double Total);

/// <summary>It is time to ask the customer how it was.</summary>
public sealed record ReviewDue(long Number, string Customer);

/// <summary>Takes orders: the order and its messages are one transaction, so that neither exists without the other.</summary>
public sealed class Checkout(DbDataSource database, Outbox outbox, TimeProvider time)
{
    private static readonly TimeSpan ReviewAfter = TimeSpan.FromDays(14);

    public async Task<long> PlaceAsync(string customer, double total, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var number = await connection.QuerySingleAsync<long>(
            "INSERT INTO orders (customer, total) VALUES (@customer, @total) RETURNING number", new { customer, total }, transaction);
        // What one customer does is handled in order; customers do not wait for each other.
        await outbox.AddAsync(transaction, "orders", new OrderPlaced(number, customer, total), new() { OrderKey = customer },
            cancellationToken);
        await outbox.AddAsync(transaction, "reviews", new ReviewDue(number, customer),
            new() { DeliverAt = time.GetUtcNow() + ReviewAfter, Priority = 1 }, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        outbox.Notify();
        return number;
    }
}
