using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Recourse.Durable;
using Recourse.Server.Dashboard;

namespace Recourse.Server;

/// <summary>
/// What nobody asks for and must be done all the same: delivered messages are removed when their time is over, expired ones end, dead
/// letters get the second chances and the end that the configuration gives them. Each pass is bounded, logs its troubles, and survives the
/// store being down.
/// </summary>
internal sealed class Upkeep(Relay relay, ILogger<Upkeep> logger) : BackgroundService
{
    private const int LettersMax = 500;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);

    private readonly StoreUpkeep _store = new(relay.Store);
    private readonly Rest _rest = new();
    private string? _cursor;
    private string _filled = DeadLetterFill.Ok;
    private long? _awaySince;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, relay.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await RoundAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The relay stops; a pass that was cut short goes on after the next start.
        }
    }

    // A store that cannot be reached is asked once in a round, not once in each of its passes.
    private async Task RoundAsync(CancellationToken stoppingToken)
    {
        if (!await PassAsync("the bound on dead letters", WatchBoundAsync, stoppingToken))
            return;
        if (_awaySince is { } since)
        {
            _awaySince = null;
            Log.HouseKeptAgain(logger, Wording.Span(relay.Time.GetElapsedTime(since)));
        }
        await PassAsync("memory at rest", TrimAsync, stoppingToken);
        // Another node does it for all.
        if (!relay.KeepsHouse)
            return;
        await PassAsync("delivered messages", PruneAsync, stoppingToken);
        await PassAsync("dead letters of an earlier release", _store.SortInAsync, stoppingToken);
        await PassAsync("expired messages", _store.ExpireAsync, stoppingToken);
        await PassAsync("ended replays", _store.PruneReplaysAsync, stoppingToken);
        await PassAsync("the audit", PruneAuditAsync, stoppingToken);
        await PassAsync("dead letters", DeadLettersAsync, stoppingToken);
        await PassAsync("the archive", PackArchiveAsync, stoppingToken);
    }

    // False when the store could not be reached.
    private async Task<bool> PassAsync(string what, Func<CancellationToken, Task> pass, CancellationToken stoppingToken)
    {
        try
        {
            await pass(stoppingToken);
        }
        catch (StoreException error) when (error.Problem is StoreProblem.Unavailable && !stoppingToken.IsCancellationRequested)
        {
            if (_awaySince is null)
                Log.HouseNotKept(logger, error.Message);
            _awaySince ??= relay.Time.GetTimestamp();
            return false;
        }
        catch (StoreException error) when (!stoppingToken.IsCancellationRequested)
        {
            // A store that takes nothing has been logged for all.
            if (relay.Health.Trouble is null)
                Log.PassPutOff(logger, what, error.Message);
        }
        catch (Exception error) when (!stoppingToken.IsCancellationRequested)
        {
            Log.PassFailed(logger, what, error);
        }
        return true;
    }

    internal async Task PruneAsync(CancellationToken stoppingToken) =>
        await _store.PruneAsync((await relay.Books.ReadAsync()).Select(queue => queue.Queue), Kept, stoppingToken);

    // A queue that is no longer configured keeps what the relay says for all.
    private DeliveredRetention Kept(string queue)
    {
        var all = relay.Configuration;
        var own = all.Queues.GetValueOrDefault(queue);
        return new(own?.KeepDelivered ?? all.KeepDelivered, own?.KeepDeliveredMax ?? all.KeepDeliveredMax);
    }

    /// <summary>What was done is kept for as long, and for as many, as the configuration says.</summary>
    internal Task PruneAuditAsync(CancellationToken stoppingToken) =>
        _store.PruneAuditAsync(relay.Configuration.Audit.Keep, relay.Configuration.Audit.KeepMax, stoppingToken);

    /// <summary>Looks at one page of dead letters, and goes on from there the next time, so that a million of them are no load.</summary>
    internal async Task DeadLettersAsync(CancellationToken stoppingToken)
    {
        var rules = relay.Configuration.DeadLetterQueue;
        if (rules.MaxRetries == 0 && rules.Retention is null)
            return;
        var page = await relay.Store.Queries.DeliveriesAsync(new() { State = DeliveryState.Dead, After = _cursor, Limit = LettersMax },
            stoppingToken);
        _cursor = page.Next;
        var now = relay.Time.GetUtcNow();
        var (replayed, discarded) = (0, 0);
        var over = page.Items.Where(letter => SecondChance.IsOver(letter, rules, now)).ToList();
        // On the disk before they go; what cannot be archived stays, and the pass says so.
        if (rules.Archive is { } archive && over.Count > 0)
            over = await new LetterArchive(archive).WriteAsync(relay.Store.Queries, over, now, stoppingToken);
        foreach (var letter in page.Items)
        {
            if (over.Contains(letter))
                discarded += await DoneAsync(new DiscardCommand(letter.Id, "policy",
                    $"kept for {Measures.Duration(rules.Retention!.Value)} (dead_letter_queue.retention)")
                { IfStill = letter });
            else if (!SecondChance.IsOver(letter, rules, now) && SecondChance.IsDue(letter, rules, now))
                replayed += await DoneAsync(new ReplayCommand(letter.Id, "policy",
                    $"second chance {letter.Generation + 1} of {rules.MaxRetries} (dead_letter_queue.max_retries)"));
        }
        if (replayed + discarded > 0)
            Log.DeadLettersKept(logger, replayed, discarded);

        // Somebody else may have acted on it since the page was read; then there is nothing to do.
        async Task<int> DoneAsync(StoreCommand<DeadLetterOutcome> command) =>
            await relay.Store.CommitAsync(command, stoppingToken) is DeadLetterOutcome.Done ? 1 : 0;
    }

    /// <summary>Days of the archive that are over get small.</summary>
    internal async Task PackArchiveAsync(CancellationToken stoppingToken)
    {
        if (relay.Configuration.DeadLetterQueue.Archive is { } archive)
            await new LetterArchive(archive).PackAsync(relay.Time.GetUtcNow(), stoppingToken);
    }

    /// <summary>What a burst left in memory is given back when the relay has come to rest, once.</summary>
    internal async Task TrimAsync(CancellationToken stoppingToken)
    {
        if (!_rest.Begins(await relay.Books.ReadAsync()))
            return;
        await relay.Store.TrimAsync();
        relay.AtRest();
    }

    /// <summary>Says once when the bound is near, reached, or far again.</summary>
    internal async Task WatchBoundAsync(CancellationToken stoppingToken)
    {
        var max = relay.Configuration.DeadLetterQueue.MaxSize;
        var dead = await relay.Books.DeadAsync();
        var (before, now) = (_filled, _filled = DeadLetterFill.State(dead, max));
        if (before == now || max is not { } bound)
            return;
        if (now == DeadLetterFill.Full)
            Log.DeadLettersFull(logger, dead, bound);
        else if (now == DeadLetterFill.Near)
            Log.DeadLettersNearBound(logger, dead, bound);
        else
            Log.DeadLettersFarFromBound(logger, dead, bound);
    }
}
