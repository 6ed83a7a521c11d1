namespace Recourse.Durable.Tests;

public abstract partial class StoreContract
{
    private static readonly ReplayRequest OfService = new() { Filter = new() { Service = Service }, Actor = "ann", Reason = "mended" };

    private async Task<DeliveryId> DeadAsync(
        string body = "hello", string? orderKey = null, Classification? fault = null, bool blockLane = true)
    {
        var id = await PutAsync(body, orderKey);
        await KillAsync(await ClaimOneAsync(), fault, blockLane: blockLane);
        return id;
    }

    private async Task<Guid> StartAsync(ReplayRequest? request = null)
    {
        var id = Guid.CreateVersion7();
        Assert.True(await CommitAsync(new StartReplayCommand(id, (request ?? OfService).Checked(), 7)));
        return id;
    }

    private async Task<ReplayJob> JobAsync(Guid id) =>
        await Store.Queries.ReplayAsync(id, TestContext.Current.CancellationToken) ?? throw new InvalidOperationException("no such job");

    private async Task<IReadOnlyList<ReplayItem>> ItemsAsync(Guid id, ReplayOutcome? outcome = null) =>
        (await Store.Queries.ReplayItemsAsync(id, outcome, null, 500, TestContext.Current.CancellationToken)).Items;

    [Fact]
    public async Task A_replay_job_keeps_what_it_was_asked_over_a_restart()
    {
        var request = OfService with
        {
            Filter = new() { Kind = FaultKind.ValidationError, Text = "no such", Queue = Queue },
            Limit = 9,
            Canary = 3,
            CanaryShare = 0.5,
            Rate = 2.5,
            BatchSize = 7,
            Key = ReplayKey.New,
        };
        var id = await StartAsync(request);
        Assert.False(await CommitAsync(new StartReplayCommand(id, request, 1)));
        await RestartAsync();
        var job = await JobAsync(id);
        if (this is not InMemoryStoreTests)
            Assert.Equal(request, job.Request);
        Assert.Equal((ReplayState.Running, 7L, 0L, Clock.GetUtcNow()), (job.State, job.Matched, job.Replayed, job.MadeAt));
        Assert.Null(await Store.Queries.ReplayAsync(Guid.CreateVersion7(), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_batch_sends_letters_back_and_counts_them_in_the_same_commit()
    {
        var (first, second) = (await DeadAsync("a"), await DeadAsync("b", fault: CutOff));
        Clock.Advance(TimeSpan.FromMinutes(1));
        var job = await StartAsync();
        Assert.Equal(new(2, 0), await CommitAsync(new ReplayBatchCommand(job, null, "here", [first, second])));
        var seen = await JobAsync(job);
        Assert.Equal((2L, 0L, 2L), (seen.Replayed, seen.Skipped, seen.Pending));
        Assert.Equal("replay: by ann: mended", (await ReadAsync(first)).Decision);
        Assert.All(await ItemsAsync(job), item => Assert.Equal((1, ReplayOutcome.Pending), (item.Generation, item.Outcome)));

        var claimed = (await ClaimAsync()).Deliveries;
        Assert.Equal([first, second], claimed.Select(delivery => delivery.Id));
        Assert.All(claimed, delivery => Assert.True(delivery.Bulk));
        Assert.Equal($"{first.MessageId:D}.g1", claimed[0].IdempotencyKey);
        Assert.Equal($"{second.MessageId:D}", claimed[1].IdempotencyKey);
        await CompleteAsync(claimed[0]);
        await KillAsync(claimed[1]);
        seen = await JobAsync(job);
        Assert.Equal((1L, 1L, 0L), (seen.Delivered, seen.DeadAgain, seen.Pending));
        Assert.Equal([ReplayOutcome.Delivered, ReplayOutcome.Dead], (await ItemsAsync(job)).Select(item => item.Outcome));
        Assert.Equal(second, Assert.Single(await ItemsAsync(job, ReplayOutcome.Dead)).Id);
    }

    [Fact]
    public async Task A_letter_that_died_again_is_ordinary_when_it_is_replayed_by_hand()
    {
        var id = await DeadAsync();
        var job = await StartAsync();
        await CommitAsync(new ReplayBatchCommand(job, null, "1", [id]));
        await KillAsync(await ClaimOneAsync());
        await CommitAsync(new ReplayCommand(id, "ann", null));
        var claimed = await ClaimOneAsync();
        Assert.False(claimed.Bulk);
        await CompleteAsync(claimed);
        var seen = await JobAsync(job);
        Assert.Equal((0L, 1L), (seen.Delivered, seen.DeadAgain));
    }

    [Fact]
    public async Task A_batch_of_another_place_changes_nothing()
    {
        var id = await DeadAsync();
        var job = await StartAsync();
        Assert.Null(await CommitAsync(new ReplayBatchCommand(job, "elsewhere", "next", [id])));
        Assert.Null(await CommitAsync(new ReplayBatchCommand(Guid.CreateVersion7(), null, "next", [id])));
        Assert.Equal(DeliveryState.Dead, (await ReadAsync(id)).State);
        Assert.NotNull(await CommitAsync(new ReplayBatchCommand(job, null, "next", [id])));
        Assert.Null(await CommitAsync(new ReplayBatchCommand(job, null, "next", [id])));
        Assert.Equal(1, (await JobAsync(job)).Replayed);
    }

    [Fact]
    public async Task Only_a_running_job_sends_and_states_are_compared_before_they_are_set()
    {
        var id = await DeadAsync();
        var job = await StartAsync();
        Assert.False(await CommitAsync(new MoveReplayCommand(job, ReplayState.Paused, ReplayState.Running, null)));
        Assert.True(await CommitAsync(new MoveReplayCommand(job, ReplayState.Running, ReplayState.Paused, "by bob: lunch")));
        Assert.Null(await CommitAsync(new ReplayBatchCommand(job, null, "next", [id])));
        Assert.Equal("by bob: lunch", (await JobAsync(job)).StateReason);
        Assert.Empty(await Store.Queries.ActiveReplaysAsync(TestContext.Current.CancellationToken));
        Assert.True(await CommitAsync(new MoveReplayCommand(job, ReplayState.Paused, ReplayState.Running, null) { CanaryJudged = true }));
        Assert.Equal(job, Assert.Single(await Store.Queries.ActiveReplaysAsync(TestContext.Current.CancellationToken)).Id);
        Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.True(await CommitAsync(new MoveReplayCommand(job, ReplayState.Running, ReplayState.Cancelled, null)));
        var seen = await JobAsync(job);
        Assert.Equal((ReplayState.Cancelled, Clock.GetUtcNow(), true), (seen.State, seen.EndedAt, seen.CanaryJudged));
        Assert.False(await CommitAsync(new MoveReplayCommand(Guid.CreateVersion7(), ReplayState.Running, ReplayState.Paused, null)));
    }

    [Fact]
    public async Task What_is_no_longer_dead_or_died_after_the_job_was_made_is_left_alone()
    {
        var (gone, later, fine) = (await DeadAsync("a"), await PutAsync("b"), await DeadAsync2Async());
        var job = await StartAsync();
        await CommitAsync(new DiscardCommand(gone, "bob", null));
        Clock.Advance(TimeSpan.FromSeconds(1));
        await CommitAsync(new ReplayCommand(fine, "bob", null));
        foreach (var claimed in (await ClaimAsync()).Deliveries)
            await KillAsync(claimed);
        var unknown = new DeliveryId(Guid.CreateVersion7(), 0);
        Assert.Equal(new(0, 4), await CommitAsync(new ReplayBatchCommand(job, null, "1", [gone, later, fine, unknown])));
        Assert.Equal([gone, later, fine], (await ItemsAsync(job, ReplayOutcome.Skipped)).Select(item => item.Id));
        Assert.Equal(1, (await ReadAsync(fine)).Generation);

        async Task<DeliveryId> DeadAsync2Async()
        {
            var id = await PutAsync("c");
            var claims = (await ClaimAsync()).Deliveries;
            await CommitAsync(new ReleaseCommand(claims[0].Id, claims[0].Lease));
            await KillAsync(claims[1]);
            return id;
        }
    }

    [Fact]
    public async Task A_letter_that_somebody_else_has_in_hand_is_left_alone_with_the_reason()
    {
        var (hers, his) = (await DeadAsync("a"), await DeadAsync("b"));
        await CommitAsync(new TakeCommand(hers, "ann", TimeSpan.FromMinutes(5)));
        await CommitAsync(new TakeCommand(his, "bob", TimeSpan.FromMinutes(5)));
        var job = await StartAsync();
        Assert.Equal(new(1, 1), await CommitAsync(new ReplayBatchCommand(job, null, "1", [hers, his])));
        Assert.Equal(["taken by bob"], (await ItemsAsync(job, ReplayOutcome.Skipped)).Select(item => item.Reason));
        Assert.Equal((DeliveryState.Waiting, DeliveryState.Dead), ((await ReadAsync(hers)).State, (await ReadAsync(his)).State));
        Assert.Null((await ReadAsync(hers)).TakenBy);
    }

    [Fact]
    public async Task A_job_leaves_the_same_traces_as_a_person_does()
    {
        var (one, other, edited) = (await DeadAsync("a"), await DeadAsync("b"), await DeadAsync("c", fault: CutOff));
        await CommitAsync(new EditPayloadCommand(edited, "ann", null, "C"u8.ToArray()));
        await CommitAsync(new ReplayCommand(one, "ann", "mended"));
        var job = await StartAsync();
        await CommitAsync(new ReplayBatchCommand(job, null, "1", [other, edited]));
        var cancel = TestContext.Current.CancellationToken;
        Assert.Empty((await Store.Queries.GroupsAsync(new(), cancel)).Items);
        Assert.Empty((await ListAsync(new() { State = DeliveryState.Dead, Text = "e" })).Items);
        Assert.Equal((await ReadAsync(one)).Acts, (await ReadAsync(other)).Acts);
        // What was edited is another request, whatever an attempt did with the first.
        var claimed = Assert.Single((await ClaimAsync()).Deliveries, delivery => delivery.Id == edited);
        Assert.Equal(("C", $"{edited.MessageId:D}.g1"), (System.Text.Encoding.UTF8.GetString(claimed.Body.Span), claimed.IdempotencyKey));
    }

    [Fact]
    public async Task A_job_knows_every_condition_of_a_filter_after_a_restart()
    {
        DeliveryFilter[] conditions =
        [
            new() { Group = "00000000000000ff" }, new() { Since = DateTimeOffset.UnixEpoch.AddTicks(10) },
            new() { Until = DateTimeOffset.UnixEpoch }, new() { AttemptsMin = 3 }, new() { Persistence = Persistence.Unknown },
            new() { Blame = Blame.Service }, new() { Generation = 0 }, new() { Assignee = "" }, new() { VisibleTo = "bob" },
            new() { Manual = false, SecondChances = 2 }, new() { OrderKey = "k", Text = "\"ü" },
        ];
        var jobs = new List<Guid>();
        foreach (var filter in conditions)
            jobs.Add(await StartAsync(OfService with { Filter = filter }));
        await RestartAsync();
        for (var i = 0; i < conditions.Length; i++)
            Assert.Equal(conditions[i], (await JobAsync(jobs[i])).Request.Filter);
    }

    [Fact]
    public async Task Two_jobs_never_replay_the_same_letter_twice()
    {
        var id = await DeadAsync();
        var (one, other) = (await StartAsync(), await StartAsync());
        Assert.Equal(new(1, 0), await CommitAsync(new ReplayBatchCommand(one, null, "1", [id])));
        Assert.Equal(new(0, 1), await CommitAsync(new ReplayBatchCommand(other, null, "1", [id])));
        await CompleteAsync(await ClaimOneAsync());
        Assert.Equal((1L, 0L), ((await JobAsync(one)).Delivered, (await JobAsync(other)).Delivered));
    }

    [Theory]
    [InlineData(ReplayKey.Keep, "", "")]
    [InlineData(ReplayKey.New, ".g1", ".g1")]
    [InlineData(ReplayKey.Auto, ".g1", "")]
    public async Task The_key_of_replayed_letters_is_as_the_job_says(ReplayKey key, string untouched, string maybe)
    {
        var letters = new[] { await DeadAsync("a"), await DeadAsync("b", fault: CutOff) };
        var job = await StartAsync(OfService with { Key = key });
        await CommitAsync(new ReplayBatchCommand(job, null, "1", letters));
        Assert.Equal([untouched, maybe], (await ClaimAsync()).Deliveries.Select(claimed => claimed.IdempotencyKey[36..]));
    }

    [Fact]
    public async Task A_job_keeps_the_order_of_lanes()
    {
        var letters = new List<DeliveryId>();
        for (var i = 0; i < 3; i++)
            letters.Add(await DeadAsync($"{i}", "lane", blockLane: false));
        var job = await StartAsync();
        await CommitAsync(new ReplayBatchCommand(job, null, "1", letters));
        foreach (var letter in letters)
        {
            var claimed = await ClaimOneAsync();
            Assert.Equal((letter, true), (claimed.Id, claimed.Bulk));
            Assert.Empty((await ClaimAsync()).Deliveries);
            await CompleteAsync(claimed);
        }
        Assert.Equal(3, (await JobAsync(job)).Delivered);
    }

    [Fact]
    public async Task A_poison_message_counts_as_dead_again()
    {
        var id = await DeadAsync();
        var job = await StartAsync();
        await CommitAsync(new ReplayBatchCommand(job, null, "1", [id]));
        await ClaimOneAsync();
        for (var crash = 0; crash < 3; crash++)
        {
            await RestartAsync();
            Assert.Equal((0L, true), ((await JobAsync(job)).DeadAgain, (await ClaimOneAsync(suspects: true)).Bulk));
        }
        await RestartAsync();
        Assert.Equal((1L, 0L), ((await JobAsync(job)).DeadAgain, (await JobAsync(job)).Pending));
    }

    [Fact]
    public async Task Letters_are_listed_oldest_first_and_counted_for_a_job()
    {
        var letters = new List<DeliveryId>();
        for (var i = 0; i < 5; i++)
        {
            letters.Add(await DeadAsync($"{i}"));
            Clock.Advance(TimeSpan.FromSeconds(1));
        }
        await CommitAsync(new ReplayCommand(letters[0], "ann", null));
        await KillAsync(await ClaimOneAsync(), CutOff, "another error");
        var filter = new DeliveryFilter { State = DeliveryState.Dead, OldestFirst = true, Limit = 2, Service = Service };
        var first = await ListAsync(filter);
        Assert.Equal(letters[..2], first.Items.Select(item => item.Id));
        var second = await ListAsync(filter with { After = first.Next });
        Assert.Equal(letters[2..4], second.Items.Select(item => item.Id));
        Assert.Equal(letters[4..], (await ListAsync(filter with { After = second.Next })).Items.Select(item => item.Id));
        var cancel = TestContext.Current.CancellationToken;
        Assert.Equal(5, await Store.Queries.CountAsync(filter, 100, cancel));
        Assert.Equal(3, await Store.Queries.CountAsync(filter, 3, cancel));
        Assert.Equal(1, await Store.Queries.CountAsync(filter with { Text = "ANOTHER" }, 100, cancel));
        Assert.Equal(1, await Store.Queries.CountAsync(new() { Kind = FaultKind.ConnectionReset }, 100, cancel));
        Assert.Equal(0, await Store.Queries.CountAsync(filter with { Queue = "none" }, 100, cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => ListAsync(new() { State = DeliveryState.Dead, After = first.Next }));
    }

    [Fact]
    public async Task Jobs_and_their_letters_are_listed_in_pages()
    {
        var letters = new List<DeliveryId>();
        for (var i = 0; i < 3; i++)
            letters.Add(await DeadAsync($"{i}"));
        var jobs = new List<Guid> { await StartAsync(), await StartAsync(), await StartAsync() };
        var cancel = TestContext.Current.CancellationToken;
        var first = await Store.Queries.ReplaysAsync(null, 2, cancel);
        Assert.Equal([jobs[2], jobs[1]], first.Items.Select(job => job.Id));
        var second = await Store.Queries.ReplaysAsync(first.Next, 2, cancel);
        Assert.Equal([jobs[0]], second.Items.Select(job => job.Id));
        Assert.Null(second.Next);
        await CommitAsync(new ReplayBatchCommand(jobs[0], null, "1", letters));
        var items = await Store.Queries.ReplayItemsAsync(jobs[0], null, null, 2, cancel);
        Assert.Equal(letters[..2], items.Items.Select(item => item.Id));
        items = await Store.Queries.ReplayItemsAsync(jobs[0], null, items.Next, 2, cancel);
        Assert.Equal(letters[2..], items.Items.Select(item => item.Id));
        Assert.Null(items.Next);
        Assert.Empty((await Store.Queries.ReplayItemsAsync(Guid.CreateVersion7(), null, null, 2, cancel)).Items);
        await Assert.ThrowsAsync<ArgumentException>(() => Store.Queries.ReplaysAsync("no cursor", 2, cancel));
    }

    [Fact]
    public async Task Ended_jobs_go_when_they_are_old_a_few_rows_at_a_time_and_the_newest_stays()
    {
        var letters = new[] { await DeadAsync("a"), await DeadAsync("b"), await DeadAsync("c") };
        Clock.Advance(TimeSpan.FromMinutes(1));
        var old = await StartAsync();
        await CommitAsync(new ReplayBatchCommand(old, null, "end", letters));
        await CommitAsync(new MoveReplayCommand(old, ReplayState.Running, ReplayState.Completed, null));
        var newest = await StartAsync();
        await CommitAsync(new MoveReplayCommand(newest, ReplayState.Running, ReplayState.Cancelled, null));
        var prune = TimeSpan.FromDays(30);
        Assert.Equal(0, await CommitAsync(new PruneReplaysCommand(prune, 2)));

        Clock.Advance(TimeSpan.FromDays(31));
        Assert.Equal(2, await CommitAsync(new PruneReplaysCommand(prune, 2)));
        Assert.Single(await ItemsAsync(old));
        Assert.Equal(2, await CommitAsync(new PruneReplaysCommand(prune, 2)));
        Assert.Null(await Store.Queries.ReplayAsync(old, TestContext.Current.CancellationToken));
        Assert.Equal(0, await CommitAsync(new PruneReplaysCommand(prune, 2)));
        var page = await Store.Queries.ReplaysAsync(null, 10, TestContext.Current.CancellationToken);
        Assert.Equal([newest], page.Items.Select(job => job.Id));
        // What it sent back goes on all the same.
        await CompleteAsync(await ClaimOneAsync());
    }

    [Fact]
    public async Task What_dies_again_after_a_restart_with_the_clock_set_back_is_left_alone_by_the_job_that_sent_it()
    {
        var id = await LetterAsync();
        Clock.Advance(TimeSpan.FromHours(1));
        var request = new ReplayRequest { Filter = new() { Queue = Queue }, Actor = "ann" };
        var job = Guid.CreateVersion7();
        await CommitAsync(new StartReplayCommand(job, request, 1));
        Assert.Equal(new ReplayBatchResult(1, 0), await CommitAsync(new ReplayBatchCommand(job, null, "1", [id])));
        await ClaimOneAsync();
        Clock.SetWallClock(Clock.GetUtcNow().AddHours(-2));
        await RestartAsync();
        await KillAsync(await ClaimOneAsync(suspects: true));
        Assert.Equal(new ReplayBatchResult(0, 1), await CommitAsync(new ReplayBatchCommand(job, "1", "2", [id])));
        Assert.Equal(1, (await ReadAsync(id)).Generation);
    }
}
