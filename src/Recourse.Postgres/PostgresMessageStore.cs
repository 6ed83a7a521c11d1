using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// The durable store in a PostgreSQL database (schema <c>recourse</c>, version 13 or later), by the server's clock. In this release one
/// relay owns a database; a second is refused. Several nodes with heartbeats come later: claims already skip what others hold, and every
/// outcome is fenced. Safe for many threads.
/// </summary>
public sealed class PostgresMessageStore : MessageStore
{
    private readonly NpgsqlDataSource _source;
    private readonly PostgresWriter _writer;
    private readonly PostgresQueries _queries;
    private CommandPump? _pump;

    /// <param name="connectionString">As Npgsql takes it: <c>Host=…;Database=…;Username=…;Password=…</c>.</param>
    public PostgresMessageStore(string connectionString) : this(connectionString, null)
    {
    }

    /// <summary>With a clock of the tests instead of the server's.</summary>
    internal PostgresMessageStore(string connectionString, TimeProvider? clock)
    {
        var builder = new NpgsqlConnectionStringBuilder(
            connectionString)
        { SearchPath = PostgresSchema.Schema, MaxAutoPrepare = 64, AutoPrepareMinUsages = 2 };
        _source = NpgsqlDataSource.Create(builder);
        Func<long>? now = clock is null ? null : clock.NowMicros;
        _writer = new(_source, now);
        _queries = new(_source, now);
    }

    /// <inheritdoc/>
    public override StoreQueries Queries => _pump is null ? throw NotOpen() : _queries;

    /// <inheritdoc/>
    public override Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default) => Task.Run(() =>
    {
        try
        {
            var opening = _writer.Open(BlocksLaneWhenDead);
            _pump = new("recourse-postgres", _writer.Commit);
            return opening;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw PostgresErrors.AsStoreException(error);
        }
    }, cancellationToken);

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
        return await command.Done.WaitAsync(cancellationToken);
    }

    private static StoreException NotOpen() => new("The store is not open; call OpenAsync first.", StoreProblem.Unavailable);

    /// <summary>Commits what was handed over, then closes the connections. Leases that are still held end with the next opening.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (_pump is not null)
            await _pump.DisposeAsync();
        _writer.Dispose();
        await _source.DisposeAsync();
    }
}
