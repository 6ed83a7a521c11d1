using Microsoft.AspNetCore.Routing;
using Recourse.Durable;
using Recourse.Server.Security;

namespace Recourse.Server.Tests;

/// <summary>The role that each route and each page asks for: a new one, or another role for an old one, is a line of this table.</summary>
public sealed class RouteRolesTests
{
    private const string Table = """
        admin DELETE /v1/keys/{name}
        admin GET /v1/keys
        admin POST /v1/keys
        admin POST /v1/store:backup
        anybody GET /assets/{id}
        anybody GET /health/live
        anybody GET /health/ready
        anybody GET /sign-in
        anybody POST /sign-in
        operator GET /audit
        operator GET /deliveries/{id}/payload
        operator GET /v1/audit
        operator GET /v1/audit/export
        operator GET /v1/dead-letters/{id}/payload
        operator GET /v1/dead-letters/{id}/payload/diff
        operator PATCH /v1/dead-letters/{id}
        operator POST /deliveries/{id}/discard
        operator POST /deliveries/{id}/edit
        operator POST /deliveries/{id}/note
        operator POST /deliveries/{id}/release
        operator POST /deliveries/{id}/replay
        operator POST /deliveries/{id}/resolve
        operator POST /deliveries/{id}/take
        operator POST /nodes/{id}/release
        operator POST /queues/{id}/drain
        operator POST /queues/{id}/pause
        operator POST /queues/{id}/resume
        operator POST /replays
        operator POST /replays/{id}/cancel
        operator POST /replays/{id}/pause
        operator POST /replays/{id}/resume
        operator POST /services/{id}/isolate
        operator POST /services/{id}/pause
        operator POST /services/{id}/reset
        operator POST /services/{id}/resume
        operator POST /v1/dead-letters/import
        operator POST /v1/dead-letters/{id}:discard
        operator POST /v1/dead-letters/{id}:release
        operator POST /v1/dead-letters/{id}:replay
        operator POST /v1/dead-letters/{id}:resolve
        operator POST /v1/dead-letters/{id}:take
        operator POST /v1/nodes/{id}:release
        operator POST /v1/queues/{queue}:drain
        operator POST /v1/queues/{queue}:pause
        operator POST /v1/queues/{queue}:resume
        operator POST /v1/replays
        operator POST /v1/replays/{id}:cancel
        operator POST /v1/replays/{id}:pause
        operator POST /v1/replays/{id}:resume
        operator POST /v1/services/{name}:isolate
        operator POST /v1/services/{name}:pause
        operator POST /v1/services/{name}:reset
        operator POST /v1/services/{name}:resume
        operator PUT /v1/dead-letters/{id}/payload
        producer POST /v1/queues/{queue}/messages
        producer POST /v1/queues/{queue}/messages:batch
        viewer GET /
        viewer GET /controls
        viewer GET /dead-letters
        viewer GET /dead-letters/groups
        viewer GET /dead-letters/{id}
        viewer GET /deliveries/{id}
        viewer GET /failing
        viewer GET /messages/{id}
        viewer GET /metrics
        viewer GET /nodes
        viewer GET /replays
        viewer GET /replays/{id}
        viewer GET /v1/dead-letters
        viewer GET /v1/dead-letters/export
        viewer GET /v1/dead-letters/groups
        viewer GET /v1/dead-letters/stats
        viewer GET /v1/dead-letters/{id}
        viewer GET /v1/messages
        viewer GET /v1/messages/{id}
        viewer GET /v1/nodes
        viewer GET /v1/queues
        viewer GET /v1/queues/{queue}
        viewer GET /v1/replays
        viewer GET /v1/replays/{id}
        viewer GET /v1/replays/{id}/items
        viewer GET /v1/services
        viewer GET /v1/services/{name}
        viewer POST /sign-out
        """;

    [Fact]
    public async Task Every_route_and_page_asks_for_the_role_that_stands_here()
    {
        await using var relay = await TestRelay.StartAsync();
        var found = relay.Host.Endpoints().OfType<RouteEndpoint>().Where(each => each.Metadata.GetMetadata<Door>() is not null)
            .Select(each => $"{each.Metadata.GetMetadata<Door>()!.Needs?.Name() ?? "anybody"} "
                + $"{each.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0]} {each.RoutePattern.RawText}");
        Assert.Equal(Table.Split('\n'), found.Order(StringComparer.Ordinal));
    }
}
