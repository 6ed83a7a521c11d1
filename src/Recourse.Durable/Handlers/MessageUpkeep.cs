using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Recourse.Durable;

/// <summary>What a bus does besides delivering: follows what operators hold, and keeps the store in order. It survives the store being
/// down.</summary>
internal sealed partial class MessageUpkeep(MessageBus bus, MessagingOptions options, TimeProvider time, ILogger<MessageUpkeep> logger)
    : BackgroundService
{
    private const int PassEvery = 15;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly StoreUpkeep _store = new(bus.Store);
    private bool _failed;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Tick, time);
        try
        {
            for (var tick = 1L; await timer.WaitForNextTickAsync(stoppingToken); tick++)
                await TryAsync(tick % PassEvery == 0, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The application stops; what was cut short goes on after the next start.
        }
    }

    private async Task TryAsync(bool pass, CancellationToken stoppingToken)
    {
        try
        {
            await bus.LookAtControlsAsync(stoppingToken);
            // Where several share the store, one keeps it in order for all.
            if (pass && bus.Store.Nodes is not { Housekeeping: false })
                await PassAsync(stoppingToken);
            _failed = false;
        }
        catch (Exception error) when (!stoppingToken.IsCancellationRequested)
        {
            // Once for a stretch of trouble, not once a second.
            if (!_failed)
                PassFailed(logger, error);
            _failed = true;
        }
    }

    private async Task PassAsync(CancellationToken stoppingToken)
    {
        var queues = await bus.Store.Queries.QueuesAsync(stoppingToken);
        await _store.PruneAsync(queues.Select(queue => queue.Queue), queue => options.QueueOf(queue).KeepDelivered, stoppingToken);
        await _store.SortInAsync(stoppingToken);
        await _store.ExpireAsync(stoppingToken);
        await _store.PruneReplaysAsync(stoppingToken);
        await _store.PruneAuditAsync(StoreUpkeep.KeepActs, StoreUpkeep.KeepActsMax, stoppingToken);
    }

    [LoggerMessage(1, LogLevel.Warning, "The store of messages could not be kept in order; it is tried again until it can.")]
    private static partial void PassFailed(ILogger logger, Exception error);
}
