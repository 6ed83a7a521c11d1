using Npgsql;
using Recourse.Postgres;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>The whole contract on a real PostgreSQL: the seam is not shaped by SQLite.</summary>
public sealed class PostgresStoreTests(PostgresServer server) : StoreContract, IClassFixture<PostgresServer>
{
    private string? _connection;

    protected override MessageStore Create(ManualClock clock) => new PostgresMessageStore(_connection ??= server.EmptiedDatabase(), clock);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Memory_and_PostgreSQL_agree_on(int seed)
    {
        var clock = new ManualClock();
        var memory = new InMemoryMessageStore(clock);
        var (connection, atOnce) = (server.NewDatabase(), server.NewDatabase());
        var subjects = new List<SequenceSubject>
        {
            new("memory", () => Task.FromResult<MessageStore>(memory)),
            new("PostgreSQL", () => Task.FromResult<MessageStore>(new PostgresMessageStore(connection, clock))),
            new("at once", () => Task.FromResult<MessageStore>(PostgresAtOnceTests.AtOnce(atOnce, clock))),
        };
        try
        {
            await new CommandSequence(seed, clock, subjects).RunAsync(300);
        }
        finally
        {
            foreach (var subject in subjects)
                await subject.Store.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_cut_connection_costs_its_batch_and_no_more()
    {
        var before = await PutAsync("before");
        await using (var other = new NpgsqlConnection(_connection + ";Pooling=false"))
        {
            await other.OpenAsync(TestContext.Current.CancellationToken);
            await using var cut = new NpgsqlCommand(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
                other);
            await cut.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
        var refusal = await Assert.ThrowsAsync<StoreException>(() => PutAsync("lost"));
        Assert.Equal(StoreProblem.Unavailable, refusal.Problem);
        var after = await PutAsync("after");
        Assert.Equal([before, after], (await ClaimAsync()).Deliveries.Select(delivery => delivery.Id));
        Assert.Equal(2, (await CountsAsync()).Accepted);
    }

    [Fact]
    public async Task Times_come_from_the_server_when_no_test_sets_them()
    {
        await using var store = new PostgresMessageStore(server.NewDatabase());
        await store.OpenAsync(TestContext.Current.CancellationToken);
        var id = (await store.CommitAsync(new EnqueueCommand(Message()), TestContext.Current.CancellationToken)).MessageId;
        var message = await store.Queries.MessageAsync(id, TestContext.Current.CancellationToken);
        Assert.NotEqual(Clock.GetUtcNow().Date, message!.CreatedAt.Date);
        Assert.Equal(DeliveryState.Waiting, message.Deliveries[0].State);
    }

    [Fact]
    public async Task A_wrong_address_is_named_as_such()
    {
        await using var store = new PostgresMessageStore("Host=127.0.0.1;Port=1;Username=x;Database=y;Timeout=5");
        var refusal = await Assert.ThrowsAsync<StoreException>(() => store.OpenAsync(TestContext.Current.CancellationToken));
        Assert.Equal(StoreProblem.Unavailable, refusal.Problem);
        Assert.Contains("can be reached", refusal.Message);
    }

    [Fact]
    public void A_pool_that_is_too_small_for_a_store_is_refused_with_what_it_needs()
    {
        var refusal = Assert.Throws<ArgumentException>(
            () => new PostgresMessageStore("postgres://x@127.0.0.1/y?Maximum_Pool_Size=7"));
        Assert.Contains("Maximum_Pool_Size is 7; it must be 8 or more", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_cannot_be_read_costs_its_place_in_a_list_and_no_other()
    {
        var (good, bad) = (await LetterOfAsync("good"), await LetterOfAsync("bad"));
        Execute($"UPDATE messages SET created_at = 9223372036854775807 WHERE id = '{bad.MessageId}'");
        foreach (var state in new DeliveryState?[] { null, DeliveryState.Dead })
        {
            var items = (await ListAsync(new() { State = state })).Items;
            Assert.Equal([bad, good], items.Select(item => item.Id));
            Assert.StartsWith("This row could not be read", items[0].Error, StringComparison.Ordinal);
            Assert.Equal("it failed for good", items[1].Error);
        }
    }

    public static TheoryData<string, string?> Damages
    {
        get
        {
            var data = new TheoryData<string, string?>();
            foreach (var lane in new[] { null, "lane" })
            {
                data.Add("UPDATE messages SET headers = 'rubbish' WHERE sequence = $", lane);
                data.Add("UPDATE messages SET headers = '[1]' WHERE sequence = $", lane);
                data.Add("""UPDATE messages SET headers = '{"X-A":"1","x-a":"2"}' WHERE sequence = $""", lane);
                data.Add("UPDATE messages SET created_at = 9223372036854775807 WHERE sequence = $", lane);
                data.Add("UPDATE deliveries SET generation_at = -9223372036854775808 WHERE key / 256 = $", lane);
                data.Add("UPDATE deliveries SET edits = 1 WHERE key / 256 = $", lane);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_row_that_cannot_be_read_costs_its_own_message_and_no_other(string damage, string? lane)
    {
        var before = await PutAsync("before");
        var bad = await PutAsync("bad", lane);
        var behind = await PutAsync("behind", lane);
        Execute(damage.Replace("$", $"(SELECT sequence FROM messages WHERE id = '{bad.MessageId}')", StringComparison.Ordinal));

        var claimed = (await ClaimAsync()).Deliveries;
        Assert.Equal(lane is null ? [before, bad, behind] : [before, bad], claimed.Select(delivery => delivery.Id));
        var unreadable = Assert.Single(claimed, delivery => delivery.Unreadable is not null);
        Assert.Equal(bad, unreadable.Id);
        Assert.StartsWith("The stored row cannot be read: ", unreadable.Unreadable, StringComparison.Ordinal);
        Assert.True(unreadable.Body.IsEmpty);

        // As the dispatcher ends such an attempt.
        Assert.True(await KillAsync(unreadable, error: unreadable.Unreadable!, blockLane: false));
        if (lane is not null)
            Assert.Equal(behind, (await ClaimOneAsync()).Id);
        Assert.Equal(bad, Assert.Single((await ListAsync(new() { State = DeliveryState.Dead })).Items).Id);
        var counts = await CountsAsync();
        Assert.Equal((1, 2), (counts.Dead, counts.Leased));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("lane")]
    public async Task A_delivery_whose_message_is_gone_is_looked_at_once(string? lane)
    {
        var gone = await PutAsync("gone", lane);
        var good = await PutAsync("good");
        Execute($"DELETE FROM messages WHERE id = '{gone.MessageId}'");
        Assert.Empty((await ClaimAsync(1)).Deliveries);
        var claimed = await ClaimAsync(1);
        Assert.Equal(good, Assert.Single(claimed.Deliveries).Id);
        Assert.Null(claimed.NextDueAt);
        var counts = await CountsAsync();
        Assert.Equal((0, 1, 1), (counts.Waiting, counts.Leased, counts.Discarded));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_search_without_an_index_looks_at_a_bounded_number_of_letters_a_page_and_finds_all(bool oldestFirst)
    {
        var rare = await LetterOfAsync("rare");
        Execute("DROP INDEX IF EXISTS letter_texts_pieces");
        // Copies of it, with other texts and times of death.
        Execute("""
            INSERT INTO messages (id, queue, services, created_at, body)
            SELECT gen_random_uuid(), queue, services, created_at, body FROM messages, generate_series(1, 7000);
            INSERT INTO deliveries (key, route, service, state, due_at, attempts, ended_at, kind)
            SELECT m.sequence * 256, d.route, d.service, 4, d.due_at, 1, d.ended_at + m.sequence, d.kind
            FROM deliveries d, messages m WHERE m.sequence > d.key >> 8;
            INSERT INTO letters SELECT key, ended_at, route, kind FROM deliveries WHERE kind IS NOT NULL ON CONFLICT DO NOTHING;
            INSERT INTO letter_texts SELECT key, 'COMMON' FROM deliveries WHERE attempts = 1 AND kind IS NOT NULL ON CONFLICT DO NOTHING;
            UPDATE letter_texts SET folded = 'THE RARE ONE' WHERE delivery = (SELECT min(key) FROM deliveries)
            """);
        var filter = new DeliveryFilter { State = DeliveryState.Dead, Text = "rare one", OldestFirst = oldestFirst, Limit = 5 };
        var (pages, found) = (0, new List<DeliveryId>());
        for (string? after = null; pages == 0 || after is not null; pages++)
        {
            var page = await ListAsync(filter with { After = after });
            found.AddRange(page.Items.Select(item => item.Id));
            after = page.Next;
        }
        Assert.Equal([rare], found);
        Assert.Equal(3, pages);
    }

    private async Task<DeliveryId> LetterOfAsync(string body)
    {
        var id = await PutAsync(body);
        await KillAsync(await ClaimOneAsync());
        return id;
    }

    private void Execute(string text)
    {
        using var connection = new NpgsqlConnection(_connection + ";Search Path=recourse;Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(text, connection);
        command.ExecuteNonQuery();
    }
}
