using Microsoft.Extensions.Hosting;
using Recourse.Durable;

namespace Recourse.Server;

/// <summary>
/// While the store refuses, tries a small durable write every second, so that the relay becomes ready by itself when the disk has room
/// again: a load balancer sends no message to one that is not ready. One probe at a time; without trouble it does nothing.
/// </summary>
internal sealed class StoreWatch(Relay relay) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, relay.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await ProbeAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The relay stops.
        }
    }

    private async Task ProbeAsync(CancellationToken stoppingToken)
    {
        if (relay.Health.Trouble is null)
            return;
        try
        {
            await relay.Store.CommitAsync(new ProbeCommand(relay.Health.ProbeSize), stoppingToken);
        }
        catch (StoreException)
        {
            // Still in trouble, which its health has noted; the next second tries again.
        }
    }
}
