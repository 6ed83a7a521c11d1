using System.Data.Common;
using Dapper;
using Recourse.Durable;

namespace Shop;

/// <summary>An order as a customer sends it.</summary>
public sealed record NewOrder(string Customer, double Total);

/// <summary>A message that could not be handled.</summary>
public sealed record Failure(string Id, string Handler, string? Error, int Attempts);

/// <summary>The shop over HTTP: for customers, and for whoever looks after it.</summary>
public static class Endpoints
{
    public static void MapOrders(this WebApplication app)
    {
        app.MapPost("/orders", async (NewOrder order, Checkout checkout, CancellationToken token) =>
        {
            var number = await checkout.PlaceAsync(order.Customer, order.Total, token);
            return Results.Created($"/orders/{number}", new { number });
        });
        app.MapGet("/orders/{number:long}", async (long number, DbDataSource database, CancellationToken token) =>
        {
            await using var connection = await database.OpenConnectionAsync(token);
            var invoices = await connection.QueryAsync<long>("SELECT number FROM invoices WHERE order_number = @number", new { number });
            return new { number, invoices };
        });
    }

    public static void MapDesk(this WebApplication app)
    {
        app.MapGet("/failures", async (MessageBus bus, CancellationToken token) =>
        {
            var dead = await bus.Store.Queries.DeliveriesAsync(new() { State = DeliveryState.Dead }, token);
            return dead.Items.Select(letter => new Failure(letter.Id.ToString(), letter.Service, letter.Error, letter.AttemptCount));
        });
        app.MapPost("/failures/{id}/retry", async (string id, MessageBus bus, CancellationToken token) =>
            DeliveryId.TryParse(id, out var letter)
                ? Results.Ok(new { outcome = (await bus.ReplayAsync(letter, "desk", cancellationToken: token)).ToString() })
                : Results.NotFound());
        app.MapPost("/mail/pause", (MessageBus bus, CancellationToken token) =>
            bus.HoldAsync(ControlKind.ServicePaused, "send-receipt", "desk", "asked for over HTTP", token));
        app.MapPost("/mail/resume", (MessageBus bus, CancellationToken token) =>
            bus.ReleaseAsync(ControlKind.ServicePaused, "send-receipt", "desk", cancellationToken: token));
    }
}
