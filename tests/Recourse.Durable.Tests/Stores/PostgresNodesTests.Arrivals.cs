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
        Assert.Equal(2, Assert.Single(await store.Queries.QueuesAsync(Cancelled)).Accepted);
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
        using var gathering = new SemaphoreSlim(0);
        var writing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        store.BetweenTransactions = _ =>
        {
            if (writing.TrySetResult())
                gathering.Wait();
        };
        var first = Task.Run(() => IsTakenAsync(store, "first"), Cancelled);
        await writing.Task;
        var good = new EnqueueCommand(Message("good", null, null, "orders"));
        var bad = new EnqueueCommand(Message("bad", null, null, "orders")) { Id = known };
        Task[] both = [store.CommitAsync(good, Cancelled).AsTask(), store.CommitAsync(bad, Cancelled).AsTask()];
        gathering.Release();
        Assert.True(await first);
        await both[0];
        await Assert.ThrowsAsync<StoreException>(() => both[1]);
        Assert.Equal((false, 1, 8, 0), (good.IsTaken, desk.Begun.Count, desk.Free, desk.Open));
        Assert.Equal("good", Body(Assert.Single(await ClaimAsync(store))));
    }
}
