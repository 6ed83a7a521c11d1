namespace Recourse.Server.Tests;

/// <summary>The node list where only one process opens the store.</summary>
public sealed class NodeRoutesTests
{
    [Fact]
    public async Task A_store_of_one_process_shows_its_one_node_with_what_it_has_in_hand()
    {
        await using var relay = await TestRelay.StartAsync();
        await relay.AcceptedAsync("orders");
        await relay.UntilAsync("/v1/queues/orders", queue => queue["leased"]!.GetValue<int>() == 1);
        var node = Assert.Single((await relay.GetAsync("/v1/nodes"))["items"]!.AsArray())!;
        Assert.Equal((1, true, true),
            (node["leases"]!.GetValue<int>(), node["self"]!.GetValue<bool>(), node["housekeeping"]!.GetValue<bool>()));
        Assert.Equal(Environment.MachineName.ToLowerInvariant(), node["name"]!.GetValue<string>());
        Assert.StartsWith("http://127.0.0.1", node["address"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(RelayVersion.Text, node["version"]!.GetValue<string>());
        using var page = await relay.SendAsync(HttpMethod.Get, "/nodes");
        var html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("keeps house", html, StringComparison.Ordinal);
        Assert.DoesNotContain("/nodes/1/release", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_leases_of_the_only_node_end_with_its_process_and_not_by_a_verb()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Post, "/v1/nodes/1:release", "{}");
        var problem = await TestRelay.ProblemAsync(answer, 409);
        Assert.Equal("urn:recourse:problem:one-node", problem["type"]!.GetValue<string>());
    }
}
