namespace Recourse.Durable;

/// <summary>
/// Where messages, deliveries and dead letters live. Two sides: commands, committed in groups and acknowledged only once they are durable;
/// and queries, which never hold the writer up. Implementations are proven by one contract suite.
/// </summary>
public abstract class MessageStore : IAsyncDisposable
{
    /// <summary>
    /// Opens the store, brings its schema up to date and ends the leases of earlier owners: what was in hand becomes a suspect. Call once.
    /// </summary>
    /// <exception cref="StoreException">The store cannot be used; the message says what to do.</exception>
    public abstract Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Whether a dead letter of a queue holds the deliveries behind it in its lane; asked in <see cref="OpenAsync"/>, for what died as
    /// poison. Default: always, as in <see cref="DeliveryPolicy.BlockLaneWhenDead"/>. Set it before the store is opened.
    /// </summary>
    public Func<string, bool> BlocksLaneWhenDead { get; set; } = static _ => true;

    /// <summary>
    /// How this node introduces itself to others that share the store. Default: named like the machine. Set it before the store is opened;
    /// what is set later is told with the next pulse.
    /// </summary>
    public NodeIdentity Node { get; set; } = new(Environment.MachineName.ToLowerInvariant());

    /// <summary>This node among those that share the store, once it is open; null for a store that only one process opens.</summary>
    public virtual StoreNodes? Nodes => null;

    /// <summary>
    /// Who begins the attempts of what is stored here, and may take it as it is stored; set by a dispatcher. Null, the default: nobody.
    /// </summary>
    internal virtual IArrivals? Arrivals { get; set; }

    /// <summary>
    /// Commits a command together with others under way. When the task ends, the result is durable. Cancelling stops the wait, not the
    /// command.
    /// </summary>
    /// <exception cref="StoreException">The command was not committed (disk full, store closed …): nothing changed.</exception>
    public abstract ValueTask<TResult> CommitAsync<TResult>(StoreCommand<TResult> command, CancellationToken cancellationToken = default);

    /// <summary>
    /// Commits a message as <see cref="CommitAsync"/> does, and reports it as sent (<see cref="MessagingDiagnostics"/>). While somebody
    /// listens, the activity of the sending is a child of the message's trace context, and takes its place.
    /// </summary>
    /// <inheritdoc cref="CommitAsync"/>
    public ValueTask<EnqueueResult> SendAsync(EnqueueCommand command, CancellationToken cancellationToken = default) =>
        MessagingTelemetry.WatchesSending ? MessagingTelemetry.SendAsync(this, command, cancellationToken)
            : CommitAsync(command, cancellationToken);

    /// <summary>Reads: lists, counts, single messages. Sees everything that was committed before the call.</summary>
    public abstract StoreQueries Queries { get; }

    /// <summary>
    /// Copies the store as it is at one moment into a new file, while commands and reads go on, and checks the copy.
    /// </summary>
    /// <param name="path">A file that does not exist, in a folder that does. On the machine of the store.</param>
    /// <param name="cancellationToken">Ends the copying; nothing is left of it.</param>
    /// <exception cref="StoreException">The copy could not be made, or this store has no backup of its own (memory,
    /// PostgreSQL).</exception>
    public virtual Task<StoreBackup> BackupAsync(string path, CancellationToken cancellationToken = default) =>
        Task.FromException<StoreBackup>(new StoreException(
            "This store makes no backups itself: a store in memory has nothing to keep, and PostgreSQL has pg_dump.", StoreProblem.Other));

    /// <summary>
    /// Gives back the memory that is held for speed only (pages of the file, say); for a store at rest. What is asked for next takes a
    /// little longer. Default: nothing is held.
    /// </summary>
    public virtual Task TrimAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}

/// <summary>What <see cref="MessageStore.OpenAsync"/> found.</summary>
/// <param name="Suspects">Deliveries that were in hand when the last owner ended.</param>
/// <param name="Poisoned">Of those, how many are now dead as <c>poison_message</c>, because three processes ended while they ran
/// alone.</param>
public sealed record StoreOpening(int Suspects, int Poisoned)
{
    /// <summary>The change of the schema that was made first; null when none was needed or the store is new.</summary>
    public StoreMigration? Migration { get; init; }
}

/// <summary>A store that was brought to a newer schema.</summary>
/// <param name="From">The schema that it had.</param>
/// <param name="To">The schema that it has now.</param>
/// <param name="Backup">The copy of the file as it was before; null when none was made.</param>
public sealed record StoreMigration(int From, int To, string? Backup);

/// <summary>A copy of a store that was made and checked.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Schema">The schema that it has.</param>
/// <param name="At">When the copy was complete: what was committed before is in it.</param>
public sealed record StoreBackup(string Path, long Bytes, int Schema, DateTimeOffset At);

/// <summary>The store refused or lost the connection to its medium. Nothing of the failed command was kept.</summary>
public class StoreException : Exception
{
    /// <summary>Makes one with what was found, where, and what to do.</summary>
    public StoreException(string message, StoreProblem problem, Exception? inner = null) : base(message, inner) => Problem = problem;

    /// <summary>What is wrong, for programs.</summary>
    public StoreProblem Problem { get; }
}

/// <summary>Why a store cannot do its work.</summary>
public enum StoreProblem
{
    /// <summary>Any other reason; the message tells.</summary>
    Other,
    /// <summary>The disk is full: reading, discarding and purging may still work.</summary>
    DiskFull,
    /// <summary>Another process owns the file.</summary>
    Locked,
    /// <summary>The file or its folder cannot be written.</summary>
    ReadOnly,
    /// <summary>The file is damaged or is no store.</summary>
    Corrupt,
    /// <summary>The file was written by a newer release than this one can read.</summary>
    TooNew,
    /// <summary>The store is closed or its server is away.</summary>
    Unavailable,
    /// <summary>More commands wait than the store takes at once; try again a little later.</summary>
    Busy,
}
