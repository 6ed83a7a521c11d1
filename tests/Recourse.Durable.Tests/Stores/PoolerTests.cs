using System.Diagnostics;
using System.Text;
using Npgsql;
using Recourse.Cli.Demo;
using Recourse.Postgres;

namespace Recourse.Durable.Tests;

/// <summary>
/// A real PgBouncer in transaction mode, with fewer sessions of the server than two stores have connections: each transaction gets
/// whichever is free. Skipped, visibly, where it is not installed.
/// </summary>
public sealed class PoolerTests(PostgresServer server) : IClassFixture<PostgresServer>, IAsyncLifetime
{
    private const string Binary = "/usr/sbin/pgbouncer";
    private const int Sessions = 3;
    private const int Lanes = 5;
    private const int Messages = 100;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-pooler-");
    private readonly List<PostgresMessageStore> _stores = [];
    private Process? _pooler;
    private string _address = "";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Binary))
            Assert.Skip("PgBouncer is not installed");
        var database = new NpgsqlConnectionStringBuilder(server.NewDatabase());
        var port = LoopbackPort.Free();
        var file = Path.Combine(_folder.FullName, "pgbouncer.ini");
        await File.WriteAllTextAsync(file, $"""
            [databases]
            {database.Database} = host=127.0.0.1 port={database.Port} dbname={database.Database} user=postgres
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            default_pool_size = {Sessions}
            """, Cancelled);
        _pooler = await StartAsync(file);
        _address = $"postgres://postgres@127.0.0.1:{port}/{database.Database}?pooling=transaction";
    }

    private async Task<Process> StartAsync(string file)
    {
        string[] command = [.. PostgresServer.AsPostgres, Binary, file];
        if (Environment.UserName == "root")
            await PostgresServer.RunAsync("chown", "-R", "postgres", _folder.FullName);
        var pooler = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pooler.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
                up.TrySetException(new InvalidOperationException("PgBouncer ended."));
            else if (line.Data.Contains("process up", StringComparison.Ordinal))
                up.TrySetResult();
        };
        pooler.BeginErrorReadLine();
        await up.Task.WaitAsync(Cancelled);
        return pooler;
    }

    private async Task<PostgresMessageStore> OpenAsync(string name)
    {
        var store = new PostgresMessageStore(_address) { Node = new(name) };
        _stores.Add(store);
        await store.OpenAsync(Cancelled);
        return store;
    }

    [Fact]
    public async Task Two_nodes_behind_a_pooler_deliver_everything_once_and_lanes_in_order()
    {
        PostgresMessageStore[] stores = [await OpenAsync("a"), await OpenAsync("b")];
        for (var i = 0; i < Messages; i++)
        {
            var message = new NewMessage
            {
                Queue = "orders",
                Services = ["billing"],
                Body = Encoding.UTF8.GetBytes($"{i}"),
                OrderKey = $"lane-{i % Lanes}",
                IdempotencyKey = $"key-{i}",
            };
            foreach (var again in new[] { false, true })
                Assert.Equal(again ? EnqueueStatus.Duplicate : EnqueueStatus.Accepted,
                    (await stores[(i + (again ? 1 : 0)) % 2].CommitAsync(new EnqueueCommand(message), Cancelled)).Status);
        }
        var seen = new List<int>();
        await Task.WhenAll(stores.Select(store => Task.Run(() => DeliverAsync(store, seen))));
        Assert.Equal(Messages, seen.Count);
        foreach (var lane in seen.GroupBy(number => number % Lanes))
            Assert.Equal(lane.Order(), lane);
        var counts = Assert.Single(await stores[0].Queries.QueuesAsync(Cancelled));
        Assert.Equal((Messages, 0L, 0L), (counts.Delivered, counts.Waiting, counts.Leased));
    }

    private static async Task DeliverAsync(PostgresMessageStore store, List<int> seen)
    {
        while (true)
        {
            lock (seen)
            {
                if (seen.Count >= Messages)
                    return;
            }
            var claim = await store.CommitAsync(new ClaimCommand("billing", 3, store.Node.Name), Cancelled);
            foreach (var claimed in claim.Deliveries)
            {
                lock (seen)
                    seen.Add(int.Parse(Encoding.UTF8.GetString(claimed.Body.Span), System.Globalization.CultureInfo.InvariantCulture));
                var attempt = new Attempt { Number = claimed.Attempt, StartedAt = claimed.ClaimedAt, Outcome = "delivered" };
                Assert.True(await store.CommitAsync(new CompleteCommand(claimed.Id, claimed.Lease, attempt), Cancelled));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
            await store.DisposeAsync();
        if (_pooler is { HasExited: false } pooler)
        {
            await PostgresServer.RunAsync("kill", "-INT", $"{pooler.Id}");
            await pooler.WaitForExitAsync();
        }
        _pooler?.Dispose();
        _folder.Delete(recursive: true);
    }
}
