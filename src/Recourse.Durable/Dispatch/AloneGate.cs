namespace Recourse.Durable;

/// <summary>
/// Counts what is in flight on this node and can close the way in: for a suspect that must run alone, and for the stop. Closing waits
/// for what is in flight, with a bound; while closed, nobody enters.
/// </summary>
internal sealed class AloneGate(TimeProvider time)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _inFlight;
    private int _closed;
    private int _waiting;

    internal int InFlight
    {
        get
        {
            lock (_lock) return _inFlight;
        }
    }

    /// <summary>Enters so many at once; false while the gate is closed, then nobody entered.</summary>
    internal bool TryEnter(int count)
    {
        lock (_lock)
        {
            if (_closed > 0) return false;
            _inFlight += count;
            return true;
        }
    }

    /// <summary>Enters through a closed gate: for the one who closed it.</summary>
    internal void EnterAlone()
    {
        lock (_lock) _inFlight++;
    }

    internal void Leave(int count)
    {
        TaskCompletionSource? empty = null;
        lock (_lock)
        {
            _inFlight -= count;
            if (_inFlight == 0 && _closed > 0)
            {
                empty = _empty;
                _empty = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        empty?.TrySetResult();
    }

    /// <summary>Closes, and waits until nothing is in flight; false when that took longer than the patience. Either way the gate is
    /// closed.</summary>
    internal async Task<bool> CloseAsync(TimeSpan patience)
    {
        Task empty;
        lock (_lock)
        {
            _closed++;
            if (_inFlight == 0) return true;
            empty = _empty.Task;
        }

        return await WithinAsync(empty, patience);
    }

    /// <summary>Waits on, at a gate that the caller has closed before.</summary>
    internal async Task<bool> WaitEmptyAsync(TimeSpan patience)
    {
        Task empty;
        lock (_lock)
        {
            if (_inFlight == 0) return true;
            empty = _empty.Task;
        }

        return await WithinAsync(empty, patience);
    }

    /// <summary>Opens what one caller closed; whoever waits has to be woken by the caller.</summary>
    internal void Open()
    {
        lock (_lock) _closed--;
    }

    /// <summary>Somebody has closed the gate and waits for what is in flight, or for the end of his patience.</summary>
    internal bool IsAwaited => Volatile.Read(ref _waiting) > 0;

    private async Task<bool> WithinAsync(Task task, TimeSpan patience)
    {
        Interlocked.Increment(ref _waiting);
        try
        {
            await task.WaitAsync(patience, time);
            return true;
        }
        catch (TimeoutException)
        {
            return task.IsCompleted;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
