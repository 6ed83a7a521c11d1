using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Recourse.Durable;
using Recourse.Server.Dashboard;
using Recourse.Server.Dashboard.Pages;

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
        Assert.DoesNotContain(">Act<", html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Role.Viewer, false)]
    [InlineData(Role.Operator, true)]
    public async Task Who_may_release_a_node_has_a_column_for_it_and_nobody_else(Role role, bool shown)
    {
        await using var services = new ServiceCollection().AddLogging().BuildServiceProvider();
        using var body = new MemoryStream();
        var http = new DefaultHttpContext { RequestServices = services, Response = { Body = body } };
        NodeStatus Node(long id, bool self) => new(id, $"node-{id}", null, null, default, default, 0, Housekeeping: self, Self: self);
        var page = new PageContext { Root = "", Title = "Nodes", Now = default, Caller = new("somebody", role) };
        await new PageResult<NodesPage, NodesModel>(page, new([Node(1, true), Node(2, false)], true)).ExecuteAsync(http);
        var html = Encoding.UTF8.GetString(body.ToArray());
        Assert.Equal((shown, shown), (html.Contains(">Act<", StringComparison.Ordinal),
            html.Contains("/nodes/2/release", StringComparison.Ordinal)));
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
