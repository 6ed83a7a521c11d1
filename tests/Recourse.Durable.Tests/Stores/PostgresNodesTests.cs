using System.Text;
using Npgsql;
using Recourse.Postgres;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>Several stores on one database, as several nodes are: pulses are made by the tests, one by one.</summary>
public sealed partial class PostgresNodesTests(PostgresServer server) : IClassFixture<PostgresServer>, IAsyncLifetime
{
    private const string Service = "billing";

    private readonly ManualClock _clock = new();
    private readonly List<PostgresMessageStore> _stores = [];
    private string _connection = "";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        _connection = server.EmptiedDatabase();
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
            await store.DisposeAsync();
    }

    private async Task<PostgresMessageStore> OpenAsync(string name = "node", Func<string, bool>? blocks = null, bool atOnce = false)
    {
        var store = new PostgresMessageStore(_connection, _clock)
        {
            Pulses = false,
            Node = new(name, "1.0", $"http://{name}"),
            AlwaysAtOnce = atOnce,
        };
        if (blocks is not null)
            store.BlocksLaneWhenDead = blocks;
        await store.OpenAsync(Cancelled);
        _stores.Add(store);
        return store;
    }

    private static async Task<Guid> PutAsync(
        MessageStore store, string body, string? orderKey = null, string? key = null, string queue = "orders") =>
        (await store.CommitAsync(new EnqueueCommand(Message(body, orderKey, key, queue)), Cancelled)).MessageId;

    private static NewMessage Message(string body, string? orderKey, string? key, string queue) => new()
    {
        Queue = queue,
        Body = Encoding.UTF8.GetBytes(body),
        ContentType = "text/plain",
        Services = [Service],
        OrderKey = orderKey,
        IdempotencyKey = key,
    };

    private static async Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(MessageStore store, int max = 10, bool suspects = false) =>
        (await store.CommitAsync(new ClaimCommand(Service, max, store.Node.Name) { Suspects = suspects }, Cancelled)).Deliveries;

    private static Attempt AttemptOf(ClaimedDelivery claimed, string? error = null) => new()
    {
        Number = claimed.Attempt,
        StartedAt = claimed.ClaimedAt,
        DurationMs = 1,
        Outcome = error is null ? "delivered" : "failed",
        Error = error,
    };

    private static async Task<bool> CompleteAsync(MessageStore store, ClaimedDelivery claimed) =>
        await store.CommitAsync(new CompleteCommand(claimed.Id, claimed.Lease, AttemptOf(claimed)), Cancelled);

    private static async Task<bool> KillAsync(MessageStore store, ClaimedDelivery claimed, string error) => await store.CommitAsync(
        new FailCommand(claimed.Id, claimed.Lease, AttemptOf(claimed, error), Invalid, new(DeliveryAction.DeadLetter, null, "permanent")),
        Cancelled);

    private static Classification Invalid { get; } = new()
    {
        Kind = FaultKind.ValidationError,
        Persistence = Persistence.Permanent,
        Scope = RetryScope.Never,
        Applied = Applied.No,
        Blame = Blame.Message,
        Evidence = "http 422",
    };

    /// <summary>Seconds pass in which these nodes pulse and the others do not.</summary>
    private async Task PassAsync(int seconds, params PostgresMessageStore[] alive)
    {
        for (var second = 0; second < seconds; second++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            foreach (var store in alive)
                await store.Nodes!.PulseAsync();
        }
    }

    [Fact]
    public async Task A_silent_node_loses_its_leases_after_six_seconds_and_is_refused_what_it_hands_in()
    {
        var (silent, alive) = (await OpenAsync("silent"), await OpenAsync("alive"));
        await PutAsync(silent, "a");
        var held = Assert.Single(await ClaimAsync(silent));
        await PassAsync(6, alive);
        Assert.Empty(await ClaimAsync(alive, suspects: true));
        await PassAsync(1, alive);
        var taken = Assert.Single(await ClaimAsync(alive, suspects: true));
        Assert.True(taken.Suspect);
        Assert.False(await CompleteAsync(silent, held));
        Assert.Empty(await ClaimAsync(silent));
        var before = silent.Nodes!.Id;
        await silent.Nodes.PulseAsync();
        Assert.True(silent.Nodes.Id > before);
        Assert.True(await CompleteAsync(alive, taken));
        Assert.Equal(["alive", "silent"], (await alive.Queries.NodesAsync(Cancelled)).Select(node => node.Name));
    }

    [Fact]
    public async Task Nobody_is_struck_off_after_an_outage_in_which_nobody_could_pulse()
    {
        var (one, other) = (await OpenAsync("one"), await OpenAsync("other"));
        await PassAsync(3, one, other);
        _clock.Advance(TimeSpan.FromMinutes(5));
        await one.Nodes!.PulseAsync();
        await PassAsync(3, one, other);
        Assert.Equal(2, (await one.Queries.NodesAsync(Cancelled)).Count);
    }

    [Fact]
    public async Task A_node_that_ends_leaves_the_list_and_what_it_still_held_goes_on()
    {
        var (ending, alive) = (await OpenAsync("ending"), await OpenAsync("alive"));
        await PutAsync(ending, "a");
        Assert.Single(await ClaimAsync(ending));
        await ending.DisposeAsync();
        Assert.Equal("alive", Assert.Single(await alive.Queries.NodesAsync(Cancelled)).Name);
        await alive.Nodes!.PulseAsync();
        Assert.Single(await ClaimAsync(alive, suspects: true));
    }

    [Fact]
    public async Task The_leases_of_a_node_can_be_released_and_a_node_that_is_not_there_is_told()
    {
        var (one, other) = (await OpenAsync("one"), await OpenAsync("other"));
        await PutAsync(one, "a");
        Assert.Single(await ClaimAsync(one));
        Assert.Equal([1L, 0L], (await other.Queries.NodesAsync(Cancelled)).Select(node => node.Leases));
        var released = await other.CommitAsync(new ReleaseNodeCommand(one.Nodes!.Id, "ann", "burnt"), Cancelled);
        Assert.Equal(new(1, 0), released);
        Assert.Null(await other.CommitAsync(new ReleaseNodeCommand(one.Nodes.Id, "ann", "burnt"), Cancelled));
        var taken = Assert.Single(await ClaimAsync(other, suspects: true));
        var attempts = (await other.Queries.DeliveryAsync(taken.Id, Cancelled))!.Attempts;
        Assert.Contains("by ann: burnt", Assert.Single(attempts).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_node_keeps_house_and_another_takes_it_over()
    {
        var (one, other) = (await OpenAsync("one"), await OpenAsync("other"));
        Assert.Equal((true, false), (one.Nodes!.Housekeeping, other.Nodes!.Housekeeping));
        await PassAsync(8, other);
        Assert.True(other.Nodes.Housekeeping);
        await one.Nodes.PulseAsync();
        Assert.False(one.Nodes.Housekeeping);
    }

    [Fact]
    public async Task Of_two_nodes_that_start_at_once_one_keeps_house()
    {
        await (await OpenAsync("gone")).DisposeAsync();
        await using var connection = new NpgsqlConnection(_connection + ";Pooling=false;Search Path=recourse");
        await connection.OpenAsync(Cancelled);
        await using var transaction = await connection.BeginTransactionAsync(Cancelled);
        await using var first = new NpgsqlCommand(
            """
            WITH first AS (INSERT INTO nodes (name, version, address, started_at, heartbeat_at, beats)
              VALUES ('first', '1.0', 'http://first', 0, 0, 1) RETURNING id)
            UPDATE duties SET node = first.id FROM first WHERE duties.name = 'housekeeping'
            """, connection, transaction);
        Assert.Equal(1, await first.ExecuteNonQueryAsync(Cancelled));
        var second = OpenAsync("second");
        await using var waiting = new NpgsqlCommand(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))", connection, transaction);
        while ((long)(await waiting.ExecuteScalarAsync(Cancelled))! == 0)
            Assert.False(second.IsCompleted, "it did not wait for the duty");
        await transaction.CommitAsync(Cancelled);
        Assert.False((await second).Nodes!.Housekeeping);
    }

    [Fact]
    public async Task The_same_idempotency_key_on_two_nodes_at_once_is_one_message()
    {
        var stores = new[] { await OpenAsync("one"), await OpenAsync("other") };
        for (var round = 0; round < 20; round++)
        {
            var results = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => stores[i % 2].CommitAsync(
                new EnqueueCommand(Message("same", null, $"key-{round}-{i / 4}", "orders")), Cancelled).AsTask()));
            Assert.Equal(4, results.Count(result => result.Status is EnqueueStatus.Accepted));
            Assert.Equal(4, results.Select(result => result.MessageId).Distinct().Count());
        }
        Assert.Equal(80, Assert.Single(await stores[0].Queries.QueuesAsync(Cancelled)).Accepted);
    }

    [Fact]
    public async Task Lanes_are_never_in_two_hands_and_keep_their_order_over_nodes()
    {
        const int Lanes = 6, Each = 12;
        var stores = new[] { await OpenAsync("one"), await OpenAsync("other"), await OpenAsync("third") };
        for (var i = 0; i < Each; i++)
            await Task.WhenAll(Enumerable.Range(0, Lanes).Select(lane => PutAsync(stores[(i + lane) % 3], $"{i}", $"lane-{lane}")));
        var delivered = new System.Collections.Concurrent.ConcurrentDictionary<string, List<int>>();
        var hands = new System.Collections.Concurrent.ConcurrentDictionary<string, int>();
        await Task.WhenAll(stores.Select(store => Task.Run(async () =>
        {
            while (delivered.Values.Sum(list => list.Count) < Lanes * Each)
            {
                foreach (var claimed in await ClaimAsync(store, 4))
                {
                    Assert.Equal(1, hands.AddOrUpdate(claimed.OrderKey!, 1, (_, count) => count + 1));
                    delivered.GetOrAdd(claimed.OrderKey!, _ => []).Add(int.Parse(Encoding.UTF8.GetString(claimed.Body.Span)));
                    hands[claimed.OrderKey!] = 0;
                    Assert.True(await CompleteAsync(store, claimed));
                }
            }
        }, Cancelled)));
        Assert.All(delivered.Values, list => Assert.Equal(Enumerable.Range(0, Each), list));
        var counts = Assert.Single(await stores[0].Queries.QueuesAsync(Cancelled));
        Assert.Equal((Lanes * Each, 0L), (counts.Delivered, counts.Waiting + counts.Leased));
    }

    [Fact]
    public async Task Deaths_on_several_nodes_are_counted_once_each_and_none_at_the_same_time()
    {
        var stores = new[] { await OpenAsync("one"), await OpenAsync("other"), await OpenAsync("third") };
        await Task.WhenAll(Enumerable.Range(0, 90).Select(i => PutAsync(stores[i % 3], $"{i}")));
        await Task.WhenAll(stores.Select((store, place) => Task.Run(async () =>
        {
            while (await ClaimAsync(store, 5) is { Count: > 0 } claimed)
                await Task.WhenAll(claimed.Select(one => KillAsync(store, one, $"no customer {place}{one.Attempt}")));
        }, Cancelled)));
        var letters = await stores[1].Queries.DeliveriesAsync(new() { State = DeliveryState.Dead, Limit = 500 }, Cancelled);
        Assert.Equal(90, letters.Items.Select(letter => letter.DeadAt).Distinct().Count());
        var groups = await stores[2].Queries.GroupsAsync(new() { Limit = 50 }, Cancelled);
        Assert.Equal(90, groups.Items.Sum(group => group.Dead));
        Assert.Equal(90, Assert.Single(await stores[0].Queries.QueuesAsync(Cancelled)).Dead);
    }

    [Fact]
    public async Task A_service_is_probed_by_one_node_at_a_time()
    {
        var (one, other) = (await OpenAsync("one"), await OpenAsync("other"));
        for (var i = 0; i < 4; i++)
            await PutAsync(one, $"{i}");
        var probe = Assert.Single(await ProbeAsync(one));
        Assert.Empty(await ProbeAsync(other));
        Assert.Single(await ProbeAsync(one));
        Assert.True(await CompleteAsync(one, probe));
        Assert.Empty(await ProbeAsync(other));
        _clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Single(await ProbeAsync(other));
    }

    private static async Task<IReadOnlyList<ClaimedDelivery>> ProbeAsync(MessageStore store) => (await store.CommitAsync(
        new ClaimCommand(Service, 1, store.Node.Name) { ProbeFor = TimeSpan.FromSeconds(30) }, Cancelled)).Deliveries;

    [Fact]
    public async Task What_one_node_holds_the_others_claims_obey_and_routes_that_one_makes_the_others_find()
    {
        var (one, other) = (await OpenAsync("one"), await OpenAsync("other"));
        await PutAsync(one, "a");
        Assert.Single(await ClaimAsync(other));
        await one.CommitAsync(new ControlCommand(ControlKind.QueuePaused, "late", true, "ann", null), Cancelled);
        await PutAsync(one, "b", queue: "late");
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(await ClaimAsync(other));
        Assert.False(await other.CommitAsync(new ControlCommand(ControlKind.QueuePaused, "late", true, "bob", null), Cancelled));
        await one.CommitAsync(new ControlCommand(ControlKind.QueuePaused, "late", false, "ann", null), Cancelled);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(await ClaimAsync(other));
    }

    [Fact]
    public async Task The_permits_are_shared_out_without_rest_and_a_node_that_joins_waits_for_its_part()
    {
        var one = await OpenAsync("one");
        Assert.Equal(NodeShare.Whole, one.Nodes!.Share);
        var other = await OpenAsync("other");
        Assert.Equal(0, other.Nodes!.Share.Of(7, Service));
        await PassAsync(1, one, other);
        Assert.Equal((true, 0), (one.Nodes.Share.Of(7, Service) is 3 or 4, other.Nodes.Share.Of(7, Service)));
        await PassAsync(2, one, other);
        Assert.Equal(7, one.Nodes.Share.Of(7, Service) + other.Nodes.Share.Of(7, Service));
        await other.DisposeAsync();
        await PassAsync(1, one);
        Assert.Equal(7, one.Nodes.Share.Of(7, Service));
    }

    [Fact]
    public async Task A_reset_and_a_control_reach_the_other_node_with_its_next_pulse()
    {
        var (one, other) = (await OpenAsync("one"), await OpenAsync("other"));
        var news = new List<NodeNews>();
        other.Nodes!.Observe(news.Add);
        await one.CommitAsync(new ResetServiceCommand(Service), Cancelled);
        await one.CommitAsync(new ControlCommand(ControlKind.ServiceIsolated, Service, true, "ann", null), Cancelled);
        await other.Nodes.PulseAsync();
        Assert.Equal([Service], news[^1].Resets);
        Assert.Equal(ControlKind.ServiceIsolated, Assert.Single(news[^1].Controls).Kind);
        await other.Nodes.PulseAsync();
        Assert.Empty(news[^1].Resets);
    }

    [Theory]
    [InlineData(99, 6, true)]
    [InlineData(99, 99, false)]
    public async Task A_newer_schema_is_refused_only_when_it_says_so(int version, int oldestReader, bool opens)
    {
        await OpenAsync("old");
        await using (var connection = new NpgsqlConnection(_connection + ";Pooling=false"))
        {
            await connection.OpenAsync(Cancelled);
            await using var upgrade = new NpgsqlCommand(
                $"INSERT INTO recourse.schema_version VALUES ({version}, {oldestReader}, 0)", connection);
            await upgrade.ExecuteNonQueryAsync(Cancelled);
        }
        if (opens)
            await PutAsync(await OpenAsync("joins"), "a");
        else
            Assert.Equal(StoreProblem.TooNew, (await Assert.ThrowsAsync<StoreException>(() => OpenAsync("joins"))).Problem);
    }

    [Fact]
    public async Task Nothing_is_kept_in_the_session_so_a_pooler_may_change_it_with_every_transaction()
    {
        var text = new NpgsqlConnectionStringBuilder(_connection);
        // Each look of the writer at its connection empties the session, as a pooler's server connection is emptied.
        await using var store = new PostgresMessageStore(
            $"postgres://{text.Username}@{text.Host}:{text.Port}/{text.Database}?pooling=transaction", _clock)
        {
            Pulses = false,
            BetweenTransactions = connection =>
            {
                using var empty = new NpgsqlCommand("DISCARD ALL", connection);
                empty.ExecuteNonQuery();
            },
        };
        await store.OpenAsync(Cancelled);
        for (var i = 0; i < 5; i++)
            await PutAsync(store, $"{i}", i % 2 == 0 ? "lane" : null, $"key-{i}");
        while (await ClaimAsync(store, 2) is { Count: > 0 } claimed)
        {
            foreach (var one in claimed)
                Assert.True(await CompleteAsync(store, one));
        }
        await store.Nodes!.PulseAsync();
        Assert.Equal(5, Assert.Single(await store.Queries.QueuesAsync(Cancelled)).Delivered);
    }
}
