using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// The durable store in one SQLite file, owned by one process. A command that was acknowledged is on the disk: it survives the end of the
/// process and of the machine. Commands of all callers are committed in groups by one thread; reads run beside it. Safe for many threads.
/// </summary>
public sealed class SqliteMessageStore : MessageStore
{
    private readonly SqliteStoreOptions _options;
    private readonly TimeProvider _time;
    private StoreFile? _file;
    private SqliteWriter? _writer;
    private SqliteReaders? _readers;
    private Checkpoints? _checkpoints;
    private CommandPump? _pump;
    private SqliteQueries? _queries;
    private BackupCopy? _copy;
    private int _copying;

    /// <param name="options">The file and the bounds.</param>
    /// <param name="time">The clock that stamps what is stored; null for the system's.</param>
    public SqliteMessageStore(SqliteStoreOptions options, TimeProvider? time = null) =>
        (_options, _time) = (options.Checked(), time ?? TimeProvider.System);

    /// <param name="path">The file; see <see cref="SqliteStoreOptions.Path"/>.</param>
    /// <param name="time">The clock that stamps what is stored; null for the system's.</param>
    public SqliteMessageStore(string path, TimeProvider? time = null) : this(new SqliteStoreOptions { Path = path }, time)
    {
    }

    /// <inheritdoc/>
    public override StoreQueries Queries => _queries ?? throw NotOpen();

    /// <inheritdoc/>
    public override Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default) => Task.Run(Open, cancellationToken);

    private StoreOpening Open()
    {
        if (_file is not null)
            throw new InvalidOperationException("The store is open already; OpenAsync is called once.");
        _file = StoreFile.Take(_options.Path);
        try
        {
            _writer = new(_file.Path, _options, _time, BlocksLaneWhenDead, () => Arrivals);
            _readers = new(_file.Path, _options, _time);
            _checkpoints = new(_writer.Database, _readers, _options);
            _queries = new(_readers, _time);
            _pump = new("recourse-store", Commit, _options.PendingMax, _checkpoints.WhenIdle);
            return _writer.Opening;
        }
        catch (Exception error)
        {
            _writer?.Dispose();
            _file.Dispose();
            _file = null;
            throw error is SqliteFailure failure ? failure.AsStoreException() : error;
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<TResult> CommitAsync<TResult>(
        StoreCommand<TResult> command, CancellationToken cancellationToken = default)
    {
        var pump = _pump ?? throw NotOpen();
        cancellationToken.ThrowIfCancellationRequested();
        if (command is EnqueueCommand enqueue)
            EnqueueChecks.Prepare(enqueue);
        else
            LetterRules.Check(command);
        await pump.AddAsync(command, cancellationToken);
        return cancellationToken.CanBeCanceled ? await command.Done.WaitAsync(cancellationToken) : await command.Done;
    }

    private void Commit(ReadOnlySpan<StoreCommand> batch, Span<Exception?> errors)
    {
        _writer!.Commit(batch, errors);
        _checkpoints!.AfterCommit();
        for (var i = 0; i < batch.Length; i++)
        {
            if (errors[i] is null && batch[i] is BetweenCommitsCommand between)
                errors[i] = Run(between);
        }
    }

    private static StoreException? Run(BetweenCommitsCommand between)
    {
        try
        {
            between.Run();
            return null;
        }
        catch (SqliteFailure failure)
        {
            return failure.AsStoreException();
        }
        catch (StoreException error)
        {
            return error;
        }
    }

    /// <inheritdoc/>
    public override async Task<StoreBackup> BackupAsync(string path, CancellationToken cancellationToken = default)
    {
        _ = _pump ?? throw NotOpen();
        if (Interlocked.Exchange(ref _copying, 1) != 0)
            throw new StoreException("A backup of this store is being made; wait for its end.", StoreProblem.Busy);
        StoreCopy? place = null;
        try
        {
            place = StoreCopy.At(path);
            await CopyAsync(place, cancellationToken);
            var at = _time.GetUtcNow();
            return await Task.Run(() => place.Finish(at), cancellationToken);
        }
        catch (Exception error)
        {
            place?.Discard();
            throw error is SqliteFailure failure ? failure.AsStoreException() : error;
        }
        finally
        {
            Volatile.Write(ref _copying, 0);
        }
    }

    /// <summary>Step by step on the writer's thread, behind whatever was handed over in between.</summary>
    private async Task CopyAsync(StoreCopy place, CancellationToken cancellationToken)
    {
        await BetweenAsync(() => _copy = new(_writer!.Database, place.Part));
        try
        {
            var whole = false;
            while (!whole)
            {
                cancellationToken.ThrowIfCancellationRequested();
                await BetweenAsync(() => whole = _copy!.Step());
            }
        }
        finally
        {
            await BetweenAsync(EndCopy);
        }
    }

    private async Task BetweenAsync(Action action) => await CommitAsync(new BetweenCommitsCommand(action), CancellationToken.None);

    /// <inheritdoc/>
    public override async Task TrimAsync()
    {
        if (_pump is null)
            return;
        _readers!.Trim();
        await BetweenAsync(() => _writer!.Database.Trim());
    }

    private void EndCopy()
    {
        _copy?.Dispose();
        _copy = null;
    }

    private static StoreException NotOpen() => new("The store is not open; call OpenAsync first.", StoreProblem.Unavailable);

    /// <summary>Commits what was handed over, then closes the file. Leases that are still held end with the next opening.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (_pump is not null)
            await _pump.DisposeAsync();
        // The thread that made its steps has ended, so it is nobody's any more.
        EndCopy();
        _readers?.Dispose();
        _writer?.Dispose();
        _file?.Dispose();
    }
}
