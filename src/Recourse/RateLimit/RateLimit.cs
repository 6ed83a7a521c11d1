using System.Threading.RateLimiting;

namespace Recourse;

/// <summary>
/// Bounds how many calls are made in a time, over the limiters of System.Threading.RateLimiting. Usable alone. Safe from any thread.
/// </summary>
public sealed class RateLimit : IDisposable
{
    private readonly Lock _lock = new();
    private RateLimitOptions _options;
    private RateLimiter _limiter;
    private long _rejected;

    /// <summary>A limit with all its permits.</summary>
    /// <exception cref="InvalidOptionsException">An option is out of range; the message names it.</exception>
    public RateLimit(RateLimitOptions? options = null)
    {
        _options = (options ?? new()).Checked();
        _limiter = _options.Create();
    }

    /// <summary>The name, from the options.</summary>
    public string Name => Options.Name;

    /// <summary>The options in force.</summary>
    public RateLimitOptions Options => Volatile.Read(ref _options);

    /// <summary>Permits that are free now; zero for a limiter that does not say.</summary>
    public long Available => Volatile.Read(ref _limiter).GetStatistics()?.CurrentAvailablePermits ?? 0;

    /// <summary>Calls that wait for a permit; zero for a limiter that does not say.</summary>
    public long Queued => Volatile.Read(ref _limiter).GetStatistics()?.CurrentQueuedCount ?? 0;

    /// <summary>How many calls were turned away since the limit was made.</summary>
    public long Rejected => Interlocked.Read(ref _rejected);

    /// <summary>Takes permits if they are free; never waits. The answer must be disposed of when the call has ended.</summary>
    public RateLimitPermit TryAcquire(int permits = 1) => Answer(Volatile.Read(ref _limiter).AttemptAcquire(permits));

    /// <summary>
    /// Takes permits, waiting in the queue if it must; <see cref="RateLimitPermit.IsAcquired"/> is false when the queue is full.
    /// The answer must be disposed of when the call has ended.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled while the call waited; no permit is held.</exception>
    public async ValueTask<RateLimitPermit> AcquireAsync(int permits = 1, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var limiter = Volatile.Read(ref _limiter);
            RateLimitLease lease;
            try
            {
                lease = await limiter.AcquireAsync(permits, cancellationToken).ConfigureAwait(false);
            }
            catch (ObjectDisposedException) when (limiter != Volatile.Read(ref _limiter))
            {
                continue;
            }
            // A reload turns away those who waited at the old limiter: they ask the new one.
            if (lease.IsAcquired || limiter == Volatile.Read(ref _limiter))
                return Answer(lease);
            lease.Dispose();
        }
    }

    /// <summary>
    /// Other options from now on. Permits that are in use or used up stay so as far as the new limit knows of as many, and calls that wait
    /// go on waiting, at the end of the new queue.
    /// </summary>
    /// <exception cref="InvalidOptionsException">An option is out of range; the old options stay in force.</exception>
    public void Reload(RateLimitOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var limiter = options.Checked().Create();
        RateLimiter old;
        lock (_lock)
        {
            // The old options again: nothing to change, and no reason to move anyone.
            if (options == _options && options.Kind != RateLimitKind.Custom)
            {
                limiter.Dispose();
                return;
            }
            old = _limiter;
            Spend(old, limiter);
            Volatile.Write(ref _options, options);
            Volatile.Write(ref _limiter, limiter);
        }
        old.Dispose();
    }

    /// <summary>Stops the timers of the limiter; calls that wait are turned away.</summary>
    public void Dispose() => Volatile.Read(ref _limiter).Dispose();

    // A reload must not hand out a period's permits a second time. Permits of a concurrency limit come back to the limiter that gave them,
    // so they cannot be moved: until they do, both limits apply to their own calls.
    private void Spend(RateLimiter old, RateLimiter next)
    {
        if (_options.Kind is RateLimitKind.Concurrency or RateLimitKind.Custom || next is ConcurrencyLimiter)
            return;
        var full = _options.Kind == RateLimitKind.TokenBucket ? _options.Burst ?? _options.Permits : _options.Permits;
        var used = full - (old.GetStatistics()?.CurrentAvailablePermits ?? full);
        var free = next.GetStatistics()?.CurrentAvailablePermits ?? 0;
        if (Math.Min(used, free) is > 0 and var spent)
            next.AttemptAcquire((int)spent).Dispose();
    }

    private RateLimitPermit Answer(RateLimitLease lease)
    {
        if (!lease.IsAcquired)
            Interlocked.Increment(ref _rejected);
        return new(lease);
    }
}

/// <summary>The answer of a rate limit to one call.</summary>
public readonly struct RateLimitPermit : IDisposable
{
    private readonly RateLimitLease? _lease;

    internal RateLimitPermit(RateLimitLease lease) => _lease = lease;

    internal RateLimitLease? Lease => _lease;

    /// <summary>Whether the call may be made.</summary>
    public bool IsAcquired => _lease is { IsAcquired: true };

    /// <summary>How long to wait before asking again, as far as the limiter knows; null when it does not say. Never negative.</summary>
    public TimeSpan? RetryAfter => _lease is null || !_lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? null
        : wait > TimeSpan.Zero ? wait : TimeSpan.Zero;

    /// <summary>Ends the call; gives a concurrency permit back.</summary>
    public void Dispose() => _lease?.Dispose();
}
