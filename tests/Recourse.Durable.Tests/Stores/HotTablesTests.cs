using Npgsql;
using Recourse.Postgres;

namespace Recourse.Durable.Tests;

/// <summary>
/// The tables stay small however much goes through them. With autovacuum once a second until it has done a multiple of what it ever left,
/// or far too much has gone through for that; with RECOURSE_LONG for ten minutes as the server is set up by itself.
/// </summary>
public sealed class HotTablesTests(PostgresServer server, ITestOutputHelper output) : IClassFixture<PostgresServer>
{
    private const int Batch = 500;
    private const int Kept = 1_000;
    private const long Churn = 120_000;
    private const long ChurnMax = 10 * Churn;
    private static readonly bool Long = Environment.GetEnvironmentVariable("RECOURSE_LONG") == "1";
    private static readonly TimeSpan LongRun = TimeSpan.FromMinutes(10);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact, Trait("Category", "Slow")]
    public async Task Dead_rows_are_bounded_while_messages_go_through()
    {
        var connection = server.NewDatabase();
        if (!Long)
        {
            PostgresServer.Run(connection, "ALTER SYSTEM SET autovacuum_naptime = '1s'");
            PostgresServer.Run(connection, "SELECT pg_reload_conf()");
        }
        await using var store = new PostgresMessageStore(connection);
        await store.OpenAsync(Cancelled);
        await using var source = NpgsqlDataSource.Create(connection);
        var began = TimeProvider.System.GetTimestamp();
        var (churned, most, rounds) = (0L, 0L, 0L);
        while (Long ? TimeProvider.System.GetElapsedTime(began) < LongRun : churned < Churn || most >= churned / 3 && churned < ChurnMax)
        {
            await GoThroughAsync(store);
            (churned, var dead) = await CountsAsync(source);
            most = Math.Max(most, dead);
            rounds++;
        }
        output.WriteLine($"{rounds * Batch} messages, {churned} row versions replaced or removed, at most {most} dead at once");
        // Left alone, every one of them would be there still.
        Assert.True(most < churned / 3, $"{most} dead of {churned}");
    }

    private static async Task GoThroughAsync(PostgresMessageStore store)
    {
        var message = new NewMessage { Queue = "orders", Services = ["billing"], Body = new byte[500] };
        await Task.WhenAll(Enumerable.Range(0, Batch).Select(_ => store.CommitAsync(new EnqueueCommand(message), Cancelled).AsTask()));
        for (var left = Batch; left > 0;)
        {
            var claimed = (await store.CommitAsync(new ClaimCommand("billing", 100, "node"), Cancelled)).Deliveries;
            left -= claimed.Count;
            await Task.WhenAll(claimed.Select(one => store.CommitAsync(new CompleteCommand(one.Id, one.Lease, new()
            {
                Number = one.Attempt,
                StartedAt = one.ClaimedAt,
                DurationMs = 1,
                Outcome = "delivered",
                Node = "node",
            }), Cancelled).AsTask()));
        }
        await store.CommitAsync(new PruneCommand(TimeSpan.Zero, Batch) { Queue = "orders", KeepMax = Kept }, Cancelled);
    }

    private static async Task<(long Churned, long Dead)> CountsAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand(
            "SELECT sum(n_tup_upd + n_tup_del)::bigint, sum(n_dead_tup)::bigint FROM pg_stat_user_tables WHERE schemaname = 'recourse'");
        await using var row = await command.ExecuteReaderAsync(Cancelled);
        await row.ReadAsync(Cancelled);
        return (row.GetInt64(0), row.GetInt64(1));
    }
}
