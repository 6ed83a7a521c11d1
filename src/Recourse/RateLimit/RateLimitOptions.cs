using System.Threading.RateLimiting;

namespace Recourse;

/// <summary>How a rate limit counts.</summary>
public enum RateLimitKind
{
    /// <summary>Permits come back evenly over the period, and unused ones can be saved up to a burst.</summary>
    TokenBucket = 0,
    /// <summary>So many in any period, counted in segments.</summary>
    SlidingWindow,
    /// <summary>So many from the start of a period to its end; twice as many can come around its end.</summary>
    FixedWindow,
    /// <summary>So many at once; a permit comes back when its call has ended.</summary>
    Concurrency,
    /// <summary>By a limiter of the caller's own.</summary>
    Custom,
}

/// <summary>How many calls may be made in a time. Counting is done by System.Threading.RateLimiting, on the system's clock.</summary>
public sealed record RateLimitOptions
{
    /// <summary>What is limited, as shown in events and metrics. Default <c>rate-limit</c>.</summary>
    public string Name { get; init; } = "rate-limit";

    /// <summary>How it counts. Default token bucket.</summary>
    public RateLimitKind Kind { get; init; } = RateLimitKind.TokenBucket;

    /// <summary>Calls in a period (at once for Concurrency). Default 100; from 1 to 1,000,000.</summary>
    public int Permits { get; init; } = 100;

    /// <summary>The period. Default 1 s; from 10 ms to 1 day. Concurrency ignores it.</summary>
    public TimeSpan Period { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Token bucket: how many unused permits are saved, from 1 to 1,000,000. Default null: <see cref="Permits"/>.</summary>
    public int? Burst { get; init; }

    /// <summary>Sliding window: how many segments the period is counted in. Default 10; from 1 to 1,000.</summary>
    public int Segments { get; init; } = 10;

    /// <summary>How many calls may wait for a permit, oldest first; one more is rejected. Default 0: none waits. Up to 1,000,000.</summary>
    public int QueueLimit { get; init; }

    /// <summary>
    /// Custom: makes the limiter, when the rate limit is made and at each reload. It is disposed of with the rate limit. Default null.
    /// </summary>
    public Func<RateLimiter>? Limiter { get; init; }

    internal RateLimitOptions Checked()
    {
        const string at = nameof(RateLimitOptions) + ".";
        Check.Named(at + nameof(Name), Name);
        Check.Defined(at + nameof(Kind), Kind);
        Check.Range(at + nameof(Permits), Permits, 1, 1_000_000);
        Check.Range(at + nameof(Period), Period, TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(1));
        if (Burst is { } burst)
            Check.Range(at + nameof(Burst), burst, 1, 1_000_000);
        Check.Range(at + nameof(Segments), Segments, 1, 1_000);
        Check.Range(at + nameof(QueueLimit), QueueLimit, 0, 1_000_000);
        var custom = Kind == RateLimitKind.Custom;
        Check.That(!custom || Limiter is not null, $"{at}{nameof(Limiter)} is null; kind Custom needs a function that makes the limiter.");
        Check.That(custom || Limiter is null, $"{at}{nameof(Limiter)} is set, but only kind Custom reads it.");
        return this;
    }

    internal RateLimiter Create() => Kind switch
    {
        RateLimitKind.SlidingWindow => new SlidingWindowRateLimiter(new()
        {
            PermitLimit = Permits,
            Window = Period,
            SegmentsPerWindow = Segments,
            QueueLimit = QueueLimit,
        }),
        RateLimitKind.FixedWindow => new FixedWindowRateLimiter(new() { PermitLimit = Permits, Window = Period, QueueLimit = QueueLimit }),
        RateLimitKind.Concurrency => new ConcurrencyLimiter(new() { PermitLimit = Permits, QueueLimit = QueueLimit }),
        RateLimitKind.Custom => Limiter!() ?? throw new InvalidOptionsException(
            $"{nameof(RateLimitOptions)}.{nameof(Limiter)} returned null; it must return a limiter."),
        _ => CreateBucket(),
    };

    // A tenth of the permits every tenth of the period, rather than all of them at once at its end.
    private TokenBucketRateLimiter CreateBucket()
    {
        var tokens = Math.Max(1, Permits / 10);
        return new(new()
        {
            TokenLimit = Burst ?? Permits,
            TokensPerPeriod = tokens,
            ReplenishmentPeriod = TimeSpan.FromTicks((long)((Int128)Period.Ticks * tokens / Permits)),
            QueueLimit = QueueLimit,
        });
    }
}
