namespace Recourse.Durable;

/// <summary>How long delivered messages can still be looked at; what goes first counts.</summary>
/// <param name="Age">Since the last of their deliveries ended. Zero removes them with the next pass.</param>
/// <param name="Most">How many of one queue at most; the oldest go.</param>
public readonly record struct DeliveredRetention(TimeSpan Age, int Most)
{
    /// <summary>An hour, and 100,000.</summary>
    public static DeliveredRetention Default { get; } = new(TimeSpan.FromHours(1), 100_000);
}

/// <summary>
/// What a store needs done although nobody asks for it. Each pass goes on in small commits until nothing is left, so that nothing else is
/// held up, and can be cut short at any time: the next one goes on. Whoever owns the store calls them every few seconds.
/// </summary>
/// <param name="store">An open store.</param>
public sealed class StoreUpkeep(MessageStore store)
{
    private const int Batch = 500;
    private const int SortInMax = 200;

    private bool _sortedIn;

    /// <summary>How long an ended replay job and the outcomes of its letters can be looked at: 30 days.</summary>
    public static TimeSpan KeepReplays { get; } = TimeSpan.FromDays(30);

    /// <summary>How long an act that was noted is kept where nothing else is said: 365 days.</summary>
    public static TimeSpan KeepActs { get; } = TimeSpan.FromDays(365);

    /// <summary>How many acts are kept where nothing else is said: 1,000,000, the newest.</summary>
    public const long KeepActsMax = 1_000_000;

    /// <summary>Removes delivered messages whose time is over.</summary>
    /// <param name="queues">The queues to look at.</param>
    /// <param name="kept">How long each keeps them.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    /// <exception cref="StoreException">The store takes nothing.</exception>
    public async Task PruneAsync(IEnumerable<string> queues, Func<string, DeliveredRetention> kept, CancellationToken cancellationToken)
    {
        foreach (var queue in queues)
        {
            var (age, most) = kept(queue);
            await RepeatAsync(() => new PruneCommand(age, Batch) { Queue = queue, KeepMax = most }, Batch, cancellationToken);
        }
    }

    /// <summary>Puts what died before an upgrade into groups and the search.</summary>
    /// <inheritdoc cref="PruneAsync"/>
    public async Task SortInAsync(CancellationToken cancellationToken)
    {
        if (_sortedIn)
            return;
        await RepeatAsync(() => new IndexLettersCommand(SortInMax), SortInMax, cancellationToken);
        _sortedIn = !cancellationToken.IsCancellationRequested;
    }

    /// <summary>Ends what is over and no claim met: delayed, held by an operator, behind an open breaker.</summary>
    /// <inheritdoc cref="PruneAsync"/>
    public Task ExpireAsync(CancellationToken cancellationToken) => RepeatAsync(() => new ExpireCommand(Batch), Batch, cancellationToken);

    /// <summary>Removes replay jobs that ended more than <see cref="KeepReplays"/> ago.</summary>
    /// <inheritdoc cref="PruneAsync"/>
    public Task PruneReplaysAsync(CancellationToken cancellationToken) =>
        RepeatAsync(() => new PruneReplaysCommand(KeepReplays, Batch), 1, cancellationToken);

    /// <summary>Removes acts that were noted longer ago, or beyond the newest; see <see cref="PruneAuditCommand"/>.</summary>
    /// <param name="olderThan">The age from which an act may go.</param>
    /// <param name="keepMax">How many may stay whatever their age; at least 0.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    /// <exception cref="StoreException">The store takes nothing.</exception>
    public Task PruneAuditAsync(TimeSpan olderThan, long keepMax, CancellationToken cancellationToken) =>
        RepeatAsync(() => new PruneAuditCommand(olderThan, keepMax, Batch), Batch, cancellationToken);

    /// <summary>Until a commit had less to do than <paramref name="full"/>.</summary>
    private async Task RepeatAsync(Func<StoreCommand<int>> next, int full, CancellationToken cancellationToken)
    {
        int done;
        do
            done = await store.CommitAsync(next(), cancellationToken);
        while (done >= full && !cancellationToken.IsCancellationRequested);
    }
}
