using Microsoft.Extensions.Hosting;

namespace Recourse.Durable;

/// <summary>Starts and stops the bus with the application. The container closes the store after it.</summary>
internal sealed class MessageBusHost(MessageBus bus) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => bus.StartAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => bus.StopAsync();
}
