using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>A connection that reads, with its statements.</summary>
internal sealed class ReadConnection : IDisposable
{
    private readonly SqliteDatabase _database;
    private readonly Dictionary<string, SqliteStatement> _statements = [];
    private volatile bool _stopped;

    public ReadConnection(string path)
    {
        _database = new SqliteDatabase(path, readOnly: true);
        _database.BusyTimeout(5000);
        _database.Execute("PRAGMA query_only = ON; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY");
        _database.StopWhen(() => _stopped);
    }

    /// <summary>The statement for a text; there is a fixed number of texts.</summary>
    public SqliteStatement this[string sql]
    {
        get
        {
            if (!_statements.TryGetValue(sql, out var statement))
                _statements.Add(sql, statement = _database.Prepare(sql));
            return statement;
        }
    }

    /// <summary>Runs several reads in one snapshot.</summary>
    public T Snapshot<T>(Func<T> read)
    {
        _database.Execute("BEGIN");
        try
        {
            return read();
        }
        finally
        {
            // Whatever the reads left open would keep the snapshot, and with it the write-ahead log. Ending it must not be stopped itself.
            _stopped = false;
            foreach (var statement in _statements.Values)
                statement.Reset();
            _database.Execute("COMMIT");
        }
    }

    /// <summary>Lets reads run again after <see cref="Stop"/>.</summary>
    public void Start() => _stopped = false;

    /// <summary>Ends the read under way, or the one about to begin; from any thread.</summary>
    public void Stop() => _stopped = true;

    /// <summary>Frees the pages that it keeps.</summary>
    public void Trim() => _database.Trim();

    public void Dispose() => _database.Dispose();
}

/// <summary>
/// A few connections that read on pool threads: never the writer's thread, and never longer than the time allowed. When as many reads wait
/// as would take seconds to serve, further ones are refused as busy.
/// </summary>
internal sealed class SqliteReaders : IDisposable
{
    private const int WaitingMax = 1024;

    private readonly Stack<ReadConnection> _free = new();
    private readonly HashSet<ReadConnection> _busy = [];
    private readonly SemaphoreSlim _permits;
    private readonly SqliteStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly string _path;
    private int _waiting;
    private bool _closed;

    public SqliteReaders(string path, SqliteStoreOptions options, TimeProvider time)
    {
        (_path, _options, _time) = (path, options, time);
        _permits = new(options.Readers);
    }

    public async Task<T> ReadAsync<T>(Func<ReadConnection, T> read, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > WaitingMax)
        {
            Interlocked.Decrement(ref _waiting);
            throw new StoreException($"Store '{_path}' has {WaitingMax} reads waiting; try again in a moment.", StoreProblem.Busy);
        }
        try
        {
            await _permits.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
        // No token for the task itself: once the permit is taken, the task must run to give it back. And it gives it back on its own
        // thread, so that the writer never waits for a caller's context.
        return await Task.Run(() => Read(read, cancellationToken), CancellationToken.None);
    }

    private T Read<T>(Func<ReadConnection, T> read, CancellationToken cancellationToken)
    {
        ReadConnection? connection = null;
        using var tooLong = new CancellationTokenSource(_options.ReadTimeout, _time);
        try
        {
            connection = Take();
            using var ended = tooLong.Token.Register(connection.Stop);
            using var cancelled = cancellationToken.Register(connection.Stop);
            return connection.Snapshot(() => read(connection));
        }
        catch (SqliteFailure failure)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw failure.AsStoreException();
        }
        catch (Exception error) when (error is FormatException or ArithmeticException or ArgumentOutOfRangeException
            or KeyNotFoundException)
        {
            // No release writes such a row. Lists show the rest of it; one that is asked for alone has nothing else to show.
            throw new StoreException(
                $"Store '{_path}': a stored row cannot be read: {error.Message} `recourse db check` lists what is damaged.",
                StoreProblem.Corrupt, error);
        }
        finally
        {
            if (connection is not null)
                GiveBack(connection);
            _permits.Release();
        }
    }

    private ReadConnection Take()
    {
        lock (_free)
        {
            if (_closed)
                throw CommandPump.Closed();
            if (!_free.TryPop(out var connection))
                connection = new(_path);
            connection.Start();
            _busy.Add(connection);
            return connection;
        }
    }

    private void GiveBack(ReadConnection connection)
    {
        lock (_free)
        {
            _busy.Remove(connection);
            if (!_closed)
            {
                _free.Push(connection);
                return;
            }
        }
        connection.Dispose();
    }

    /// <summary>
    /// Ends the reads under way, and runs the action while none can begin. Called by the writer when the log is at its bound.
    /// </summary>
    public void While(Action action)
    {
        lock (_free)
        {
            foreach (var connection in _busy)
                connection.Stop();
        }
        for (var i = 0; i < _options.Readers; i++)
            _permits.Wait();
        try
        {
            action();
        }
        finally
        {
            _permits.Release(_options.Readers);
        }
    }

    /// <summary>Frees what connections at rest keep; no read can begin on one meanwhile, and none takes long.</summary>
    public void Trim()
    {
        lock (_free)
        {
            foreach (var connection in _free)
                connection.Trim();
        }
    }

    /// <summary>Closes idle connections; those in use close when their read ends.</summary>
    public void Dispose()
    {
        lock (_free)
        {
            _closed = true;
            foreach (var connection in _free)
                connection.Dispose();
            _free.Clear();
        }
    }
}
