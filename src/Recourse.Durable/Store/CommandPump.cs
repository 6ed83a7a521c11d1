namespace Recourse.Durable;

/// <summary>Commits a batch: sets an error for each command that failed alone, and throws when nothing of the batch was kept.</summary>
internal delegate void CommitBatch(ReadOnlySpan<StoreCommand> batch, Span<Exception?> errors);

/// <summary>
/// Carries commands to the one thread that writes. While a commit waits for the disk the next commands gather, so that one fsync serves all
/// of them. Bounded: when it is full callers wait for room, and when as many wait as it holds, further ones are refused as busy.
/// </summary>
internal sealed class CommandPump : IAsyncDisposable
{
    /// <summary>The most commands in one commit: enough to share an fsync, few enough that the last does not wait long.</summary>
    public const int MaxBatch = 1024;

    private readonly object _gate = new();
    private readonly Queue<StoreCommand> _pending = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CommitBatch _commit;
    private readonly Action? _idle;
    private readonly int _capacity;
    private TaskCompletionSource? _room;
    private int _waitingForRoom;
    private bool _sleeping;
    private bool _closed;

    /// <param name="name">The thread's name, for debuggers.</param>
    /// <param name="commit">Called on the pump's thread, one batch at a time.</param>
    /// <param name="capacity">The most commands that wait for a commit.</param>
    /// <param name="idle">Called on the pump's thread when nothing waits, before it sleeps: the time for housekeeping.</param>
    public CommandPump(string name, CommitBatch commit, int capacity = 8 * MaxBatch, Action? idle = null)
    {
        _commit = commit;
        _capacity = capacity;
        _idle = idle;
        new Thread(Run) { IsBackground = true, Name = name }.Start();
    }

    /// <summary>Hands a command over. When the task ends the command is in the queue, not yet committed.</summary>
    public ValueTask AddAsync(StoreCommand command, CancellationToken cancellationToken)
    {
        Task room;
        lock (_gate)
        {
            if (TryAdd_NeedsLock(command))
                return default;
            if (_waitingForRoom >= _capacity)
                throw new StoreException(
                    $"The store has {_pending.Count} commands waiting and {_waitingForRoom} callers behind them; try again in a moment.",
                    StoreProblem.Busy);
            _waitingForRoom++;
            room = (_room ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        return new(AddLaterAsync(command, room, cancellationToken));
    }

    private async Task AddLaterAsync(StoreCommand command, Task room, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await room.WaitAsync(cancellationToken);
                lock (_gate)
                {
                    if (TryAdd_NeedsLock(command))
                        return;
                    room = (_room ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                }
            }
        }
        finally
        {
            lock (_gate)
                _waitingForRoom--;
        }
    }

    private bool TryAdd_NeedsLock(StoreCommand command)
    {
        if (_closed)
            throw Closed();
        if (_pending.Count >= _capacity)
            return false;
        _pending.Enqueue(command);
        if (_sleeping)
        {
            _sleeping = false;
            Monitor.Pulse(_gate);
        }
        return true;
    }

    /// <summary>What callers get once the store is closed.</summary>
    public static StoreException Closed() => new("The store is closed.", StoreProblem.Unavailable);

    private void Run()
    {
        var batch = new StoreCommand[MaxBatch];
        var errors = new Exception?[MaxBatch];
        while (Take(batch) is > 0 and var count)
        {
            Commit(batch.AsSpan(0, count), errors.AsSpan(0, count));
            Array.Clear(batch, 0, count);
        }
        _ended.SetResult();
    }

    private void Commit(Span<StoreCommand> batch, Span<Exception?> errors)
    {
        errors.Clear();
        try
        {
            _commit(batch, errors);
        }
        catch (Exception error)
        {
            // The pump outlives any failure of its store: these commands were not kept, the next ones get their own try.
            errors.Fill(error as StoreException ?? new StoreException($"The commit failed: {error.Message}", StoreProblem.Other, error));
        }
        for (var i = 0; i < batch.Length; i++)
        {
            if (errors[i] is { } error)
                batch[i].Abort(error);
            else
                batch[i].Finish();
        }
    }

    /// <summary>Waits for commands; 0 when the pump was closed and is empty.</summary>
    private int Take(StoreCommand[] batch)
    {
        var rested = _idle is null;
        while (true)
        {
            lock (_gate)
            {
                if (_pending.Count > 0)
                    return Drain_NeedsLock(batch);
                if (_closed)
                    return 0;
                if (rested)
                {
                    _sleeping = true;
                    Monitor.Wait(_gate);
                    continue;
                }
            }
            rested = true;
            try
            {
                _idle!();
            }
            catch (Exception)
            {
                // Housekeeping that fails is done another time; commands that come must not find the pump gone.
            }
        }
    }

    private int Drain_NeedsLock(StoreCommand[] batch)
    {
        var count = 0;
        while (count < batch.Length && _pending.TryDequeue(out var command))
            batch[count++] = command;
        _room?.SetResult();
        _room = null;
        return count;
    }

    /// <summary>Takes no more commands, commits those that were handed over, and ends the thread.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closed = true;
            _sleeping = false;
            Monitor.Pulse(_gate);
        }
        await _ended.Task;
    }
}
