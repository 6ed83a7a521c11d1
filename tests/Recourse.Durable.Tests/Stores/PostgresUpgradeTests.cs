using System.Globalization;
using Npgsql;
using Recourse.Postgres;

namespace Recourse.Durable.Tests;

/// <summary>A database of an earlier release, brought to the schema of this one.</summary>
public sealed class PostgresUpgradeTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private const int BeforeLetters = 7;
    private static readonly Guid Message = Guid.Parse("019a0000-0000-7000-8000-000000000001", CultureInfo.InvariantCulture);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>A dead letter and a delivery that waits, as schema 7 held them; claims stand in the books as they did then.</summary>
    private static async Task<NpgsqlDataSource> EarlierAsync(string connection)
    {
        var source = NpgsqlDataSource.Create(connection + ";Search Path=recourse");
        await RunAsync(source, "CREATE SCHEMA recourse");
        foreach (var step in Migration.Of(typeof(PostgresMessageStore).Assembly).Where(step => step.Version <= BeforeLetters))
        {
            await RunAsync(source, step.Sql);
            await RunAsync(source, $"INSERT INTO schema_version VALUES ({step.Version}, {step.OldestReader}, 0)");
        }
        await RunAsync(
            source,
            $"""
            INSERT INTO routes (queue, service) VALUES ('orders', 'billing');
            INSERT INTO messages (id, queue, services, created_at, body) VALUES ('{Message}', 'orders', 2, 1000000, 'a');
            INSERT INTO deliveries (key, route, service, state, due_at, kind, ended_at, letter_group)
              VALUES (256, 1, 'billing', 4, 0, 'timeout', 2000000, 77), (257, 1, 'billing', 0, 0, NULL, NULL, NULL);
            INSERT INTO letter_groups VALUES (77, 'billing', 'timeout', NULL, 'late', 'late', 1, 1, 2000000, 2000000);
            INSERT INTO books VALUES (1, 2, 0, 0, 0, 0, 0), (1, -2, 2, 0, 0, 0, 0), (1, 1, -2, 0, 1, 0, 0);
            """);
        return source;
    }

    private static async Task RunAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    [Fact]
    public async Task Its_dead_letters_are_in_every_list_and_its_books_balance()
    {
        var connection = server.NewDatabase();
        await using var source = await EarlierAsync(connection);
        await using var store = new PostgresMessageStore(connection);
        await store.OpenAsync(Cancelled);
        var all = new DeliveryFilter { State = DeliveryState.Dead };
        foreach (var filter in new[]
        {
            all, all with { Queue = "orders" }, all with { Kind = FaultKind.Timeout }, all with { Group = LetterGroups.Id(77) },
            all with { Service = "billing" }, all with { OldestFirst = true },
        })
            Assert.Equal(new(Message, 0), Assert.Single((await store.Queries.DeliveriesAsync(filter, Cancelled)).Items).Id);
        var counts = Assert.Single(await store.Queries.QueuesAsync(Cancelled));
        Assert.Equal((1, 0, 1), (counts.Waiting, counts.Leased, counts.Dead));
        await store.CommitAsync(new ReplayCommand(new(Message, 0), "ann", null), Cancelled);
        Assert.Empty((await store.Queries.DeliveriesAsync(all, Cancelled)).Items);
        Assert.Equal(2, (await store.CommitAsync(new ClaimCommand("billing", 10, "node"), Cancelled)).Deliveries.Count);
        counts = Assert.Single(await store.Queries.QueuesAsync(Cancelled));
        Assert.Equal((0, 2, 0), (counts.Waiting, counts.Leased, counts.Dead));
    }

    [Fact]
    public async Task It_is_not_changed_under_relays_of_the_earlier_release()
    {
        var connection = server.NewDatabase();
        await using var source = await EarlierAsync(connection);
        await RunAsync(
            source,
            """
            INSERT INTO nodes (name, version, address, started_at, heartbeat_at, beats)
            SELECT 'one', '0.7', NULL, 0, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, 5
            """);
        await using (var early = new PostgresMessageStore(connection))
        {
            var refused = await Assert.ThrowsAsync<StoreException>(() => early.OpenAsync(Cancelled));
            Assert.Equal(StoreProblem.Locked, refused.Problem);
            Assert.Contains(
                "has schema 7, and relays of its release are at work: one (release 0.7).", refused.Message, StringComparison.Ordinal);
        }
        // It was killed a while ago.
        await RunAsync(source, "UPDATE nodes SET heartbeat_at = heartbeat_at - 10000000");
        await using var store = new PostgresMessageStore(connection);
        await store.OpenAsync(Cancelled);
        Assert.Single((await store.Queries.DeliveriesAsync(new() { State = DeliveryState.Dead }, Cancelled)).Items);
    }
}
