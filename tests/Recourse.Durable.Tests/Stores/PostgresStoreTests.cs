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
        var connection = server.NewDatabase();
        var subjects = new List<SequenceSubject>
        {
            new("memory", () => Task.FromResult<MessageStore>(memory)),
            new("PostgreSQL", () => Task.FromResult<MessageStore>(new PostgresMessageStore(connection, clock))),
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
        await using (var other = new NpgsqlConnection(_connection))
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
}
