using System.Text.Json.Nodes;
using Recourse.Cli.Client;
using Recourse.Cli.Demo;
using Recourse.Durable.Tests;
using Recourse.Tests;

namespace Recourse.Server.Tests.Nodes;

/// <summary>
/// Several relay processes on a real PostgreSQL: what one has in hand when it is killed or frozen is delivered by the others, within 10 s, and
/// nothing is lost, doubled without cause or put out of order. RECOURSE_LONG=1 goes on longer; RECOURSE_SEED repeats a run's moods.
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
        await Eventually.HoldsAsync("the leases of the killed node have ended", SettleLimit, async _ => (await LeasesAsync(scene)).Count == 1);
        var ended = TimeProvider.System.GetElapsedTime(killed);
        await Eventually.HoldsAsync("the other node delivered what the killed one had", SettleLimit,
            _ => Task.FromResult(scene.Ledger.Counts.Effects == NodeScene.Permits));
        var took = TimeProvider.System.GetElapsedTime(killed);
        output.WriteLine($"leases ended {ended.TotalSeconds:0.0} s after the kill, the last of {NodeScene.Permits} delivered after "
            + $"{took.TotalSeconds:0.0} s");
        Assert.True(took < Takeover, $"The takeover took {took.TotalSeconds:0.0} s.");
    }

    private static async Task<string> PostAsync(RelayClient client, string queue, string body)
    {
        using var answer = await client.SendAsync(() => new(HttpMethod.Post, $"v1/queues/{queue}/messages")
        {
            Content = new StringContent(body, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")),
        }, Cancelled);
        return client.Parse(await answer.Content.ReadAsByteArrayAsync(Cancelled), RelayJson.Default.AcceptedAnswer).Id;
    }

    /// <summary>How much each node has in hand, in the order of their registration.</summary>
    private static async Task<List<int>> LeasesAsync(NodeScene scene)
    {
        var nodes = JsonNode.Parse(await scene.Clients[^1].ReadAsync("v1/nodes", Cancelled))!["items"]!.AsArray();
        return [.. nodes.Select(node => node!["leases"]!.GetValue<int>())];
    }
}
