using System.Data.Common;
using Dapper;
using Recourse.Durable;

namespace Shop;

/// <summary>Writes one invoice for an order, however often the message comes: the inbox is part of the transaction.</summary>
public sealed class BillOrder(DbDataSource database) : IMessageHandler<OrderPlaced>
{
    public async ValueTask HandleAsync(OrderPlaced message, MessageContext context, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await context.TryEnterAsync(transaction, cancellationToken: cancellationToken))
            return;
        await connection.ExecuteAsync("INSERT INTO invoices (order_number) VALUES (@Number)", message, transaction);
        await transaction.CommitAsync(cancellationToken);
    }
}

/// <summary>Sends the receipt. The mail gateway may fail: what passes is tried again, what does not waits for a person.</summary>
public sealed class SendReceipt(IMail mail) : IMessageHandler<OrderPlaced>
{
    public async ValueTask HandleAsync(OrderPlaced message, MessageContext context, CancellationToken cancellationToken)
    {
        if (!message.Customer.Contains('@', StringComparison.Ordinal))
            throw new MessageRejectedException($"'{message.Customer}' is no e-mail address");
        await mail.SendAsync(message.Customer, $"Receipt for order {message.Number}: {message.Total:0.00}", context.IdempotencyKey,
            cancellationToken);
    }
}

/// <summary>Two weeks later.</summary>
public sealed class AskForReview(IMail mail) : IMessageHandler<ReviewDue>
{
    public ValueTask HandleAsync(ReviewDue message, MessageContext context, CancellationToken cancellationToken) =>
        mail.SendAsync(message.Customer, $"How was order {message.Number}?", context.IdempotencyKey, cancellationToken);
}
