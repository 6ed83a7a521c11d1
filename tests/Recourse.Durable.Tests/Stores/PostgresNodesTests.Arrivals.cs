using System.Text;
using Npgsql;
using Recourse.Postgres;

namespace Recourse.Durable.Tests;

/// <summary>What is claimed with its storing, where the node is in doubt or the answer is lost.</summary>
public sealed partial class PostgresNodesTests
{
    private static ArrivalDesk Desk(PostgresMessageStore store, int room)
    {
        var desk = new ArrivalDesk(room);
        store.Arrivals = desk;
        return desk;
    }

    private static async Task<bool> IsTakenAsync(PostgresMessageStore store, string body, string? key = null)
    {
        var command = new EnqueueCommand(Message(body, null, key, "orders"));
        await store.CommitAsync(command, Cancelled);
        return command.IsTaken;
    }

    /// <summary>Behind a message that is taken, and keeps the writer busy until these have gathered.</summary>
    private static async Task<Task[]> InOneBatchAsync(PostgresMessageStore store, params EnqueueCommand[] commands)
    {
        using var gathering = new SemaphoreSlim(0);
        var writing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        store.BetweenTransactions = _ =>
        {
            if (writing.TrySetResult())
                gathering.Wait();
        };
        var first = Task.Run(() => IsTakenAsync(store, "first"), Cancelled);
        await writing.Task;
        Task[] stored = [.. commands.Select(command => store.CommitAsync(command, Cancelled).AsTask())];
        gathering.Release();
        Assert.True(await first);
        return stored;
    }

    private static string Body(ClaimedDelivery claimed) => Encoding.UTF8.GetString(claimed.Body.Span);

    [Theory]
    [InlineData(null)]
    [InlineData("key")]
    public async Task What_was_stored_and_claimed_without_an_answer_goes_back_and_the_rest_stays_in_hand(string? key)
    {
        var store = await OpenAsync();
        var desk = Desk(store, 3);
        Assert.True(await IsTakenAsync(store, "before"));
        store.AfterCommit = () => throw new NpgsqlException("the line was cut behind the commit");
        await Assert.ThrowsAsync<StoreException>(() => IsTakenAsync(store, "lost", key));
        store.AfterCommit = null;
        Assert.Equal((1, 2, 0), (desk.Begun.Count, desk.Free, desk.Open));
        Assert.Equal(2, Assert.Single(await store.Queries.QueuesAsync(Cancelled)).Leased);
        Assert.True(await IsTakenAsync(store, "behind"));
        Assert.Empty(await ClaimAsync(store));
        await store.Nodes!.PulseAsync();
        var found = Assert.Single(await ClaimAsync(store));
        Assert.Equal(("lost", 1), (Body(found), found.Attempt));
        Assert.True(found.Lease > desk.Begun.Last().Lease);
        // It goes on looking for a minute, while others are stored and claimed.
        for (var second = 0; second < 65; second++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            await store.Nodes!.PulseAsync();
            Assert.Empty(await ClaimAsync(store));
        }
        foreach (var claimed in desk.Begun.Append(found))
            Assert.True(await CompleteAsync(store, claimed));
    }

    [Fact]
    public async Task What_was_never_kept_is_looked_for_and_not_found()
    {
        var store = await OpenAsync();
        var desk = Desk(store, 1);
        await PutAsync(store, "first", "lane");
        Assert.Single(await ClaimAsync(store));
        await using (var other = new NpgsqlConnection(_connection + ";Pooling=false"))
        {
            await other.OpenAsync(Cancelled);
            await using var cut = new NpgsqlCommand(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
                other);
            await cut.ExecuteNonQueryAsync(Cancelled);
        }
        // In one trip: whether the commit was made cannot be known.
        await Assert.ThrowsAsync<StoreException>(() => IsTakenAsync(store, "lost"));
        Assert.Equal((0, 1, 0), (desk.Begun.Count, desk.Free, desk.Open));
        Assert.True(await IsTakenAsync(store, "after"));
        Assert.Equal("after", Body(Assert.Single(desk.Begun)));
        await store.Nodes!.PulseAsync();
        Assert.Empty(await ClaimAsync(store));
        Assert.True(await CompleteAsync(store, desk.Begun.First()));
        Assert.Equal(2, Assert.Single(await store.Queries.QueuesAsync(Cancelled)).Accepted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_first_claim_without_an_answer_takes_nothing_from_what_was_claimed_with_its_storing(bool atOnce)
    {
        var (store, other) = (await OpenAsync("one", atOnce: atOnce), await OpenAsync("other"));
        var (desk, beside) = (Desk(store, 1), Desk(other, 1));
        Assert.True(await IsTakenAsync(store, "mine"));
        Assert.True(await IsTakenAsync(other, "theirs"));
        await PutAsync(store, "lost");
        store.AfterCommit = () => throw new NpgsqlException("the line was cut behind the commit");
        await Assert.ThrowsAsync<StoreException>(() => ClaimAsync(store));
        store.AfterCommit = null;
        Assert.Equal("lost", Body(Assert.Single(await ClaimAsync(store))));
        Assert.True(await CompleteAsync(store, Assert.Single(desk.Begun)));
        Assert.True(await CompleteAsync(other, Assert.Single(beside.Begun)));
    }

    [Fact]
    public async Task Room_is_given_back_when_a_kind_of_the_batch_is_refused_and_the_others_are_not_there_yet()
    {
        var store = await OpenAsync();
        var known = await PutAsync(store, "known");
        Assert.Single(await ClaimAsync(store));
        var desk = Desk(store, 9);
        // The second kind's route is not known, and asking for it sends the first kind, which is refused.
        var bad = new EnqueueCommand(Message("bad", null, null, "orders") with { Priority = 9 }) { Id = known };
        var good = new EnqueueCommand(Message("good", null, null, "unheard-of"));
        var stored = await InOneBatchAsync(store, bad, good);
        await Assert.ThrowsAsync<StoreException>(() => stored[0]);
        await stored[1];
        Assert.Equal((1, 8, 0), (desk.Begun.Count, desk.Free, desk.Open));
        Assert.False(good.IsTaken);
    }

    [Fact]
    public async Task What_goes_back_wakes_the_dispatcher_and_a_store_that_closes_leaves_none_behind()
    {
        var (store, other) = (await OpenAsync("one"), await OpenAsync("other"));
        Desk(store, 2);
        var heard = new List<string>();
        store.Nodes!.Observe(news => heard.AddRange(news.Work));
        foreach (var lost in (string[])["first", "second"])
        {
            store.AfterCommit = () => throw new NpgsqlException("the line was cut behind the commit");
            await Assert.ThrowsAsync<StoreException>(() => IsTakenAsync(store, lost));
            store.AfterCommit = null;
            if (lost == "first")
                await store.Nodes!.PulseAsync();
        }
        Assert.Equal([Service], heard);
        await store.DisposeAsync();
        Assert.Equal(["first", "second"], (await ClaimAsync(other)).Select(Body));
    }

    [Fact]
    public async Task A_node_that_was_struck_off_takes_nothing_of_what_it_stores()
    {
        var (silent, alive) = (await OpenAsync("silent"), await OpenAsync("alive"));
        var desk = Desk(silent, 5);
        Assert.True(await IsTakenAsync(silent, "held"));
        await PassAsync(7, alive);
        Assert.False(await IsTakenAsync(silent, "waits"));
        Assert.Equal((1, 4, 0), (desk.Begun.Count, desk.Free, desk.Open));
        var taken = Assert.Single(await ClaimAsync(alive, suspects: true));
        Assert.Equal(("held", 2), (Body(taken), taken.Attempt));
        Assert.False(await CompleteAsync(silent, desk.Begun.First()));
        Assert.Equal("waits", Body(Assert.Single(await ClaimAsync(alive))));
        Assert.True(await CompleteAsync(alive, taken));
        await silent.Nodes!.PulseAsync();
        Assert.True(await IsTakenAsync(silent, "again"));
    }

    [Fact]
    public async Task Before_any_claim_the_fence_of_what_is_stored_is_smaller_than_that_of_every_claim()
    {
        var store = await OpenAsync();
        var desk = Desk(store, 1);
        Assert.True(await IsTakenAsync(store, "a"));
        var first = Assert.Single(desk.Begun);
        Assert.True(await store.CommitAsync(new ReleaseCommand(first.Id, first.Lease), Cancelled));
        Assert.True(Assert.Single(await ClaimAsync(store)).Lease > first.Lease);
        Assert.False(await CompleteAsync(store, first));
    }

    [Fact]
    public async Task A_message_that_is_refused_leaves_the_others_of_its_batch_waiting_and_the_room_free()
    {
        var store = await OpenAsync();
        var known = await PutAsync(store, "route");
        Assert.Single(await ClaimAsync(store));
        var desk = Desk(store, 9);
        var good = new EnqueueCommand(Message("good", null, null, "orders"));
        var bad = new EnqueueCommand(Message("bad", null, null, "orders")) { Id = known };
        var stored = await InOneBatchAsync(store, good, bad);
        await stored[0];
        await Assert.ThrowsAsync<StoreException>(() => stored[1]);
        Assert.Equal((false, 1, 8, 0), (good.IsTaken, desk.Begun.Count, desk.Free, desk.Open));
        Assert.Equal("good", Body(Assert.Single(await ClaimAsync(store))));
    }
}
