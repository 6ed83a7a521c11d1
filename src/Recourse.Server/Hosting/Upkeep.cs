using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Recourse.Durable;

namespace Recourse.Server;

/// <summary>
/// What nobody asks for and must be done all the same: delivered messages are removed when their time is over, expired ones end, dead
/// letters get the second chances and the end that the configuration gives them. Each pass is bounded, logs its troubles, and survives the
/// store being down.
/// </summary>
internal sealed class Upkeep(Relay relay, ILogger<Upkeep> logger) : BackgroundService
{
    private const int PruneMax = 500;
    private static readonly TimeSpan KeepReplays = TimeSpan.FromDays(30);
    private const int LettersMax = 500;
    private const int SortInMax = 200;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);

    private string? _cursor;
    private bool _warned;
    private bool _sortedIn;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, relay.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await PassAsync("delivered messages", PruneAsync, stoppingToken);
                await PassAsync("dead letters of an earlier release", SortInAsync, stoppingToken);
                await PassAsync("expired messages", ExpireAsync, stoppingToken);
                await PassAsync("ended replays", PruneReplaysAsync, stoppingToken);
                await PassAsync("the audit", PruneAuditAsync, stoppingToken);
                await PassAsync("dead letters", DeadLettersAsync, stoppingToken);
                await PassAsync("the bound on dead letters", WatchBoundAsync, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The relay stops; a pass that was cut short goes on after the next start.
        }
    }

    private async Task PassAsync(string what, Func<CancellationToken, Task> pass, CancellationToken stoppingToken)
    {
        try
        {
            await pass(stoppingToken);
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
    }

    /// <summary>Removes in small commits, so that intake is never held up, until nothing is left to remove.</summary>
    internal async Task PruneAsync(CancellationToken stoppingToken)
    {
        foreach (var queue in await relay.Books.ReadAsync())
        {
            var (age, most) = Kept(queue.Queue);
            int removed;
            do
            {
                var prune = new PruneCommand(age, PruneMax) { Queue = queue.Queue, KeepMax = most };
                removed = await relay.Store.CommitAsync(prune, stoppingToken);
            }
            while (removed >= PruneMax && !stoppingToken.IsCancellationRequested);
        }
    }

    // A queue that is no longer configured keeps what the relay says for all.
    private (TimeSpan Age, int Most) Kept(string queue)
    {
        var all = relay.Configuration;
        var own = all.Queues.GetValueOrDefault(queue);
        return (own?.KeepDelivered ?? all.KeepDelivered, own?.KeepDeliveredMax ?? all.KeepDeliveredMax);
    }

    /// <summary>Puts what died before an upgrade into groups and the search, in small commits, until nothing is left.</summary>
    internal async Task SortInAsync(CancellationToken stoppingToken)
    {
        while (!_sortedIn && !stoppingToken.IsCancellationRequested)
            _sortedIn = await relay.Store.CommitAsync(new IndexLettersCommand(SortInMax), stoppingToken) < SortInMax;
    }

    /// <summary>Ended replay jobs and the outcomes of their letters can be looked at for 30 days.</summary>
    internal async Task PruneReplaysAsync(CancellationToken stoppingToken)
    {
        int removed;
        do
            removed = await relay.Store.CommitAsync(new PruneReplaysCommand(KeepReplays, PruneMax), stoppingToken);
        while (removed > 0 && !stoppingToken.IsCancellationRequested);
    }

    /// <summary>What was done is kept for as long, and for as many, as the configuration says.</summary>
    internal async Task PruneAuditAsync(CancellationToken stoppingToken)
    {
        var rules = relay.Configuration.Audit;
        int removed;
        do
            removed = await relay.Store.CommitAsync(new PruneAuditCommand(rules.Keep, rules.KeepMax, PruneMax), stoppingToken);
        while (removed >= PruneMax && !stoppingToken.IsCancellationRequested);
    }

    /// <summary>Ends what is over and no claim met: delayed, held by an operator, behind an open breaker.</summary>
    internal async Task ExpireAsync(CancellationToken stoppingToken)
    {
        int ended;
        do
            ended = await relay.Store.CommitAsync(new ExpireCommand(PruneMax), stoppingToken);
        while (ended >= PruneMax && !stoppingToken.IsCancellationRequested);
    }

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
            await LetterArchive.WriteAsync(archive, relay.Store.Queries, over, stoppingToken);
        foreach (var letter in page.Items)
        {
            if (SecondChance.IsOver(letter, rules, now))
                discarded += await DoneAsync(new DiscardCommand(letter.Id, "policy",
                    $"kept for {Measures.Duration(rules.Retention!.Value)} (dead_letter_queue.retention)"));
            else if (SecondChance.IsDue(letter, rules, now))
                replayed += await DoneAsync(new ReplayCommand(letter.Id, "policy",
                    $"second chance {letter.Generation + 1} of {rules.MaxRetries} (dead_letter_queue.max_retries)"));
        }
        if (replayed + discarded > 0)
            Log.DeadLettersKept(logger, replayed, discarded);

        // Somebody else may have acted on it since the page was read; then there is nothing to do.
        async Task<int> DoneAsync(StoreCommand<DeadLetterOutcome> command) =>
            await relay.Store.CommitAsync(command, stoppingToken) is DeadLetterOutcome.Done ? 1 : 0;
    }

    private async Task WatchBoundAsync(CancellationToken stoppingToken)
    {
        if (relay.Configuration.DeadLetterQueue.MaxSize is not { } max)
            return;
        var dead = await relay.Books.DeadAsync();
        var near = dead >= 0.8 * max;
        if (near && !_warned)
            Log.DeadLettersNearBound(logger, dead, max);
        _warned = near;
    }
}
