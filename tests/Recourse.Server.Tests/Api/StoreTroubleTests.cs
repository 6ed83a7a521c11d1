using Recourse.Durable;
using Recourse.Tests;

namespace Recourse.Server.Tests.Api;

public class StoreTroubleTests
{
    [Theory]
    [InlineData(StoreProblem.Busy, 429)]
    [InlineData(StoreProblem.DiskFull, 503)]
    [InlineData(StoreProblem.Unavailable, 503)]
    [InlineData(StoreProblem.Other, 503)]
    public async Task A_store_that_does_not_take_a_message_is_told_with_a_time_to_wait(StoreProblem problem, int status)
    {
        var store = new TroubledStore();
        await using var relay = await TestRelay.StartAsync(store: store);
        store.Trouble = problem;
        using var answer = await relay.PostAsync("orders", "{}");
        await TestRelay.ProblemAsync(answer, status);
        Assert.True(answer.Headers.RetryAfter!.Delta >= TimeSpan.FromSeconds(1));
        using var batch = await relay.SendAsync(HttpMethod.Post, "/v1/queues/orders/messages:batch", "1\n", "application/x-ndjson");
        Assert.Contains($"\"status\":{status}", await batch.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
        store.Trouble = null;
        await relay.AcceptedAsync("orders");
    }

    [Fact]
    public async Task A_full_disk_makes_the_relay_not_ready_until_a_message_is_stored_again()
    {
        var store = new TroubledStore();
        var clock = new ManualClock();
        await using var relay = await TestRelay.StartAsync(store: store, time: clock);
        store.Trouble = StoreProblem.DiskFull;
        using (await relay.PostAsync("orders", "{}"))
        using (var ready = await relay.SendAsync(HttpMethod.Get, "/health/ready"))
        {
            await TestRelay.ProblemAsync(ready, 503);
            Assert.NotNull(ready.Headers.RetryAfter);
        }
        Assert.Equal("live", (await relay.GetAsync("/health/live"))["status"]!.GetValue<string>());
        Assert.Empty((await relay.GetAsync("/v1/dead-letters"))["items"]!.AsArray());
        store.Trouble = null;
        await relay.AcceptedAsync("orders");
        Assert.Equal("ready", (await relay.GetAsync("/health/ready"))["status"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_store_that_cannot_be_read_makes_the_relay_not_ready_and_its_lists_503()
    {
        var store = new TroubledStore();
        await using var relay = await TestRelay.StartAsync(store: store);
        store.Blind = true;
        foreach (var path in (string[])["/health/ready", "/v1/queues", "/v1/dead-letters", "/v1/services"])
        {
            using var answer = await relay.SendAsync(HttpMethod.Get, path);
            await TestRelay.ProblemAsync(answer, 503);
            Assert.NotNull(answer.Headers.RetryAfter);
        }
        using var metrics = await relay.SendAsync(HttpMethod.Get, "/metrics");
        Assert.Equal(200, (int)metrics.StatusCode);
    }

    [Fact]
    public async Task At_the_bound_on_dead_letters_queues_answer_429_until_there_is_room()
    {
        await using var relay = await TestRelay.StartAsync(TestRelay.Basic + "\ndead_letter_queue: { max_size: 1 }", TestRelay.Refuses);
        var id = await relay.AcceptedAsync("orders");
        await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 1);
        while (true)
        {
            using var answer = await relay.PostAsync("orders", "{}");
            if ((int)answer.StatusCode == 429)
            {
                Assert.NotNull(answer.Headers.RetryAfter);
                break;
            }
        }
        Assert.NotEmpty(id);
    }

    private sealed class TroubledStore : MessageStore
    {
        private readonly InMemoryMessageStore _inner = new(TimeProvider.System);

        public StoreProblem? Trouble { get; set; }
        public bool Blind { get; set; }

        public override StoreQueries Queries => Blind ? throw new StoreException("The store is away.", StoreProblem.Unavailable)
            : _inner.Queries;

        public override Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default) => _inner.OpenAsync(cancellationToken);

        public override ValueTask<TResult> CommitAsync<TResult>(StoreCommand<TResult> command,
            CancellationToken cancellationToken = default) =>
            Trouble is { } problem && command is EnqueueCommand ? throw new StoreException("Trouble.", problem)
                : _inner.CommitAsync(command, cancellationToken);

        public override ValueTask DisposeAsync() => _inner.DisposeAsync();
    }
}
