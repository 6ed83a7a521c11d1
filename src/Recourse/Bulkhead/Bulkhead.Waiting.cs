using System.Threading.Tasks.Sources;

namespace Recourse;

/// <content>Waiting for a permit with a task, a timeout and a cancellation token.</content>
public sealed partial class Bulkhead
{
    /// <summary>
    /// Takes a permit, waiting in the queue if it must. False when the queue is full or the queue timeout is over: there is then no permit
    /// to release.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled while the call waited; no permit is held.</exception>
    public ValueTask<bool> AcquireAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<bool>(cancellationToken);
        if (Take(1) == 1)
            return new(true);
        var waiter = new Waiter(this, cancellationToken);
        return waiter.Begin() is { } entry ? new(entry == BulkheadEntry.Acquired) : new(waiter, waiter.Version);
    }

    /// <summary>As <see cref="AcquireAsync"/>, but says why there is no permit.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled while the call waited; no permit is held.</exception>
    public ValueTask<BulkheadEntry> EnterAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<BulkheadEntry>(cancellationToken);
        if (Take(1) == 1)
            return new(BulkheadEntry.Acquired);
        var waiter = new Waiter(this, cancellationToken);
        return waiter.Begin() is { } entry ? new(entry) : new(waiter, waiter.Version);
    }

    private sealed class Waiter(Bulkhead bulkhead, CancellationToken token)
        : BulkheadWaiter, IValueTaskSource<bool>, IValueTaskSource<BulkheadEntry>
    {
        // Continuations run on the pool: the thread that released must not run the next call.
        private ManualResetValueTaskSourceCore<BulkheadEntry> _source = new() { RunContinuationsAsynchronously = true };
        private CancellationTokenRegistration _registration;
        private ITimer? _timer;

        internal short Version => _source.Version;

        /// <summary>The answer if there is one at once; null when the source will tell.</summary>
        internal BulkheadEntry? Begin()
        {
            switch (bulkhead.TryEnqueue(this))
            {
                case BulkheadAdmission.Acquired:
                    return BulkheadEntry.Acquired;
                case BulkheadAdmission.Rejected:
                    return BulkheadEntry.QueueFull;
            }
            // Armed after queueing, because a timeout or a cancellation that comes before it would find nothing to cancel. If the grant
            // comes first they find the waiter gone, and GetResult clears them away.
            var time = bulkhead._clock.Provider;
            if (bulkhead.Options.QueueTimeout is var timeout && timeout != Timeout.InfiniteTimeSpan)
                _timer = time.CreateTimer(static waiter => ((Waiter)waiter!).OnTimeout(), this, timeout, Timeout.InfiniteTimeSpan);
            _registration = token.UnsafeRegister(static waiter => ((Waiter)waiter!).OnCancelled(), this);
            return null;
        }

        protected override void Granted() => _source.SetResult(BulkheadEntry.Acquired);

        private void OnTimeout()
        {
            if (bulkhead.TimeOut(this))
                _source.SetResult(BulkheadEntry.TimedOut);
        }

        private void OnCancelled()
        {
            if (bulkhead.Cancel(this))
                _source.SetException(new OperationCanceledException(token));
        }

        public BulkheadEntry GetResult(short token)
        {
            _timer?.Dispose();
            _registration.Unregister();
            return _source.GetResult(token);
        }

        bool IValueTaskSource<bool>.GetResult(short token) => GetResult(token) == BulkheadEntry.Acquired;

        public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _source.OnCompleted(continuation, state, token, flags);
    }
}
