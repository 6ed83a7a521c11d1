using System.Data.Common;
using Microsoft.Data.Sqlite;
using Recourse;
using Recourse.Durable;
using Recourse.Sqlite;

namespace Shop;

/// <summary>Puts the shop together.</summary>
public static class ShopApplication
{
    /// <param name="args">The command line; <c>--urls</c> says where it listens.</param>
    /// <param name="folder">Where its files are.</param>
    /// <param name="mail">Where letters go.</param>
    /// <param name="time">The clock; null for the system's. Tests give one that they move.</param>
    public static WebApplication Build(string[] args, string folder, IMail mail, TimeProvider? time = null)
    {
        Directory.CreateDirectory(folder);
        var builder = WebApplication.CreateBuilder(args);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        var services = builder.Services;
        services.AddSingleton(mail);
        services.AddSingleton(time ?? TimeProvider.System);
        services.AddSingleton<DbDataSource>(_ => SqliteFactory.Instance.CreateDataSource($"Data Source={folder}/shop.db"));
        services.AddHostedService<ShopTables>(); // before the bus: its outbox looks into them
        services.AddSingleton<Checkout>();
        services.AddRecourse(recourse => recourse.AddMessages(messages => messages
            .Store(_ => new SqliteMessageStore($"{folder}/messages.db", time))
            .Queue("orders", new() { Policy = new DeliveryPolicy { MaxAttempts = 5 } })
            .Handle<OrderPlaced, BillOrder>("orders")
            .Handle<OrderPlaced, SendReceipt>("orders", configure: handler => handler with { MaxConcurrent = 4 })
            .Handle<ReviewDue, AskForReview>("reviews")
            .UseOutbox(provider => provider.GetRequiredService<DbDataSource>())));
        var app = builder.Build();
        app.MapOrders();
        app.MapDesk();
        return app;
    }
}
