using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// The durable store in a PostgreSQL database (schema <c>recourse</c>, version 13 or later), by the server's clock. Several nodes can share
/// one database: each registers when it opens the store, says every second that it lives, and takes over what dead ones had in hand. Safe
/// for many threads.
/// </summary>
public sealed class PostgresMessageStore : MessageStore
{
    private readonly NpgsqlDataSource _source;
    private readonly NodeWriters _node;
    private readonly PostgresWriter _intake;
    private readonly PostgresWriter _claims;
    private readonly PostgresWriter _writer;
    private readonly PostgresQueries _queries;
    private readonly PulseWriter _pulses;
    private readonly TimeProvider _time;
    private readonly WorkNotice _notice;
    private CommandPump? _arrivals;
    private CommandPump? _turns;
    private CommandPump? _pump;
    private StoreNodes? _nodes;

    /// <param name="connectionString">An address as in <c>postgres://user:password@host:port/database</c>, or as Npgsql takes it:
    /// <c>Host=…;Database=…;Username=…;Password=…</c>. Behind a pooler that gives each transaction another session, add
    /// <c>?pooling=transaction</c> to the address.</param>
    /// <exception cref="ArgumentException">The address cannot be read; the message says why.</exception>
    public PostgresMessageStore(string connectionString) : this(connectionString, null)
    {
    }

    /// <summary>With a clock of the tests instead of the server's.</summary>
    internal PostgresMessageStore(string connectionString, TimeProvider? clock)
    {
        var address = PostgresAddress.Of(connectionString);
        _source = NpgsqlDataSource.Create(address.Builder);
        _time = clock ?? TimeProvider.System;
        Func<long>? now = clock is null ? null : clock.NowMicros;
        _node = new(address.HasSessions, () => Arrivals);
        _intake = new(_source, now, _node) { Node = () => _nodes?.Id ?? 0 };
        _claims = new(_source, now, _node) { Node = () => _nodes?.Id ?? 0 };
        _writer = new(_source, now, _node) { Node = () => _nodes?.Id ?? 0 };
        _pulses = new(_source, now);
        _queries = new(_source, now) { Node = () => _nodes?.Id ?? 0 };
        _notice = new(_source, _time, address.HasSessions);
    }

    /// <inheritdoc/>
    public override StoreQueries Queries => _pump is null ? throw NotOpen() : _queries;

    /// <inheritdoc/>
    public override StoreNodes? Nodes => _nodes;

    /// <summary>False in tests that pulse themselves.</summary>
    internal bool Pulses { get; init; } = true;

    /// <summary>
    /// True in tests that make every claim in one statement that can be, and read in the same transaction what has to be read first.
    /// </summary>
    internal bool AlwaysAtOnce { init => _claims.AlwaysAtOnce = value; }

    /// <summary>What a pooler does to a session between two transactions of a writer; set by tests.</summary>
    internal Action<NpgsqlConnection>? BetweenTransactions
    {
        set => _intake.BetweenTransactions = _claims.BetweenTransactions = _writer.BetweenTransactions = value;
    }

    /// <summary>What can happen between a commit and its answer; set by tests.</summary>
    internal Action? AfterCommit { set => _intake.AfterCommit = _claims.AfterCommit = _writer.AfterCommit = value; }

    /// <inheritdoc/>
    public override async Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var opening = await Task.Run(() => _writer.Open(BlocksLaneWhenDead), cancellationToken);
            await Task.Run(_intake.Continue, cancellationToken);
            // Whoever sends does not wait for what is claimed and ended at the time, nor a claim for the ends of others.
            _arrivals = new("recourse-postgres-intake", _intake.Commit, atOnce: _intake.CommitAtOnceAsync);
            _turns = new("recourse-postgres-claims", _claims.Commit, atOnce: _claims.CommitAtOnceAsync);
            _pump = new("recourse-postgres", _writer.Commit, atOnce: _writer.CommitAtOnceAsync);
            var nodes = new StoreNodes(this, () => Node, _time);
            await nodes.JoinAsync(Pulses);
            _nodes = nodes;
            if (Pulses)
                _notice.Start(nodes);
            return opening;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw PostgresErrors.AsStoreException(error);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<TResult> CommitAsync<TResult>(
        StoreCommand<TResult> command, CancellationToken cancellationToken = default)
    {
        var pump = _pump ?? throw NotOpen();
        cancellationToken.ThrowIfCancellationRequested();
        if (command is PulseCommand or LeaveCommand)
            return await Task.Run(() => Beside(command), cancellationToken);
        if (command is EnqueueCommand enqueue)
            EnqueueChecks.Prepare(enqueue);
        else
            LetterRules.Check(command);
        var whose = command switch
        {
            EnqueueCommand => _arrivals!,
            ClaimCommand => _turns!,
            _ => pump,
        };
        await whose.AddAsync(command, cancellationToken);
        var result = await command.Done.WaitAsync(cancellationToken);
        _notice.Committed(command);
        return result;
    }

    // Not through the pump: a slow batch must not make this node look dead.
    private TResult Beside<TResult>(StoreCommand<TResult> command)
    {
        try
        {
            if (command is PulseCommand pulse)
            {
                pulse.Result = _pulses.Apply(pulse);
                ReleaseLost();
            }
            else if (command is LeaveCommand leave)
                leave.Result = _pulses.Apply(leave);
            return command.Result;
        }
        catch (Exception error)
        {
            throw PostgresErrors.AsStoreException(error);
        }
    }

    // Only by the way: a pulse that went through is one.
    private void ReleaseLost()
    {
        if (!_node.LostArrivals.Any)
            return;
        try
        {
            if (_pulses.Release(_node.LostArrivals) is [_, ..] services)
                _nodes?.HasWork([.. services.Distinct()]);
        }
        catch (Exception)
        {
            // Looked for again with the next pulse.
        }
    }

    private static StoreException NotOpen() => new("The store is not open; call OpenAsync first.", StoreProblem.Unavailable);

    /// <summary>
    /// Commits what was handed over, strikes this node off, and closes the connections. Leases that are still held are ended by other
    /// nodes, or with the next opening.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        await _notice.DisposeAsync();
        foreach (var pump in new[] { _arrivals, _turns, _pump })
        {
            if (pump is not null)
                await pump.DisposeAsync();
        }
        if (_node.LostArrivals.Any)
            await Task.Run(ReleaseLost);
        if (_nodes is not null)
            await _nodes.DisposeAsync();
        _intake.Dispose();
        _claims.Dispose();
        _writer.Dispose();
        await _source.DisposeAsync();
    }
}
