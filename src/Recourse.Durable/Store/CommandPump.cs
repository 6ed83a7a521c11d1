using System.Diagnostics;

namespace Recourse.Durable;

/// <summary>Commits a batch: sets an error for each command that failed alone, and throws when nothing of the batch was kept.</summary>
internal delegate void CommitBatch(ReadOnlySpan<StoreCommand> batch, Span<Exception?> errors);

/// <summary>
/// Commits what it can of a batch without a thread that waits, and gives back the commands of which nothing was kept yet, for the thread.
/// Throws when nothing of the batch was kept.
/// </summary>
internal delegate ValueTask<StoreCommand[]> CommitAtOnce(ReadOnlyMemory<StoreCommand> batch);

/// <summary>
/// Carries commands to the one thread that writes. While a commit waits for the disk the next commands gather, so that one fsync serves all
/// of them. Bounded: when it is full callers wait for room, and when as many wait as it holds, further ones are refused as busy.
/// </summary>
/// <remarks>
/// A store at the other end of a line may commit most batches in one trip. Then whoever finds nobody at work begins the commit on its own
/// thread, and whoever gets the answer goes on; to wake a thread that waits for the answer would cost as much as the trip.
/// </remarks>
internal sealed class CommandPump : IAsyncDisposable
{
    /// <summary>The most commands in one commit: enough to share an fsync, few enough that the last does not wait long.</summary>
    public const int MaxBatch = 1024;

    private readonly object _gate = new();
    private readonly Queue<StoreCommand> _pending = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CommitBatch _commit;
    private readonly Action? _idle;
    private readonly CommitAtOnce? _atOnce;
    private readonly int _capacity;
    private readonly StoreCommand[] _batch = new StoreCommand[MaxBatch];
    private readonly Exception?[] _errors = new Exception?[MaxBatch];
    private TaskCompletionSource? _room;
    private int _waitingForRoom;
    private StoreCommand[] _left = [];
    private Worker _worker = Worker.Thread;
    private volatile bool _gathers;
    private bool _closed;

    /// <summary>Who has the batch: the thread, whoever called or was called back, or nobody.</summary>
    private enum Worker { None, Thread, Caller }

    /// <param name="name">The thread's name, for debuggers.</param>
    /// <param name="commit">Called on the pump's thread, one batch at a time.</param>
    /// <param name="capacity">The most commands that wait for a commit.</param>
    /// <param name="idle">Called on the pump's thread when nothing waits, before it sleeps: the time for housekeeping.</param>
    /// <param name="atOnce">Asked first, for each batch; null when all is for the thread.</param>
    public CommandPump(
        string name, CommitBatch commit, int capacity = 8 * MaxBatch, Action? idle = null, CommitAtOnce? atOnce = null)
    {
        _commit = commit;
        _capacity = capacity;
        (_idle, _atOnce) = (idle, atOnce);
        new Thread(Run) { IsBackground = true, Name = name }.Start();
    }

    /// <summary>True when nobody works, and nothing waits.</summary>
    public bool IsAtRest
    {
        get
        {
            lock (_gate)
                return _worker is Worker.None;
        }
    }

    /// <summary>Hands a command over. When the task ends the command is in the queue, not yet committed.</summary>
    public ValueTask AddAsync(StoreCommand command, CancellationToken cancellationToken)
    {
        Task? room = null;
        bool begins;
        lock (_gate)
        {
            if (!TryAdd_NeedsLock(command, out begins))
            {
                if (_waitingForRoom >= _capacity)
                    throw new StoreException(
                        $"The store has {_pending.Count} commands waiting and {_waitingForRoom} callers behind them; "
                        + "try again in a moment.", StoreProblem.Busy);
                _waitingForRoom++;
                room = (_room ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
        }
        if (begins)
            Begin();
        return room is null ? default : new(AddLaterAsync(command, room, cancellationToken));
    }

    private async Task AddLaterAsync(StoreCommand command, Task room, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await room.WaitAsync(cancellationToken);
                bool added, begins;
                lock (_gate)
                {
                    added = TryAdd_NeedsLock(command, out begins);
                    if (!added)
                        room = (_room ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                }
                if (begins)
                    Begin();
                if (added)
                    return;
            }
        }
        finally
        {
            lock (_gate)
                _waitingForRoom--;
        }
    }

    private bool TryAdd_NeedsLock(StoreCommand command, out bool begins)
    {
        begins = false;
        if (_closed)
            throw Closed();
        if (_pending.Count >= _capacity)
            return false;
        _pending.Enqueue(command);
        if (_worker is not Worker.None)
            return true;
        begins = _atOnce is not null;
        _worker = begins ? Worker.Caller : Worker.Thread;
        if (!begins)
            Monitor.Pulse(_gate);
        return true;
    }

    /// <summary>What callers get once the store is closed.</summary>
    public static StoreException Closed() => new("The store is closed.", StoreProblem.Unavailable);

    private void Run()
    {
        while (Take() is > 0 and var count)
        {
            Commit(_batch.AsSpan(0, count), _errors.AsSpan(0, count));
            Array.Clear(_batch, 0, count);
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
            errors.Fill(AsStoreException(error));
        }
        for (var i = 0; i < batch.Length; i++)
            Finish(batch[i], errors[i]);
    }

    // The pump outlives any failure of its store: these commands were not kept, the next ones get their own try.
    private static StoreException AsStoreException(Exception error) =>
        error as StoreException ?? new StoreException($"The commit failed: {error.Message}", StoreProblem.Other, error);

    private static void Finish(StoreCommand command, Exception? error)
    {
        if (error is not null)
            command.Abort(error);
        else
            command.Finish();
    }

    // A lone command goes out at once. Where several came together last time, they are given the moment that it takes to add them.
    private void Begin()
    {
        if (_gathers)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static pump => _ = pump.RunAtOnceAsync(), this, preferLocal: true);
            return;
        }
        // Nothing of the caller's context (its activity, its scopes) goes on to the batches of others.
        if (ExecutionContext.IsFlowSuppressed())
        {
            _ = RunAtOnceAsync();
            return;
        }
        using (ExecutionContext.SuppressFlow())
            _ = RunAtOnceAsync();
    }

    private async Task RunAtOnceAsync()
    {
        Activity.Current = null;
        while (true)
        {
            int count;
            lock (_gate)
            {
                if (_pending.Count == 0)
                {
                    _worker = Worker.None;
                    if (_closed)
                        Monitor.Pulse(_gate);
                    return;
                }
                count = Drain_NeedsLock();
                _gathers = count > 1;
            }
            var left = await AtOnceAsync(_batch.AsMemory(0, count)).ConfigureAwait(false);
            Array.Clear(_batch, 0, count);
            if (left.Length == 0)
                continue;
            lock (_gate)
            {
                _left = left;
                _worker = Worker.Thread;
                Monitor.Pulse(_gate);
            }
            return;
        }
    }

    private async ValueTask<StoreCommand[]> AtOnceAsync(Memory<StoreCommand> batch)
    {
        StoreCommand[] left = [];
        StoreException? failed = null;
        try
        {
            left = await _atOnce!(batch).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            failed = AsStoreException(error);
        }
        for (var i = 0; left.Length < batch.Length && i < batch.Length; i++)
        {
            if (!left.Contains(batch.Span[i]))
                Finish(batch.Span[i], failed);
        }
        return left;
    }

    /// <summary>Waits until there are commands for the thread; 0 when the pump was closed and is empty.</summary>
    private int Take()
    {
        var rested = _idle is null;
        while (true)
        {
            lock (_gate)
            {
                if (_worker is Worker.Thread && _left.Length > 0)
                    return Left_NeedsLock();
                if (_worker is Worker.Thread && _pending.Count > 0)
                    return Drain_NeedsLock();
                if (_worker is not Worker.Caller && _closed && _pending.Count == 0)
                    return 0;
                if (rested || _worker is Worker.Caller)
                {
                    if (_worker is Worker.Thread)
                        _worker = Worker.None;
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

    private int Left_NeedsLock()
    {
        _left.CopyTo(_batch, 0);
        var count = _left.Length;
        _left = [];
        return count;
    }

    private int Drain_NeedsLock()
    {
        var count = 0;
        while (count < MaxBatch && _pending.TryDequeue(out var command))
            _batch[count++] = command;
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
            Monitor.Pulse(_gate);
        }
        await _ended.Task;
    }
}
