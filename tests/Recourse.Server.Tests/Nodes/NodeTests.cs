using System.Text.Json.Nodes;
using Recourse.Cli;
using Recourse.Cli.Client;
using Recourse.Cli.Demo;
using Recourse.Durable;
using Recourse.Durable.Tests;
using Recourse.Postgres;
using Recourse.Server.Tests.Configuration;
using Recourse.Tests;

namespace Recourse.Server.Tests.Nodes;

/// <summary>
/// Several relay processes on a real PostgreSQL: what one has in hand when it is killed or frozen is delivered by the others, within 10 s,
/// and nothing is lost, doubled without cause or put out of order. RECOURSE_LONG=1 goes on longer; RECOURSE_SEED repeats a run's moods.
/// </summary>
public sealed class NodeTests(ITestOutputHelper output, PostgresServer server) : IClassFixture<PostgresServer>
{
    private static readonly TimeSpan SettleLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Takeover = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CommitWindow = TimeSpan.FromSeconds(5);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static bool Long => Environment.GetEnvironmentVariable("RECOURSE_LONG") == "1";

    private int Seed()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RECOURSE_SEED"), out var given) ? given
            : Random.Shared.Next(1, 1_000_000);
        output.WriteLine($"seed {seed}");
        return seed;
    }

    [Fact]
    public async Task What_a_killed_node_had_in_hand_is_delivered_by_another_within_10_seconds()
    {
        await using var scene = new NodeScene(PostgresServer.Address(server.NewDatabase()), 2, Seed(), TimeSpan.FromMinutes(1));
        // The first attempts are not answered in the life of their node.
        var arrived = 0;
        scene.Calmly = _ => Interlocked.Increment(ref arrived) <= NodeScene.Permits
            ? Plan.AcceptAfter(TimeSpan.FromSeconds(30)) with { Apply = false } : Plan.Accept;
        await scene.StartAsync(Cancelled, relays: 1);
        for (var i = 0; i < NodeScene.Permits; i++)
            await PostAsync(scene.Clients[0], "plain", $"{{\"n\":{i}}}");
        await Eventually.HoldsAsync("the first node has its hands full", SettleLimit,
            _ => Task.FromResult(Volatile.Read(ref arrived) == NodeScene.Permits));
        await scene.StartAsync(1, Cancelled);
        await scene.Relays[0].KillAsync();
        var killed = TimeProvider.System.GetTimestamp();
        await Eventually.HoldsAsync("the leases of the killed node have ended", SettleLimit,
            async _ => (await NodesAsync(scene, 1)).Count == 1);
        var ended = TimeProvider.System.GetElapsedTime(killed);
        await Eventually.HoldsAsync("the other node delivered what the killed one had", SettleLimit,
            _ => Task.FromResult(scene.Ledger.Counts.Effects == NodeScene.Permits));
        var took = TimeProvider.System.GetElapsedTime(killed);
        output.WriteLine($"leases ended {ended.TotalSeconds:0.0} s after the kill, the last of {NodeScene.Permits} delivered after "
            + $"{took.TotalSeconds:0.0} s");
        Assert.True(took < Takeover, $"The takeover took {took.TotalSeconds:0.0} s.");
    }

    [Fact]
    public async Task Three_nodes_killed_in_turn_under_load_lose_nothing_and_keep_the_order_of_lanes()
    {
        var seed = Seed();
        await using var scene = new NodeScene(PostgresServer.Address(server.NewDatabase()), 3, seed);
        await scene.StartAsync(Cancelled);
        scene.Disturb(true);
        var producers = new NodeProducers(scene);
        var producing = producers.RunAsync(Cancelled);
        for (var kill = 0; kill < (Long ? 30 : 2); kill++)
        {
            await LoadAsync(scene, producing, 60);
            await scene.Relays[kill % 3].KillAsync();
            scene.Ledger.Killed();
            await LoadAsync(scene, producing, 60);
            await scene.StartAsync(kill % 3, Cancelled);
        }
        await EndAsync(scene, producers, producing);
    }

    [Fact]
    public async Task A_node_that_was_frozen_longer_than_its_leases_hands_in_nothing_stale()
    {
        await using var scene = new NodeScene(PostgresServer.Address(server.NewDatabase()), 2, Seed());
        await scene.StartAsync(Cancelled);
        scene.Disturb(true);
        var producers = new NodeProducers(scene);
        var producing = producers.RunAsync(Cancelled);
        await LoadAsync(scene, producing, 60);
        var before = await NodesAsync(scene, 1);
        await scene.SignalAsync(0, "STOP");
        scene.Ledger.Killed();
        await Eventually.HoldsAsync("the frozen node is struck off", SettleLimit, async _ => (await NodesAsync(scene, 1)).Count == 1);
        await LoadAsync(scene, producing, 60);
        // A request that it was in the middle of when it froze ends when it wakes, however long ago the other node made it.
        scene.Ledger.Killed();
        await scene.SignalAsync(0, "CONT");
        await Eventually.HoldsAsync("it registered anew", SettleLimit, async _ => (await NodesAsync(scene, 1)).Count == 2);
        Assert.DoesNotContain(before[0], await NodesAsync(scene, 1));
        await Eventually.HoldsAsync("it tells of it", SettleLimit,
            _ => Task.FromResult(scene.Relays[0].Log.Contains("declared dead", StringComparison.Ordinal)));
        await LoadAsync(scene, producing, 60);
        await EndAsync(scene, producers, producing, SettleLimit);
    }

    [Fact]
    public async Task A_server_that_stops_at_once_and_comes_back_costs_time_and_nothing_else()
    {
        await using var scene = new NodeScene(PostgresServer.Address(server.NewDatabase()), 2, Seed());
        await scene.StartAsync(Cancelled);
        scene.Disturb(true);
        var producers = new NodeProducers(scene);
        var producing = producers.RunAsync(Cancelled);
        for (var stop = 0; stop < (Long ? 10 : 1); stop++)
        {
            await LoadAsync(scene, producing, 60);
            // What was handed in just then may be refused, and is handed in again: to the services it is like a kill.
            scene.Ledger.Killed();
            await server.StopAtOnceAsync();
            await server.StartAsync();
            await LoadAsync(scene, producing, 60);
        }
        var nodes = await NodesAsync(scene, 1);
        Assert.Equal(2, nodes.Count);
        await EndAsync(scene, producers, producing);
    }

    [Fact]
    public async Task What_an_operator_holds_counts_on_every_node_within_two_seconds()
    {
        await using var scene = new NodeScene(PostgresServer.Address(server.NewDatabase()), 2, Seed());
        await scene.StartAsync(Cancelled);
        var slowest = TimeSpan.Zero;
        foreach (var (verb, after) in new[] { ("services/alpha:isolate", "isolated"), ("services/alpha:reset", "closed") })
        {
            await scene.Clients[0].ActAsync($"v1/{verb}", Cancelled);
            await SeenAsync($"the other node has done {verb}", "v1/services/alpha", view => view["breaker"]!.GetValue<string>() == after);
        }
        foreach (var (verb, held) in new[] { ("pause", true), ("resume", false) })
        {
            await scene.Clients[1].ActAsync($"v1/queues/plain:{verb}", Cancelled);
            await SeenAsync($"{verb} is seen", "v1/queues/plain", view => view["paused"]!.GetValue<bool>() == held, 0);
        }
        output.WriteLine($"the slowest was seen after {slowest.TotalSeconds:0.00} s");
        Assert.True(slowest < TimeSpan.FromSeconds(2), $"It took {slowest.TotalSeconds:0.00} s.");

        async Task SeenAsync(string what, string path, Func<JsonNode, bool> seen, int node = 1)
        {
            var began = TimeProvider.System.GetTimestamp();
            await Eventually.HoldsAsync(what, SettleLimit,
                async token => seen(JsonNode.Parse(await scene.Clients[node].ReadAsync(path, token))!));
            var took = TimeProvider.System.GetElapsedTime(began);
            slowest = took > slowest ? took : slowest;
        }
    }

    [Fact]
    public async Task The_permits_of_a_service_are_divided_over_the_nodes_that_live()
    {
        await using var scene = new NodeScene(PostgresServer.Address(server.NewDatabase()), 3, Seed(), TimeSpan.FromMinutes(1));
        scene.Calmly = _ => Plan.AcceptAfter(TimeSpan.FromMilliseconds(100));
        await scene.StartAsync(Cancelled, permits: 2);
        await Eventually.HoldsAsync("the nodes have divided the permits", SettleLimit, async token =>
        {
            var permits = 0;
            foreach (var client in scene.Clients)
                permits += JsonNode.Parse(await client.ReadAsync("v1/services/alpha", token))!["max_concurrent"]!.GetValue<int>();
            return permits == 2;
        });
        for (var i = 0; i < 12; i++)
            await PostAsync(scene.Clients[i % 3], "plain", $"{{\"n\":{i}}}");
        await Eventually.HoldsAsync("all are delivered", SettleLimit, _ => Task.FromResult(scene.Ledger.Counts.Effects == 12));
        var effects = scene.Ledger.Read().Effects;
        Assert.Equal(2, effects.Max(one => effects.Count(
            other => other.Arrival.At <= one.Arrival.At && other.EndedAt > one.Arrival.At)));
    }

    [Fact]
    public async Task The_leases_of_a_frozen_node_can_be_ended_by_an_operator_at_once()
    {
        await using var scene = new NodeScene(PostgresServer.Address(server.NewDatabase()), 2, Seed());
        await scene.StartAsync(Cancelled);
        var (exit, text, error) = await Cli.CliProcess.RunAsync("nodes", "--json", "--server", $"{scene.Relays[1].Address}");
        Assert.Equal(0, exit);
        var frozen = JsonNode.Parse(text)!["items"]!.AsArray().Single(node => !node!["self"]!.GetValue<bool>())!["id"]!.GetValue<long>();
        string[] release = ["nodes", "release", $"{frozen}", "--reason", "host burnt", "--server", $"{scene.Relays[1].Address}"];
        (exit, _, error) = await Cli.CliProcess.RunAsync(release);
        Assert.Equal(2, exit);
        Assert.Contains("lives, with 0 deliveries in hand. Add --yes", error, StringComparison.Ordinal);
        Assert.Contains(frozen, await NodesAsync(scene, 1));
        await scene.SignalAsync(0, "STOP");
        (exit, _, error) = await Cli.CliProcess.RunAsync([.. release, "--yes"]);
        Assert.True(exit == 0, error);
        Assert.DoesNotContain(frozen, await NodesAsync(scene, 1));
        await scene.SignalAsync(0, "CONT");
    }

    [Fact]
    public async Task Of_two_nodes_only_the_one_that_keeps_house_discards_what_is_past_its_retention()
    {
        var address = PostgresServer.Address(server.NewDatabase());
        var configuration = RelayConfiguration.Parse(TestRelay.Basic + "\ndead_letter_queue: { retention: 1h }\n").Configuration!;
        // For both of them the letter is past its time; each says when it has looked and found nothing new.
        ManualClock Later() => new(TimeProvider.System.GetUtcNow().AddHours(2));
        var (clock, other, rests) = (Later(), Later(), new SemaphoreSlim(0));
        await using var keeper = await TestRelay.StartAsync(configuration, TestRelay.Refuses, new PostgresMessageStore(address), clock);
        await using var second = await TestRelay.StartAsync(
            configuration, TestRelay.Refuses, new PostgresMessageStore(address), other, onRest: () => rests.Release());
        var ids = new List<string>();
        // It comes to rest twice: between the two it has looked at everything that it looks at.
        for (var round = 0; round < 2; round++)
        {
            ids.Add(await keeper.AcceptedAsync("orders"));
            await second.UntilAsync($"/v1/messages/{ids[^1]}", found => StateOf(found) is "dead" or "discarded");
            while (!await rests.WaitAsync(0, Cancelled))
            {
                other.Advance(TimeSpan.FromSeconds(15));
                await second.GetAsync("/v1/queues");
            }
        }
        foreach (var id in ids)
            Assert.Equal("dead", StateOf(await second.GetAsync($"/v1/messages/{id}")));
        await keeper.UntilAsync("/v1/dead-letters", found =>
        {
            clock.Advance(TimeSpan.FromSeconds(15));
            return found["items"]!.AsArray().Count == 0;
        });

        static string StateOf(JsonNode message) => message["deliveries"]![0]!["state"]!.GetValue<string>();
    }

    [Fact]
    public async Task Payloads_are_not_sealed_anew_while_a_node_runs_and_are_when_none_does()
    {
        using var folder = new Folder();
        var address = PostgresServer.Address(server.NewDatabase());
        var file = folder.Write("recourse.yaml", TestRelay.Basic.Replace("memory:", address, StringComparison.Ordinal)
            + $"\nencryption: {{ keys: {{ k1: {{ key: \"{Convert.ToBase64String(new byte[32])}\" }} }} }}\n");
        await using (var open = new PostgresMessageStore(address))
        {
            await open.OpenAsync(Cancelled);
            await open.CommitAsync(new EnqueueCommand(new() { Queue = "orders", Services = ["shop"], Body = "{}"u8.ToArray() }), Cancelled);
        }
        await using (await TestRelay.StartAsync(RelayConfiguration.Load(file).Configuration!, store: new PostgresMessageStore(address)))
        {
            var (exit, _, refused) = await Cli.CliProcess.RunAsync("db", "rekey", "--config", file);
            Assert.Equal(ExitCode.Conflict, exit);
            Assert.Contains("runs on this store", refused, StringComparison.Ordinal);
        }
        var (done, text, error) = await Cli.CliProcess.RunAsync("db", "rekey", "--json", "--config", file);
        Assert.True(done == ExitCode.Ok, error);
        Assert.Equal(1, JsonNode.Parse(text)!["sealed"]!.GetValue<long>());
    }

    /// <summary>So many more messages are acknowledged and applied.</summary>
    private static Task LoadAsync(NodeScene scene, Task producing, int messages)
    {
        var (acknowledged, effects) = scene.Ledger.Counts;
        return Eventually.HoldsAsync("messages are acknowledged and delivered", SettleLimit, async _ =>
        {
            if (producing.IsFaulted) await producing;
            var (now, applied) = scene.Ledger.Counts;
            return now >= acknowledged + messages && applied >= effects + messages;
        });
    }

    private async Task EndAsync(NodeScene scene, NodeProducers producers, Task producing, TimeSpan? window = null)
    {
        producers.Stop();
        await producing;
        scene.Disturb(false);
        var client = scene.Clients[1];
        await Eventually.HoldsAsync("all is delivered", SettleLimit, async token =>
        {
            var books = await client.GetAsync("v1/queues", RelayJson.Default.ListingQueueAnswer, token);
            return books.Items.All(queue => queue.Waiting + queue.Delayed + queue.Leased == 0);
        });
        var seen = await LateAnswers.ExplainAsync(
            client, Findings.From(scene.Ledger.Read(), TimeProvider.System, window ?? CommitWindow), Cancelled);
        var all = RelayBooks.Of((await client.GetAsync("v1/queues", RelayJson.Default.ListingQueueAnswer, Cancelled)).Items);
        output.WriteLine($"{seen.Owed} deliveries; repeats: {seen.RepeatedAfterLostAnswer} after lost answers, "
            + $"{seen.RepeatedAfterKill} after kills (at most {seen.MostAfterOneKill} of one service after one), "
            + $"{seen.RepeatedWithoutCause} without cause; {producers.Duplicates} duplicates told; books: {all}");
        var verdict = DemoVerdict.Of(seen, all, 0, NodeScene.Permits);
        Assert.True(verdict.Balanced, string.Join(Environment.NewLine, verdict.Objections));
        Assert.Equal((seen.Owed, 0L, 0L), (seen.Arrived, all.Dead, all.Waiting));
    }

    private static async Task<string> PostAsync(RelayClient client, string queue, string body)
    {
        using var answer = await client.SendAsync(() => new(HttpMethod.Post, $"v1/queues/{queue}/messages")
        {
            Content = new StringContent(body, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")),
        }, Cancelled);
        return client.Parse(await answer.Content.ReadAsByteArrayAsync(Cancelled), RelayJson.Default.AcceptedAnswer).Id;
    }

    /// <summary>The numbers of the registered nodes, as one of them tells.</summary>
    private static async Task<List<long>> NodesAsync(NodeScene scene, int asked) =>
        [.. JsonNode.Parse(await scene.Clients[asked].ReadAsync("v1/nodes", Cancelled))!["items"]!.AsArray()
            .Select(node => node!["id"]!.GetValue<long>())];
}
