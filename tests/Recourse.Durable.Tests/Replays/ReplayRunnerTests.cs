using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>The runner on a store in memory and a manual clock.</summary>
public sealed class ReplayRunnerTests : IAsyncDisposable
{
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(60);
    private static readonly ReplayRequest OfOrders = new() { Filter = new() { Queue = "orders" }, Actor = "ann" };

    private readonly ManualClock _clock = new();
    private readonly HookedStore _store;
    private readonly List<string> _notified = [];
    private ReplayRunner _runner;

    public ReplayRunnerTests()
    {
        _store = new HookedStore(new InMemoryMessageStore(_clock));
        _runner = new ReplayRunner(_store, _notified.Add, _clock);
    }

    public async ValueTask DisposeAsync()
    {
        await _runner.DisposeAsync();
        await _store.DisposeAsync();
    }

    private async Task DeadAsync(int count)
    {
        for (var i = 0; i < count; i++)
            await _store.CommitAsync(new EnqueueCommand(new() { Queue = "orders", Body = "{}"u8.ToArray(), Services = ["shop"] }));
        foreach (var claimed in (await _store.CommitAsync(new ClaimCommand("shop", count, "node"))).Deliveries)
            await EndAsync(claimed, good: false);
    }

    private async Task EndAsync(ClaimedDelivery claimed, bool good)
    {
        var attempt = new Attempt { Number = claimed.Attempt, StartedAt = claimed.ClaimedAt, Outcome = good ? "delivered" : "failed" };
        if (good)
            await _store.CommitAsync(new CompleteCommand(claimed.Id, claimed.Lease, attempt));
        else
            await _store.CommitAsync(new FailCommand(
                claimed.Id, claimed.Lease, attempt, Classification.Unknown, new(DeliveryAction.DeadLetter, null, "enough")));
    }

    private Task<ReplayJob> StartAsync(ReplayRequest request) => _runner.StartJobAsync(request);

    private Task<ReplayPreview> PreviewAsync(ReplayRequest request) => _runner.PreviewAsync(request);

    private Task<ReplaySteering> SteerAsync(Guid id, ReplayVerb verb, string actor, string? reason) =>
        _runner.SteerAsync(id, verb, actor, reason);

    private async Task<ReplayJob> NowAsync(Guid id) => (await _store.Queries.ReplayAsync(id))!;

    private Task<long> DeadCountAsync() => _store.Queries.CountAsync(new() { State = DeliveryState.Dead }, 100);

    private async Task<IReadOnlyList<DeliverySummary>> DeliveriesAsync() =>
        (await _store.Queries.DeliveriesAsync(new() { Limit = 300 })).Items;

    private async Task ServeAsync(int good, int bad = 0)
    {
        var claims = (await _store.CommitAsync(new ClaimCommand("shop", good + bad, "node"))).Deliveries;
        for (var i = 0; i < claims.Count; i++)
            await EndAsync(claims[i], i < good);
    }

    /// <summary>Moves the clock from timer to timer until the job is as wanted.</summary>
    private async Task<ReplayJob> UntilAsync(Guid id, Func<ReplayJob, bool> wanted)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            // Asked before the job is read: only what a runner at rest has left behind tells whether time has to pass.
            var asleep = _runner.IsAsleep;
            var job = await NowAsync(id);
            if (wanted(job))
                return job;
            Assert.True(TimeProvider.System.GetElapsedTime(began) < Hang, $"The job never got there: {job}");
            if (asleep)
                _clock.AdvanceToNextTimer();
            await Task.Yield();
        }
    }

    [Fact]
    public async Task A_job_sends_all_that_matched_back_and_tells_the_services()
    {
        await DeadAsync(1_200);
        _runner.Start();
        var job = await StartAsync(OfOrders);
        Assert.Equal(1_200, job.Matched);
        job = await UntilAsync(job.Id, now => now.State is ReplayState.Completed);
        Assert.Equal((1_200L, 0L, 1_200L), (job.Replayed, job.Skipped, job.Pending));
        Assert.Equal(["shop"], _notified.Distinct());
        Assert.All(_store.Committed.OfType<ReplayBatchCommand>(), batch => Assert.InRange(batch.Letters.Count, 0, 500));
    }

    [Fact]
    public async Task Letters_that_die_again_while_the_job_runs_are_not_sent_again()
    {
        await DeadAsync(30);
        _clock.Advance(TimeSpan.FromSeconds(1));
        _runner.Start();
        var job = await StartAsync(OfOrders with { BatchSize = 3, Rate = 10 });
        await UntilAsync(job.Id, now => now.Replayed >= 9);
        await ServeAsync(0, bad: 9);
        job = await UntilAsync(job.Id, now => now.State is ReplayState.Completed);
        Assert.Equal((30L, 9L), (job.Replayed, job.DeadAgain));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(250)]
    [InlineData(5_000)]
    public async Task The_rate_holds_within_two_percent(int rate)
    {
        var letters = Math.Clamp(rate * 10, 60, 20_000);
        await DeadAsync(letters);
        _runner.Start();
        var began = _clock.GetUtcNow();
        var job = await StartAsync(OfOrders with { Rate = rate });
        await UntilAsync(job.Id, now => now.Replayed == letters);
        var seconds = (_clock.GetUtcNow() - began).TotalSeconds;
        Assert.InRange(letters / seconds / rate, 0.98, 1.02);
    }

    [Fact]
    public async Task A_good_canary_lets_the_rest_follow_and_a_bad_one_pauses_with_the_reason()
    {
        await DeadAsync(20);
        _runner.Start();
        var good = await StartAsync(OfOrders with { Canary = 4, CanaryShare = 0.75, Limit = 10 });
        await UntilAsync(good.Id, now => now.State is ReplayState.Canary);
        await ServeAsync(3, bad: 1);
        good = await UntilAsync(good.Id, now => now.State is ReplayState.Completed);
        Assert.Equal(10, good.Replayed);

        _clock.Advance(TimeSpan.FromSeconds(1));
        await ServeAsync(6);
        var bad = await StartAsync(OfOrders with { Canary = 4 });
        await UntilAsync(bad.Id, now => now.State is ReplayState.Canary);
        await ServeAsync(3, bad: 1);
        bad = await UntilAsync(bad.Id, now => now.State is ReplayState.Paused);
        Assert.Equal(4, bad.Replayed);
        Assert.Contains("canary failed", bad.StateReason, StringComparison.Ordinal);

        Assert.True((await SteerAsync(bad.Id, ReplayVerb.Resume, "bob", null)).Done);
        bad = await UntilAsync(bad.Id, now => now.State is ReplayState.Completed);
        Assert.Equal(11, bad.Replayed);
    }

    [Fact]
    public async Task A_paused_job_sends_nothing_and_a_cancelled_one_never_again()
    {
        await DeadAsync(50);
        _runner.Start();
        var job = await StartAsync(OfOrders with { Rate = 10 });
        await UntilAsync(job.Id, now => now.Replayed >= 5);
        var paused = await SteerAsync(job.Id, ReplayVerb.Pause, "bob", "lunch");
        Assert.Equal((true, "paused: by bob: lunch"), (paused.Done, paused.Job!.StateReason));
        Assert.False((await SteerAsync(job.Id, ReplayVerb.Pause, "bob", null)).Done);
        var sent = (await NowAsync(job.Id)).Replayed;
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(sent, (await NowAsync(job.Id)).Replayed);
        Assert.True((await SteerAsync(job.Id, ReplayVerb.Cancel, "bob", null)).Done);
        Assert.False((await SteerAsync(job.Id, ReplayVerb.Resume, "bob", null)).Done);
        Assert.Null((await SteerAsync(Guid.CreateVersion7(), ReplayVerb.Pause, "bob", null)).Job);
        Assert.Equal(50 - sent, await DeadCountAsync());
    }

    [Fact]
    public async Task Another_runner_goes_on_where_one_stopped_and_nothing_goes_twice()
    {
        await DeadAsync(300);
        _runner.Start();
        var job = await StartAsync(OfOrders with { BatchSize = 10, Rate = 1_000 });
        await UntilAsync(job.Id, now => now.Replayed >= 50);
        await _runner.DisposeAsync();
        _runner = new ReplayRunner(_store, null, _clock);
        _runner.Start();
        job = await UntilAsync(job.Id, now => now.State is ReplayState.Completed);
        Assert.Equal((300L, 0L), (job.Replayed, job.Skipped));
        Assert.All(await DeliveriesAsync(), item => Assert.Equal(1, item.Generation));
    }

    [Fact]
    public async Task A_store_that_is_away_is_one_line_without_a_job_and_one_when_it_is_back()
    {
        await _runner.DisposeAsync();
        var log = new NotedLog();
        _store.Away = true;
        _runner = new ReplayRunner(_store, null, _clock, log);
        _runner.Start();
        await PassUntilAsync(() => !log.Lines.IsEmpty);
        var until = _clock.GetUtcNow().AddSeconds(8);
        await PassUntilAsync(() => _clock.GetUtcNow() > until);
        Assert.StartsWith("The store cannot be asked for replay jobs", Assert.Single(log.Lines).Text, StringComparison.Ordinal);
        _store.Away = false;
        await PassUntilAsync(() => log.Lines.Count > 1);
        Assert.StartsWith("The store can be asked for replay jobs again, after ", log.Lines.Last().Text, StringComparison.Ordinal);

        // Time passes whenever the runner rests.
        async Task PassUntilAsync(Func<bool> there)
        {
            var began = TimeProvider.System.GetTimestamp();
            for (; !there(); await Task.Yield())
            {
                Assert.True(TimeProvider.System.GetElapsedTime(began) < Hang, string.Join('\n', log.Lines));
                if (_runner.IsAsleep)
                    _clock.AdvanceToNextTimer();
            }
        }
    }

    [Fact]
    public async Task An_answer_that_was_lost_does_not_send_a_letter_twice_and_a_store_that_fails_is_survived()
    {
        await DeadAsync(100);
        var lost = 0;
        _store.After = command => command is ReplayBatchCommand && lost++ % 2 == 0
            ? throw new StoreException("the answer was lost", StoreProblem.Unavailable) : Task.CompletedTask;
        _runner.Start();
        var job = await StartAsync(OfOrders with { BatchSize = 10 });
        job = await UntilAsync(job.Id, now => now.State is ReplayState.Completed);
        Assert.Equal((100L, 0L), (job.Replayed, job.Skipped));
    }

    [Fact]
    public async Task Jobs_take_turns()
    {
        await DeadAsync(100);
        _runner.Start();
        var slow = await StartAsync(OfOrders with { Rate = 1, Limit = 5 });
        var fast = await StartAsync(OfOrders with { BatchSize = 10 });
        await UntilAsync(fast.Id, now => now.State is ReplayState.Completed);
        slow = await UntilAsync(slow.Id, now => now.State is ReplayState.Completed);
        fast = await NowAsync(fast.Id);
        Assert.Equal(100, slow.Replayed + fast.Replayed);
    }

    [Fact]
    public async Task A_preview_counts_and_shows_and_changes_nothing()
    {
        await DeadAsync(30);
        var preview = await PreviewAsync(OfOrders with { Limit = 25 });
        Assert.Equal((25L, 10), (preview.Matched, preview.Sample.Count));
        Assert.Equal(30, await DeadCountAsync());
        await Assert.ThrowsAsync<ArgumentException>(() => PreviewAsync(OfOrders with { Filter = new() }));
    }
}
