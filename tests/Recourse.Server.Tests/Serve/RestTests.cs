using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Recourse.Durable;
using Recourse.Tests;

namespace Recourse.Server.Tests.Serve;

/// <summary>What the relay notices about itself every 15 seconds: that it is at rest, and how full its dead letters are.</summary>
public sealed class RestTests
{
    private static QueueCounts Books(long accepted, long leased = 0) =>
        new("orders", accepted, accepted - leased, 0, leased, 0, 0, 0, 0, null);

    [Fact]
    public void Rest_begins_when_the_books_are_the_same_twice_and_is_told_once_until_something_happens()
    {
        var rest = new Rest();
        Assert.Equal([false, true, false, false], new[] { 5L, 5, 5, 5 }.Select(accepted => rest.Begins([Books(accepted)])));
        Assert.False(rest.Begins([Books(5, leased: 1)]));
        Assert.True(rest.Begins([Books(5, leased: 1)]));
        Assert.False(rest.Begins([Books(6)]));
        Assert.False(rest.Begins([Books(7)]));
        Assert.True(rest.Begins([Books(7)]));
    }

    [Theory]
    [InlineData(0, null, "ok")]
    [InlineData(1_000_000, null, "ok")]
    [InlineData(79, 100, "ok")]
    [InlineData(80, 100, "near")]
    [InlineData(99, 100, "near")]
    [InlineData(100, 100, "full")]
    [InlineData(200, 100, "full")]
    [InlineData(1, 1, "full")]
    public void Dead_letters_are_near_their_bound_from_80_percent_on(long dead, int? max, string state) =>
        Assert.Equal(state, DeadLetterFill.State(dead, max));

    [Fact]
    public async Task The_bound_of_dead_letters_is_logged_once_near_once_full_once_far_again_and_measured()
    {
        var (clock, log) = (new ManualClock(), new Lines());
        var rests = new SemaphoreSlim(0);
        var yaml = TestRelay.Basic + "\ndead_letter_queue: { max_size: 5 }\n";
        var store = new TrimmedStore(new InMemoryMessageStore(clock));
        var trims = 0;
        await using var relay = await TestRelay.StartAsync(RelayConfiguration.Parse(yaml).Configuration!, TestRelay.Refuses,
            store, clock, logging: logging => logging.AddProvider(log), onRest: () =>
            {
                trims = store.Trims;
                rests.Release();
            });
        var ids = new List<string>();
        async Task DeadAsync(int count)
        {
            while (ids.Count < count)
                ids.Add(await relay.AcceptedAsync("orders"));
            await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == count);
            // Two passes without a change: the second comes to the end of a pass that has seen the bound.
            for (var rested = false; !rested; rested = await rests.WaitAsync(0, TestContext.Current.CancellationToken))
            {
                clock.Advance(TimeSpan.FromSeconds(15));
                await relay.GetAsync("/v1/queues");
            }
        }
        async Task FilledAsync(string ratio)
        {
            using var metrics = await relay.SendAsync(HttpMethod.Get, "/metrics");
            Assert.Contains($"recourse_dead_letter_queue_fill_ratio {ratio}\n",
                await metrics.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }
        await DeadAsync(3);
        // The store gave its memory back before the relay was told to: once for each rest.
        Assert.Equal(1, trims);
        Assert.Empty(log.OfBound);
        await FilledAsync("0.6");
        await DeadAsync(4);
        Assert.Equal(["Dead letters: 4 of at most 5. At the bound, queues answer 429."], log.OfBound);
        await FilledAsync("0.8");
        Assert.Equal(2, trims);
        await DeadAsync(5);
        await FilledAsync("1");
        Assert.Equal(2, log.OfBound.Count());
        Assert.StartsWith("Dead letters: 5 of at most 5. Queues answer 429", log.OfBound.Last(), StringComparison.Ordinal);
    }

    /// <summary>Counts how often it was asked to give memory back.</summary>
    private sealed class TrimmedStore(MessageStore inner) : MessageStore
    {
        public int Trims { get; private set; }

        public override StoreQueries Queries => inner.Queries;

        public override Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default) => inner.OpenAsync(cancellationToken);

        public override ValueTask<TResult> CommitAsync<TResult>(
            StoreCommand<TResult> command, CancellationToken cancellationToken = default) => inner.CommitAsync(command, cancellationToken);

        public override Task TrimAsync()
        {
            Trims++;
            return inner.TrimAsync();
        }

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IEnumerable<string> OfBound => _lines.Where(line => line.StartsWith("Dead letters: ", StringComparison.Ordinal));

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => _lines.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
