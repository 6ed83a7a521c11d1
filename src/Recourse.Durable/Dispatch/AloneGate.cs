namespace Recourse.Durable;

/// <summary>
/// Counts what is in flight on this node and can close the way in: for a suspect that must run alone, and for the stop. Closing waits
/// for what is in flight, with a bound; while closed, nobody enters.
/// </summary>
internal sealed class AloneGate(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<TaskCompletionSource<bool>> _waiters = [];
    private int _inFlight;
    private int _closed;
    private int _timed;

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
        TaskCompletionSource<bool>[] waiters = [];
        lock (_lock)
        {
            _inFlight -= count;
            if (_inFlight == 0 && _waiters.Count > 0)
            {
                waiters = [.. _waiters];
                _waiters.Clear();
            }
        }

        foreach (var waiter in waiters) waiter.TrySetResult(true);
    }

    /// <summary>Closes, and waits until nothing is in flight; false when that took longer than the patience. Either way the gate is
    /// closed.</summary>
    internal Task<bool> CloseAsync(TimeSpan patience)
    {
        lock (_lock) _closed++;
        return WaitEmptyAsync(patience);
    }

    /// <summary>Waits on, at a gate that the caller has closed before.</summary>
    internal async Task<bool> WaitEmptyAsync(TimeSpan patience)
    {
        var waiter = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_inFlight == 0) return true;
            if (patience == TimeSpan.Zero) return false;
            _waiters.Add(waiter);
        }

        await using var timer = time.CreateTimer(_ => GiveUp(waiter), null, patience, Timeout.InfiniteTimeSpan);
        lock (_lock) _timed++;
        try
        {
            return await waiter.Task;
        }
        finally
        {
            lock (_lock) _timed--;
        }
    }

    /// <summary>Opens what one caller closed; whoever waits has to be woken by the caller.</summary>
    internal void Open()
    {
        lock (_lock) _closed--;
    }

    /// <summary>Somebody has closed the gate and waits for what is in flight, or for the end of his patience, whose timer is
    /// set.</summary>
    internal bool IsAwaited
    {
        get
        {
            lock (_lock) return _waiters.Count > 0 && _timed >= _waiters.Count;
        }
    }

    private void GiveUp(TaskCompletionSource<bool> waiter)
    {
        lock (_lock) _waiters.Remove(waiter);
        waiter.TrySetResult(false);
    }
}
