using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Npgsql;
using Recourse.Postgres;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>
/// Three nodes on a real PostgreSQL under load, each behind a proxy of its own: lines are cut, backends are terminated, a node is cut off
/// for longer than its leases. RECOURSE_LONG=1 goes on for many rounds; RECOURSE_SEED repeats a run's choices.
/// </summary>
public sealed class CutNodesTests(ITestOutputHelper output, PostgresServer server) : IClassFixture<PostgresServer>
{
    private const int Lanes = 5;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private sealed record Node(CutProxy Proxy, PostgresMessageStore Store, Dispatcher Dispatcher) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Dispatcher.StopAsync(TimeSpan.FromSeconds(2));
            await Dispatcher.DisposeAsync();
            await Store.DisposeAsync();
            await Proxy.DisposeAsync();
        }
    }

    private sealed class World
    {
        public ConcurrentDictionary<string, ConcurrentQueue<int>> Lanes { get; } = new();
        public ConcurrentDictionary<Guid, int> Arrivals { get; } = new();

        public async ValueTask<DeliveryResult> HandleAsync(ClaimedDelivery delivery, CancellationToken token)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(3), TimeProvider.System, token);
            if (Arrivals.AddOrUpdate(delivery.Id.MessageId, 1, (_, times) => times + 1) == 1 && delivery.OrderKey is { } lane)
                Lanes.GetOrAdd(lane, _ => new()).Enqueue(
                    int.Parse(Encoding.UTF8.GetString(delivery.Body.Span), CultureInfo.InvariantCulture));
            return DeliveryResult.Delivered();
        }
    }

    private static async Task<Node> StartAsync(string database, World world, int number)
    {
        var proxy = new CutProxy(new NpgsqlConnectionStringBuilder(database).Port);
        var store = new PostgresMessageStore(PostgresServer.Address(database, proxy.Port)) { Node = new($"node-{number}") };
        var opening = await store.OpenAsync(Cancelled);
        var dispatcher = new Dispatcher(store, world.HandleAsync, [new() { Name = "shop", MaxConcurrent = 12 }], new()
        {
            Node = $"node-{number}",
            SafetyPoll = TimeSpan.FromMilliseconds(500),
        });
        dispatcher.Start(opening);
        return new(proxy, store, dispatcher);
    }

    [Fact]
    public async Task Cut_lines_and_terminated_backends_lose_nothing_and_keep_lanes_in_order()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RECOURSE_SEED"), out var given) ? given
            : Random.Shared.Next(1, 1_000_000);
        var rounds = Environment.GetEnvironmentVariable("RECOURSE_LONG") == "1" ? 60 : 6;
        output.WriteLine($"seed {seed}, {rounds} rounds");
        var (random, database, world) = (new Random(seed), server.NewDatabase(), new World());
        var nodes = new List<Node>();
        using var stop = new CancellationTokenSource();
        try
        {
            for (var i = 0; i < 3; i++)
                nodes.Add(await StartAsync(database, world, i));
            var sent = new ConcurrentDictionary<Guid, bool>();
            var producing = Enumerable.Range(0, Lanes).Select(lane => Task.Run(() => ProduceAsync(nodes, sent, lane, stop.Token))).ToList();
            for (var round = 0; round < rounds; round++)
            {
                var before = sent.Count;
                await Eventually.HoldsAsync("messages are taken", Limit, _ => Task.FromResult(sent.Count > before + 60));
                Disturb(random, database, nodes);
            }
            // One is cut off for longer than its leases: the others take over, and what it hands in afterwards is refused.
            nodes[0].Proxy.Cut(refuse: true);
            await Eventually.HoldsAsync("the others strike it off", Limit,
                async token => (await nodes[1].Store.Queries.NodesAsync(token)).Count == 2);
            nodes[0].Proxy.Mend();
            await Eventually.HoldsAsync("it comes back", Limit,
                async token => (await nodes[1].Store.Queries.NodesAsync(token)).Count == 3);
            await stop.CancelAsync();
            await Task.WhenAll(producing);
            await SettledAsync(nodes[2].Store);
            Check(world, sent, await nodes[2].Store.Queries.QueuesAsync(Cancelled));
        }
        finally
        {
            await stop.CancelAsync();
            foreach (var node in nodes)
                await node.DisposeAsync();
        }
    }

    private static void Disturb(Random random, string database, List<Node> nodes)
    {
        if (random.Next(2) == 0)
            nodes[random.Next(nodes.Count)].Proxy.Cut();
        else
            PostgresServer.Run(database, $"""
                SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT {random.Next(1, 8)}) victims
                """);
    }

    /// <summary>Each lane has one sender, which goes on with the next number once it has a receipt, from whichever node.</summary>
    private static async Task ProduceAsync(List<Node> nodes, ConcurrentDictionary<Guid, bool> sent, int lane, CancellationToken stop)
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var message = new NewMessage
            {
                Queue = "orders",
                Services = ["shop"],
                Body = Encoding.UTF8.GetBytes($"{number}"),
                ContentType = "text/plain",
                OrderKey = number % 3 == 0 ? null : $"lane-{lane}",
                IdempotencyKey = $"{lane}-{number}",
            };
            for (var node = number; ; node++)
            {
                try
                {
                    var store = nodes[node % nodes.Count].Store;
                    var result = await store.CommitAsync(new EnqueueCommand(message), Cancelled);
                    sent.TryAdd(result.MessageId, true);
                    nodes[node % nodes.Count].Dispatcher.Notify("shop");
                    break;
                }
                catch (StoreException)
                {
                    // The next node, under the same idempotency key.
                    await pause.WaitForNextTickAsync(Cancelled);
                }
            }
        }
    }

    private static Task SettledAsync(MessageStore store) => Eventually.HoldsAsync("all is delivered", Limit, async token =>
        (await store.Queries.QueuesAsync(token)).All(queue => queue.Waiting + queue.Delayed + queue.Leased == 0));

    private void Check(World world, ConcurrentDictionary<Guid, bool> sent, IReadOnlyList<QueueCounts> queues)
    {
        var books = Assert.Single(queues);
        var repeats = world.Arrivals.Values.Sum(times => times - 1);
        output.WriteLine($"{sent.Count} messages, {repeats} repeats; {books}");
        StoreContract.AssertBalanced(books);
        Assert.Equal(sent.Count, books.Delivered);
        Assert.Empty(sent.Keys.Except(world.Arrivals.Keys));
        Assert.Empty(world.Arrivals.Keys.Except(sent.Keys));
        Assert.All(world.Lanes.Values, lane => Assert.Equal(lane.Order(), lane));
    }
}
