namespace Recourse.Durable.Tests;

public abstract partial class StoreContract
{
    [Fact]
    public async Task A_fresh_store_has_no_queues_and_no_deliveries()
    {
        Assert.Empty(await Store.Queries.QueuesAsync(TestContext.Current.CancellationToken));
        Assert.Empty(await Store.Queries.ServicesAsync(TestContext.Current.CancellationToken));
        Assert.Empty((await ListAsync(new())).Items);
        Assert.Null(await MessageAsync(Guid.CreateVersion7()));
        Assert.Null(await PayloadAsync(new(Guid.CreateVersion7(), 0)));
    }

    [Fact]
    public async Task Queues_and_services_are_counted_by_state()
    {
        for (var i = 0; i < 6; i++)
            await PutAsync($"{i}");
        await EnqueueAsync(Message(queue: "a-queue", services: ["mail"]));
        var claimed = (await ClaimAsync(4)).Deliveries;
        await CompleteAsync(claimed[0]);
        await KillAsync(claimed[1]);
        await RetryAsync(claimed[2], TimeSpan.FromMinutes(1));
        var queues = await Store.Queries.QueuesAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["a-queue", Queue], queues.Select(queue => queue.Queue));
        Assert.Equal(new(Queue, 6, 2, 1, 1, 1, 1, 0, 0, Clock.GetUtcNow()), queues[1]);
        var services = await Store.Queries.ServicesAsync(TestContext.Current.CancellationToken);
        Assert.Equal([new(Service, 2, 1, 1, 1), new("mail", 1, 0, 0, 0)], services);
    }

    [Fact]
    public async Task The_oldest_that_waits_counts_from_its_arrival_even_after_retries()
    {
        var start = Clock.GetUtcNow();
        await PutAsync();
        await RetryAsync(await ClaimOneAsync(), TimeSpan.FromMinutes(5));
        Clock.Advance(TimeSpan.FromMinutes(1));
        await PutAsync(orderKey: "k");
        Assert.Equal(start.AddMinutes(1), (await CountsAsync()).OldestWaitingAt);
        Clock.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(start, (await CountsAsync()).OldestWaitingAt);
        await ClaimAsync();
        Assert.Null((await CountsAsync()).OldestWaitingAt);
    }

    [Fact]
    public async Task Lists_are_newest_first_and_stable_while_others_write()
    {
        var ids = new List<DeliveryId>();
        for (var i = 0; i < 7; i++)
            ids.Add(await PutAsync($"{i}"));
        var first = await ListAsync(new() { Limit = 3 });
        Assert.Equal([ids[6], ids[5], ids[4]], first.Items.Select(item => item.Id));
        await PutAsync("new");
        var second = await ListAsync(new() { Limit = 3, After = first.Next });
        Assert.Equal([ids[3], ids[2], ids[1]], second.Items.Select(item => item.Id));
        var third = await ListAsync(new() { Limit = 3, After = second.Next });
        Assert.Equal([ids[0]], third.Items.Select(item => item.Id));
        Assert.Null(third.Next);
        Assert.Equal(first.Next, Uri.EscapeDataString(first.Next!));
    }

    [Fact]
    public async Task Dead_letters_are_listed_by_the_time_of_death()
    {
        var ids = new List<DeliveryId>();
        for (var i = 0; i < 4; i++)
            ids.Add(await PutAsync($"{i}"));
        var claimed = (await ClaimAsync()).Deliveries;
        foreach (var index in new[] { 2, 0, 3, 1 })
        {
            Clock.Advance(TimeSpan.FromSeconds(index == 3 ? 0 : 1));
            await KillAsync(claimed[index]);
        }
        var page = await ListAsync(new() { State = DeliveryState.Dead, Limit = 2 });
        Assert.Equal([ids[1], ids[3]], page.Items.Select(item => item.Id));
        page = await ListAsync(new() { State = DeliveryState.Dead, Limit = 2, After = page.Next });
        Assert.Equal([ids[0], ids[2]], page.Items.Select(item => item.Id));
        Assert.Null(page.Next);
    }

    [Fact]
    public async Task Filters_hold_together()
    {
        foreach (var (queue, service) in new[] { ("a", "x"), ("a", "y"), ("b", "x"), ("b", "y") })
        {
            for (var i = 0; i < 3; i++)
                await EnqueueAsync(Message(queue: queue, services: [service], orderKey: i == 2 ? "key" : null));
        }
        foreach (var service in new[] { "x", "y" })
        {
            foreach (var claimed in (await ClaimAsync(20, service)).Deliveries)
                await KillAsync(claimed, claimed.Queue == "a" ? BadMessage
                    : CutOff, $"Customer {claimed.Queue}{service} unknown", blockLane: false);
            foreach (var claimed in (await ClaimAsync(20, service)).Deliveries)
                await KillAsync(claimed, claimed.Queue == "a" ? BadMessage
                    : CutOff, $"Customer {claimed.Queue}{service} unknown", blockLane: false);
        }
        async Task<int> CountAsync(DeliveryFilter filter) => (await ListAsync(filter with { State = DeliveryState.Dead })).Items.Count;
        Assert.Equal(12, await CountAsync(new()));
        Assert.Equal(6, await CountAsync(new() { Queue = "a" }));
        Assert.Equal(6, await CountAsync(new() { Service = "x" }));
        Assert.Equal(3, await CountAsync(new() { Queue = "a", Service = "x" }));
        Assert.Equal(0, await CountAsync(new() { Queue = "a", Service = "z" }));
        Assert.Equal(6, await CountAsync(new() { Kind = FaultKind.ConnectionReset }));
        Assert.Equal(0, await CountAsync(new() { Kind = FaultKind.ConnectionReset, Queue = "a" }));
        Assert.Equal(4, await CountAsync(new() { OrderKey = "key" }));
        Assert.Equal(3, await CountAsync(new() { Text = "CUSTOMER BX" }));
        Assert.Equal(1, await CountAsync(new() { Text = "bx", OrderKey = "key", Kind = FaultKind.ConnectionReset }));
        Assert.Equal(0, await CountAsync(new() { Text = "hello" }));
        Assert.Equal(0, await CountAsync(new() { Text = "%" }));
        Assert.Empty((await ListAsync(new() { State = DeliveryState.Waiting })).Items);
    }

    [Fact]
    public async Task Pages_of_one_queue_or_service_follow_on_without_gap_or_repeat()
    {
        for (var i = 0; i < 20; i++)
            await EnqueueAsync(Message(queue: i % 3 == 0 ? "a" : "b", services: ["x", "y"]));
        foreach (var claimed in (await ClaimAsync(15, "x")).Deliveries)
        {
            Clock.Advance(TimeSpan.FromMilliseconds(claimed.Id.MessageId.GetHashCode() & 1));
            await KillAsync(claimed);
        }
        foreach (var filter in new DeliveryFilter[] { new() { Service = "x", State = DeliveryState.Dead }, new() { Queue = "b" },
            new() { Service = "y" } })
        {
            var all = (await ListAsync(filter with { Limit = 500 })).Items.Select(item => item.Id).ToList();
            Assert.NotEmpty(all);
            var paged = new List<DeliveryId>();
            string? after = null;
            do
            {
                var page = await ListAsync(filter with { Limit = 4, After = after });
                paged.AddRange(page.Items.Select(item => item.Id));
                after = page.Next;
            }
            while (after is not null);
            Assert.Equal(all, paged);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(501)]
    public async Task A_limit_out_of_range_is_refused(int limit)
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => ListAsync(new() { Limit = limit }));
        Assert.Contains("1 to 500", error.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")]
    [InlineData("ffffffffffffffffffffffffffffffffff")]
    [InlineData("ÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜÄ")]
    public async Task A_bad_cursor_is_refused_in_words(string after)
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => ListAsync(new() { After = after }));
        Assert.Contains("cursor", error.Message);
    }

    [Fact]
    public async Task A_cursor_of_another_list_is_refused()
    {
        await PutAsync();
        await PutAsync();
        var page = await ListAsync(new() { Limit = 1 });
        await Assert.ThrowsAsync<ArgumentException>(() => ListAsync(new() { State = DeliveryState.Dead, After = page.Next }));
    }

    [Fact]
    public async Task A_cancelled_caller_stops_waiting_but_the_command_counts()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Store.CommitAsync(new EnqueueCommand(Message()), cancelled.Token));
        await PutAsync();
        Assert.InRange((await CountsAsync()).Accepted, 1, 2);
    }

    [Fact]
    public async Task A_closed_store_says_so()
    {
        await PutAsync();
        await Store.DisposeAsync();
        var error = await Assert.ThrowsAsync<StoreException>(() => PutAsync());
        Assert.Equal(StoreProblem.Unavailable, error.Problem);
    }

    [Fact]
    public async Task What_fails_now_is_found_among_what_was_never_tried()
    {
        for (var i = 0; i < 4; i++)
            await PutAsync($"{i}");
        var claimed = (await ClaimAsync(3)).Deliveries;
        await RetryAsync(claimed[0], TimeSpan.FromMinutes(1));
        await RetryAsync(claimed[1], TimeSpan.Zero);
        await KillAsync(claimed[2]);
        var failing = new DeliveryFilter { Failing = true };
        Assert.Equal([claimed[1].Id, claimed[0].Id], (await ListAsync(failing)).Items.Select(item => item.Id));
        Assert.Equal([claimed[1].Id], (await ListAsync(failing with { State = DeliveryState.Waiting })).Items.Select(item => item.Id));
        Assert.Equal([claimed[0].Id], (await ListAsync(failing with { State = DeliveryState.Delayed })).Items.Select(item => item.Id));
        Assert.Empty((await ListAsync(failing with { State = DeliveryState.Leased })).Items);
        Assert.Equal(2, (await ClaimAsync(2)).Deliveries.Count);
        Assert.Equal(
            [claimed[1].Id], (await ListAsync(failing with { State = DeliveryState.Leased })).Items.Select(item => item.Id));
    }

    [Fact]
    public async Task A_probe_is_written_and_seen_by_nobody()
    {
        Assert.True(await CommitAsync(new ProbeCommand(100_000)));
        Assert.True(await CommitAsync(new ProbeCommand(ProbeCommand.SizeMax)));
        Assert.Empty(await Store.Queries.QueuesAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, await CommitAsync(new PruneCommand(TimeSpan.Zero, 10)));
    }

    [Fact]
    public async Task Finished_messages_are_kept_by_age_or_number_and_by_queue()
    {
        var ended = new List<Guid>();
        for (var i = 0; i < 5; i++)
        {
            string[] services = i == 1 ? ["billing", "mail"] : ["billing"];
            ended.Add((await EnqueueAsync(Message(queue: i == 4 ? "other" : Queue, services: services))).MessageId);
            await CompleteAsync(await ClaimOneAsync());
            if (i == 1)
                await CompleteAsync(await ClaimOneAsync("mail"));
            Clock.Advance(TimeSpan.FromMinutes(1));
        }
        Assert.Equal(0, await PruneAsync(new(TimeSpan.FromHours(1), 10) { Queue = Queue, KeepMax = 4 }));
        Assert.Equal(2, await PruneAsync(new(TimeSpan.FromHours(1), 10) { Queue = Queue, KeepMax = 2 }));
        Assert.Equal([false, false, true, true, true], await KeptAsync(ended));
        Assert.Equal(1, await PruneAsync(new(TimeSpan.FromMinutes(3), 10) { Queue = Queue, KeepMax = 2 }));
        Assert.Equal([false, false, false, true, true], await KeptAsync(ended));
        Assert.Equal(1, await PruneAsync(new(TimeSpan.Zero, 1)));
        Assert.Equal([false, false, false, false, true], await KeptAsync(ended));
        Assert.Equal(1, await PruneAsync(new(TimeSpan.FromHours(1), 10) { KeepMax = 0 }));
        Assert.Equal(5, (await CountsAsync()).Delivered);
    }

    private async Task<int> PruneAsync(PruneCommand command) => await CommitAsync(command);

    private async Task<List<bool>> KeptAsync(List<Guid> ids)
    {
        var kept = new List<bool>();
        foreach (var id in ids)
            kept.Add(await MessageAsync(id) is not null);
        return kept;
    }
}
