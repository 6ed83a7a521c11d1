using System.Threading.RateLimiting;

namespace Recourse.Tests.RateLimits;

public class RateLimitTests
{
    // Periods of a day: the limiters count on the system's clock, so nothing may come back while a test runs.
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Theory]
    [InlineData(RateLimitKind.TokenBucket)]
    [InlineData(RateLimitKind.FixedWindow)]
    [InlineData(RateLimitKind.SlidingWindow)]
    [InlineData(RateLimitKind.Concurrency)]
    public void Gives_as_many_permits_as_there_are_and_says_when_to_come_back(RateLimitKind kind)
    {
        using var limit = new RateLimit(new() { Kind = kind, Permits = 3, Period = Day });
        var permits = Enumerable.Range(0, 3).Select(_ => limit.TryAcquire()).ToArray();
        Assert.All(permits, permit => Assert.True(permit.IsAcquired));
        Assert.Equal(0, limit.Available);
        using var refused = limit.TryAcquire();
        Assert.False(refused.IsAcquired);
        Assert.Equal(1, limit.Rejected);
        if (kind is RateLimitKind.TokenBucket or RateLimitKind.FixedWindow)
            Assert.InRange(refused.RetryAfter!.Value, TimeSpan.FromTicks(1), Day);
        foreach (var permit in permits)
            permit.Dispose();
        Assert.Equal(kind == RateLimitKind.Concurrency ? 3 : 0, limit.Available);
    }

    [Fact]
    public void A_token_bucket_may_save_more_or_less_than_a_period_gives()
    {
        using var limit = new RateLimit(new() { Permits = 100, Burst = 2, Period = Day });
        Assert.Equal(2, limit.Available);
        using var both = limit.TryAcquire(2);
        Assert.True(both.IsAcquired);
    }

    [Fact]
    public async Task A_call_waits_in_the_queue_and_one_too_many_is_turned_away()
    {
        using var limit = new RateLimit(new() { Kind = RateLimitKind.Concurrency, Permits = 1, QueueLimit = 1 });
        var first = await limit.AcquireAsync(1, TestContext.Current.CancellationToken);
        var waiting = limit.AcquireAsync(1, TestContext.Current.CancellationToken);
        Assert.Equal(1, limit.Queued);
        using var refused = await limit.AcquireAsync(1, TestContext.Current.CancellationToken);
        Assert.False(refused.IsAcquired);
        first.Dispose();
        using var second = await waiting;
        Assert.True(second.IsAcquired);
    }

    [Fact]
    public async Task A_cancelled_wait_leaves_the_queue()
    {
        using var limit = new RateLimit(new() { Kind = RateLimitKind.Concurrency, Permits = 1, QueueLimit = 1 });
        using var first = limit.TryAcquire();
        using var cancellation = new CancellationTokenSource();
        var waiting = limit.AcquireAsync(1, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.AsTask());
        Assert.Equal(0, limit.Queued);
    }

    [Theory]
    [InlineData(RateLimitKind.TokenBucket, RateLimitKind.TokenBucket)]
    [InlineData(RateLimitKind.FixedWindow, RateLimitKind.SlidingWindow)]
    public void T15_New_options_do_not_hand_out_the_used_permits_again(RateLimitKind before, RateLimitKind after)
    {
        using var limit = new RateLimit(new() { Kind = before, Permits = 10, Period = Day });
        using var used = limit.TryAcquire(8);
        limit.Reload(new() { Kind = after, Permits = 12, Period = Day });
        Assert.Equal(4, limit.Available);
        limit.Reload(limit.Options with { Permits = 2 });
        Assert.Equal(0, limit.Available);
    }

    [Fact]
    public void The_same_options_again_change_nothing()
    {
        using var limit = new RateLimit(new() { Kind = RateLimitKind.Concurrency, Permits = 1 });
        using var used = limit.TryAcquire();
        limit.Reload(limit.Options with { });
        Assert.False(limit.TryAcquire().IsAcquired);
    }

    [Fact]
    public async Task A_call_that_waits_over_a_reload_asks_the_new_limiter()
    {
        using var limit = new RateLimit(new() { Kind = RateLimitKind.Concurrency, Permits = 1, QueueLimit = 1 });
        using var first = limit.TryAcquire();
        var waiting = limit.AcquireAsync(1, TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);
        limit.Reload(limit.Options with { Permits = 2 });
        using var second = await waiting;
        Assert.True(second.IsAcquired);
    }

    [Fact]
    public void A_limiter_of_the_callers_own_is_asked_and_its_wait_passed_on_but_never_below_zero()
    {
        var own = new Refusing(TimeSpan.FromSeconds(-3));
        using var limit = new RateLimit(new() { Kind = RateLimitKind.Custom, Limiter = () => own });
        using var refused = limit.TryAcquire(7);
        Assert.False(refused.IsAcquired);
        Assert.Equal(TimeSpan.Zero, refused.RetryAfter);
        Assert.Equal((7, 0L, 0L), (own.Asked, limit.Available, limit.Queued));
        Assert.Null(default(RateLimitPermit).RetryAfter);
        Assert.False(default(RateLimitPermit).IsAcquired);
    }

    [Fact]
    public void A_token_bucket_allocates_nothing_while_it_has_permits()
    {
        using var limit = new RateLimit(new() { Permits = 1_000_000, Period = Day });
        var acquired = 0;
        Assert.Equal(0, Allocations.Of(() =>
        {
            using var permit = limit.TryAcquire();
            acquired += permit.IsAcquired ? 1 : 0;
        }));
        Assert.Equal(5_000, acquired);
    }

    public static TheoryData<RateLimitOptions, string> Wrong => new()
    {
        { new() { Name = "" }, "RateLimitOptions.Name is empty; it must have at least one visible character." },
        { new() { Permits = 0 }, "RateLimitOptions.Permits is 0; it must be from 1 to 1000000." },
        { new() { Period = TimeSpan.Zero }, "RateLimitOptions.Period is 0 s; it must be from 10 ms to 24 h." },
        { new() { Burst = 0 }, "RateLimitOptions.Burst is 0; it must be from 1 to 1000000." },
        { new() { Segments = 0 }, "RateLimitOptions.Segments is 0; it must be from 1 to 1000." },
        { new() { QueueLimit = -1 }, "RateLimitOptions.QueueLimit is -1; it must be from 0 to 1000000." },
        { new() { Kind = RateLimitKind.Custom }, "RateLimitOptions.Limiter is null; kind Custom needs a function that makes the limiter." },
        { new() { Limiter = () => null! }, "RateLimitOptions.Limiter is set, but only kind Custom reads it." },
        {
            new() { Kind = RateLimitKind.Custom, Limiter = () => null! },
            "RateLimitOptions.Limiter returned null; it must return a limiter."
        },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_option_is_named(RateLimitOptions options, string message) =>
        Assert.Equal(message, Assert.Throws<InvalidOptionsException>(() => new RateLimit(options)).Message);

    private sealed class Refusing(TimeSpan wait) : RateLimiter
    {
        internal int Asked { get; private set; }

        public override TimeSpan? IdleDuration => null;

        public override RateLimiterStatistics? GetStatistics() => null;

        protected override RateLimitLease AttemptAcquireCore(int permitCount)
        {
            Asked = permitCount;
            return new Refusal(wait);
        }

        protected override ValueTask<RateLimitLease> AcquireAsyncCore(int permitCount, CancellationToken cancellationToken) =>
            new(AttemptAcquireCore(permitCount));
    }

    private sealed class Refusal(TimeSpan wait) : RateLimitLease
    {
        public override bool IsAcquired => false;

        public override IEnumerable<string> MetadataNames => [MetadataName.RetryAfter.Name];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = wait;
            return metadataName == MetadataName.RetryAfter.Name;
        }
    }
}
