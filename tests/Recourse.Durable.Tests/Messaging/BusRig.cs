using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Recourse.Durable.Tests.Messaging;

public sealed record Order(int Number, string? Customer = null);

/// <summary>What handlers did, told as it happens.</summary>
public sealed class Ledger
{
    private readonly Channel<string> _entries = Channel.CreateUnbounded<string>();

    public ConcurrentBag<MessageContext> Contexts { get; } = [];
    public Func<Order, MessageContext, CancellationToken, ValueTask> OnBill { get; set; } = (_, _, _) => default;

    public void Write(string entry) => _entries.Writer.TryWrite(entry);

    public ValueTask<string> NextAsync() => _entries.Reader.ReadAsync(TestContext.Current.CancellationToken);

    public bool IsEmpty => _entries.Reader.Count == 0;
}

public sealed class Scoped(Ledger ledger) : IDisposable
{
    public void Dispose() => ledger.Write("scope ended");
}

public sealed class BillOrder(Ledger ledger) : IMessageHandler<Order>
{
    public async ValueTask HandleAsync(Order message, MessageContext context, CancellationToken cancellationToken)
    {
        ledger.Contexts.Add(context);
        await ledger.OnBill(message, context, cancellationToken);
        ledger.Write($"billed {message.Number}");
    }
}

public sealed class ShipOrder(Ledger ledger, Scoped scoped) : IMessageHandler<Order>
{
    public ValueTask HandleAsync(Order message, MessageContext context, CancellationToken cancellationToken)
    {
        GC.KeepAlive(scoped);
        ledger.Write($"shipped {message.Number}");
        return default;
    }
}

/// <summary>An application with a bus, started.</summary>
public sealed class BusRig : IAsyncDisposable
{
    private readonly ServiceProvider _provider;

    private BusRig(ServiceProvider provider) => _provider = provider;

    public MessageBus Bus => _provider.GetRequiredService<MessageBus>();
    public Ledger Ledger => _provider.GetRequiredService<Ledger>();
    public Outbox Outbox => _provider.GetRequiredService<Outbox>();

    public static ServiceCollection Services(Action<MessagingBuilder> configure, TimeProvider? clock = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton(clock ?? TimeProvider.System);
        services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance).AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        services.AddSingleton<Ledger>().AddScoped<Scoped>();
        services.AddRecourse(recourse => recourse.AddMessages(configure));
        return services;
    }

    public static async Task<BusRig> StartAsync(
        Action<MessagingBuilder>? configure = null, MessageStore? store = null, TimeProvider? clock = null)
    {
        var rig = new BusRig(Services(messages =>
        {
            messages.Store(_ => store ?? new InMemoryMessageStore(clock));
            (configure ?? (more => more.Handle<Order, BillOrder>("orders")))(messages);
        }, clock).BuildServiceProvider());
        foreach (var hosted in rig._provider.GetServices<IHostedService>())
            await hosted.StartAsync(TestContext.Current.CancellationToken);
        return rig;
    }

    public async Task StopAsync()
    {
        foreach (var hosted in _provider.GetServices<IHostedService>().Reverse())
            await hosted.StopAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The message when all its deliveries are in this state: outcomes are stored a moment after a handler returns.</summary>
    public async Task<StoredMessage> UntilAsync(Guid id, DeliveryState state)
    {
        while (true)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            var message = await Bus.Store.Queries.MessageAsync(id);
            if (message is not null && message.Deliveries.All(delivery => delivery.State == state))
                return message;
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _provider.DisposeAsync();
    }
}
