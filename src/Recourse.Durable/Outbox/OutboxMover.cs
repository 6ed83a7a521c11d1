using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Recourse.Durable;

/// <summary>
/// Moves messages from the application's table into the store: stored first, removed after. A row that is met twice, because a process
/// ended in between or several processes look, is stored once: its id is its idempotency key. The loop survives the database and the store
/// being down.
/// </summary>
internal sealed partial class OutboxMover : BackgroundService
{
    private readonly DbDataSource _source;
    private readonly MessagingOptions _options;
    private readonly MessageBus _bus;
    private readonly Outbox _outbox;
    private readonly ILogger<OutboxMover> _logger;

    public OutboxMover(MessagingOptions options, MessageBus bus, Outbox outbox, IServiceProvider services, ILogger<OutboxMover> logger)
    {
        (_options, _bus, _outbox, _logger) = (options, bus, outbox, logger);
        _source = options.Outbox!(services);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stop = stoppingToken.Register(_outbox.Wake.Set);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await MoveAsync(stoppingToken) == _options.OutboxOptions.BatchMax)
                {
                }
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                MoveFailed(_logger, Durations.Text(_options.OutboxOptions.Poll), error);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await _outbox.Wake.SleepAsync(_options.OutboxOptions.Poll);
        }
    }

    /// <summary>Moves one batch; how many rows it held.</summary>
    internal async Task<int> MoveAsync(CancellationToken token)
    {
        await using var connection = await _source.OpenConnectionAsync(token);
        var rows = await OutboxTable.ReadAsync(connection, _options.OutboxOptions.BatchMax, _bus.Services, token);
        if (rows.Count == 0)
            return 0;
        // All are handed over before the first is awaited: one commit for many, and in the order of the table.
        var sends = rows.ConvertAll(row => row.Message is { } message
            ? _bus.SendAsync(message, token, _options.OutboxOptions.Remember).AsTask()
            : null);
        var moved = new List<string>(rows.Count);
        foreach (var (row, send) in rows.Zip(sends))
        {
            var problem = row.Problem ?? await ProblemAsync(send!);
            if (problem is null)
                moved.Add(row.Id);
            else
                await SetAsideAsync(connection, row.Id, problem, token);
        }
        await OutboxTable.RemoveAsync(connection, moved, token);
        return rows.Count;
    }

    /// <summary>Null when the message is in the store; otherwise why it never will be. A store that is away throws: the row stays for
    /// later.</summary>
    private static async Task<string?> ProblemAsync(Task<EnqueueResult> send)
    {
        try
        {
            var result = await send;
            return result.Status is EnqueueStatus.KeyConflict
                ? $"Its idempotency key was used before with another body, by message {result.MessageId}."
                : null;
        }
        catch (ArgumentException error)
        {
            return error.Message;
        }
    }

    private async Task SetAsideAsync(DbConnection connection, string id, string problem, CancellationToken token)
    {
        await OutboxTable.SetAsideAsync(connection, id, problem, token);
        CannotMove(_logger, id, problem);
    }

    [LoggerMessage(1, LogLevel.Warning, "The outbox could not be moved; it is looked at again in {Wait}.")]
    private static partial void MoveFailed(ILogger logger, string wait, Exception error);

    [LoggerMessage(2, LogLevel.Error, "Row {Id} of recourse_outbox cannot be sent and stays there, with its reason: {Problem}")]
    private static partial void CannotMove(ILogger logger, string id, string problem);
}
