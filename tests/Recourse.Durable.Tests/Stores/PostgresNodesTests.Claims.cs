using System.Text;
using Npgsql;

namespace Recourse.Durable.Tests;

/// <summary>Claims whose end is not known, or that share a batch with one that fails.</summary>
public sealed partial class PostgresNodesTests
{
    [Fact]
    public async Task Claims_whose_commit_got_no_answer_go_back_and_are_not_counted()
    {
        var store = await OpenAsync();
        await PutAsync(store, "a");
        store.BetweenTransactions = null;
        store.AfterCommit = () => throw new NpgsqlException("the line was cut behind the commit");
        await Assert.ThrowsAsync<StoreException>(() => ClaimAsync(store));
        store.AfterCommit = null;
        Assert.Equal(1, Assert.Single(await store.Queries.QueuesAsync(Cancelled)).Leased);
        Assert.Equal(1, Assert.Single(await ClaimAsync(store)).Attempt);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_claim_without_an_answer_takes_nothing_from_those_that_were_answered(bool atOnce)
    {
        var store = await OpenAsync(atOnce: atOnce);
        await PutAsync(store, "before");
        var before = Assert.Single(await ClaimAsync(store));
        await PutAsync(store, "lost");
        store.AfterCommit = () => throw new NpgsqlException("the line was cut behind the commit");
        await Assert.ThrowsAsync<StoreException>(() => ClaimAsync(store));
        store.AfterCommit = null;
        await PutAsync(store, "behind");
        var behind = await ClaimAsync(store);
        Assert.Equal(["lost", "behind"], behind.Select(claimed => Encoding.UTF8.GetString(claimed.Body.Span)));
        Assert.All(behind, claimed => Assert.Equal(1, claimed.Attempt));
        // It goes on looking for a minute, while others are claimed and answered.
        for (var second = 0; second < 65; second++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            await store.Nodes!.PulseAsync();
            Assert.Empty(await ClaimAsync(store));
        }
        foreach (var claimed in behind.Prepend(before))
            Assert.True(await CompleteAsync(store, claimed));
    }

    [Fact]
    public async Task A_claim_keeps_its_leases_when_a_command_behind_it_in_the_batch_is_refused()
    {
        var store = await OpenAsync();
        await PutAsync(store, "a");
        await PutAsync(store, "b", queue: "late");
        using var gathering = new SemaphoreSlim(0);
        var writing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        store.BetweenTransactions = _ =>
        {
            if (writing.TrySetResult())
                gathering.Wait();
        };
        var first = store.CommitAsync(new ClaimCommand("nobody", 1, "a"), Cancelled).AsTask();
        await writing.Task;
        // The writer is busy: these two become one batch. PostgreSQL keeps no zero in a text.
        var claim = ClaimAsync(store, 1);
        var refused = store.CommitAsync(new ClaimCommand(Service, 1, "a\0"), Cancelled).AsTask();
        gathering.Release();
        await first;
        var held = Assert.Single(await claim);
        await Assert.ThrowsAsync<StoreException>(() => refused);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.NotEqual(held.Id, Assert.Single(await ClaimAsync(store)).Id);
        Assert.True(await CompleteAsync(store, held));
    }
}
