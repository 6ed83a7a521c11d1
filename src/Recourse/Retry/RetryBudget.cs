namespace Recourse;

/// <summary>
/// Bounds retries to a share of the traffic, so that an outage is not answered with several times the load. Each call earns a part of a
/// retry; earnings and costs are forgotten after a while, so the budget refills by time alone, whatever the results are. One budget is
/// shared by everything that repeats calls to one service. The semantics are those of finagle's RetryBudget. Safe from any thread.
/// </summary>
public sealed class RetryBudget
{
    // Integers in thousandths of a retry: five deposits of 0.2 are one retry exactly, which five additions of a binary 0.2 are not.
    private const long Retry = 1_000;

    private readonly TickClock _clock;
    private readonly Lock _lock = new();
    private Account _account;
    private long _withdrawn;
    private long _refused;

    /// <summary>A budget with its whole reserve.</summary>
    /// <param name="options">Its bounds; null for the defaults.</param>
    /// <param name="time">The clock, of which only the monotonic part is read; null for the system's.</param>
    /// <exception cref="InvalidOptionsException">An option is out of range; the message names it.</exception>
    public RetryBudget(RetryBudgetOptions? options = null, TimeProvider? time = null)
    {
        _clock = new(time);
        _account = new((options ?? new()).Checked());
    }

    /// <summary>The options in force.</summary>
    public RetryBudgetOptions Options => Volatile.Read(ref _account).Options;

    /// <summary>Retries that could be made now.</summary>
    public double Available => (double)Math.Max(0, Volatile.Read(ref _account).Balance(_clock.Coarse)) / Retry;

    /// <summary>The counts of this moment.</summary>
    public RetryBudgetStatistics Statistics => new(Available, Interlocked.Read(ref _withdrawn), Interlocked.Read(ref _refused));

    /// <summary>Tells of an ordinary call (a first attempt, not a retry). One interlocked addition.</summary>
    public void Deposit()
    {
        var account = Volatile.Read(ref _account);
        if (account.Earnings != 0)
            Interlocked.Add(ref account.Ring.At(_clock.Coarse).First, account.Earnings);
    }

    /// <summary>Takes what a retry costs; false when there is not that much, and the retry must not be made.</summary>
    /// <param name="cost">In ordinary retries; <see cref="RetryBudgetOptions.ThrottledRetryCost"/> after throttling.</param>
    public bool TryWithdraw(int cost = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cost);
        // Looking and taking are one step for those who withdraw. Those who deposit meanwhile can only make it more.
        lock (_lock)
        {
            var now = _clock.Coarse;
            if (_account.Balance(now) >= cost * Retry)
            {
                Interlocked.Add(ref _account.Ring.At(now).Second, cost * Retry);
                _withdrawn += cost;
                return true;
            }
        }
        Interlocked.Increment(ref _refused);
        return false;
    }

    /// <summary>Gives back what a retry cost that was not made after all.</summary>
    public void Refund(int cost = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cost);
        lock (_lock)
        {
            Interlocked.Add(ref _account.Ring.At(_clock.Coarse).Second, -cost * Retry);
            _withdrawn -= cost;
        }
    }

    /// <summary>Other options from now on; what was earned and spent is kept, as if it had been just now.</summary>
    /// <exception cref="InvalidOptionsException">An option is out of range; the old options stay in force.</exception>
    public void Reload(RetryBudgetOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var account = new Account(options.Checked());
        lock (_lock)
        {
            var now = _clock.Coarse;
            var (earned, spent) = _account.Ring.Sum(now);
            ref var bucket = ref account.Ring.At(now);
            (bucket.First, bucket.Second) = (earned, spent);
            Volatile.Write(ref _account, account);
        }
    }

    private sealed class Account(RetryBudgetOptions options)
    {
        internal readonly RetryBudgetOptions Options = options;
        internal readonly BucketRing Ring = new(options.TimeToLive);
        internal readonly long Earnings = (long)Math.Round(options.Ratio * Retry);
        private readonly long _reserve = (long)(options.MinimumPerSecond * options.TimeToLive.TotalSeconds * Retry);

        // Below zero for a while when earnings are forgotten before the retries that they paid for.
        internal long Balance(long now)
        {
            var (earned, spent) = Ring.Sum(now);
            return _reserve + earned - spent;
        }
    }
}
