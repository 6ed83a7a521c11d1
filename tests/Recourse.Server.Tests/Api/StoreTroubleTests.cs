using Recourse.Durable;
using Recourse.Sqlite;
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
    public async Task Refused_messages_keep_it_not_ready_until_a_probe_is_written_whatever_else_the_store_still_does()
    {
        var store = new TroubledStore();
        var clock = new ManualClock();
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses, store: store, time: clock);
        var id = await relay.AcceptedAsync("orders");
        await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 1);
        store.Trouble = StoreProblem.DiskFull;
        using (await relay.PostAsync("orders", new string('1', 100_000)))
        using (var discard = await relay.SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}.0:discard"))
            Assert.Equal(200, (int)discard.StatusCode);
        for (var second = 0; second < 10; second++)
        {
            var probe = store.NextProbe();
            clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(100_000, await probe.WaitAsync(TestContext.Current.CancellationToken));
            using var ready = await relay.SendAsync(HttpMethod.Get, "/health/ready");
            await TestRelay.ProblemAsync(ready, 503);
        }
        store.Trouble = null;
        clock.Advance(TimeSpan.FromSeconds(1));
        await ReadyAsync(relay);
    }

    [Fact]
    public async Task A_full_disk_makes_it_not_ready_until_there_is_room_then_it_becomes_ready_by_itself()
    {
        using var disk = new TinyDisk(8);
        var clock = new ManualClock();
        await using var relay = await TestRelay.StartAsync(store: new SqliteMessageStore(disk["relay.db"], clock), time: clock);
        await relay.AcceptedAsync("orders");
        disk.Fill("ballast");
        var body = $"\"{new string('x', 50_000)}\"";
        var status = 202;
        while (status == 202)
        {
            using var answer = await relay.PostAsync("orders", body);
            status = (int)answer.StatusCode;
        }
        Assert.Equal(503, status);
        for (var second = 0; second < 10; second++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            using var ready = await relay.SendAsync(HttpMethod.Get, "/health/ready");
            await TestRelay.ProblemAsync(ready, 503);
            Assert.NotNull(ready.Headers.RetryAfter);
        }
        File.Delete(disk["ballast"]);
        clock.Advance(TimeSpan.FromSeconds(1));
        await ReadyAsync(relay);
        await relay.AcceptedAsync("orders", body);
    }

    private static async Task ReadyAsync(TestRelay relay)
    {
        while (true)
        {
            using var ready = await relay.SendAsync(HttpMethod.Get, "/health/ready");
            if ((int)ready.StatusCode == 200)
                return;
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
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

        private TaskCompletionSource<int> _probed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public StoreProblem? Trouble { get; set; }
        public bool Blind { get; set; }

        public override StoreQueries Queries => Blind ? throw new StoreException("The store is away.", StoreProblem.Unavailable)
            : _inner.Queries;

        public override Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default) => _inner.OpenAsync(cancellationToken);

        public override ValueTask<TResult> CommitAsync<TResult>(StoreCommand<TResult> command,
            CancellationToken cancellationToken = default) =>
            Trouble is { } problem && (command is EnqueueCommand || Probed(command)) ? throw new StoreException("Trouble.", problem)
                : _inner.CommitAsync(command, cancellationToken);

        /// <summary>The size of the next probe, once it came.</summary>
        public Task<int> NextProbe() => (_probed = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

        private bool Probed(StoreCommand command)
        {
            if (command is ProbeCommand probe)
                _probed.TrySetResult(probe.Size);
            return command is ProbeCommand;
        }

        public override ValueTask DisposeAsync() => _inner.DisposeAsync();
    }
}
