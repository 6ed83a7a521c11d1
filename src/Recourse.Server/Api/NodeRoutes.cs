using System.Globalization;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>The nodes that share the store, and the one verb on them.</summary>
internal static class NodeRoutes
{
    public static void Map(ApiRoutes routes)
    {
        routes.Map(new("GET", "/v1/nodes", "The nodes that share the store: heartbeats, what each has in hand, which one keeps house.")
        {
            Answer = typeof(ListView<NodeView>),
            Problems = [503],
        }, ListAsync);
        routes.Map(new("POST", "/v1/nodes/{id}:release",
            "Ends the leases of a node at once: what it has in hand runs again, alone. For a node that is known to be gone.")
        {
            Takes = "application/json",
            Answer = typeof(NodeReleaseView),
            Problems = [400, 404, 409, 415, 503],
        }, ReleaseAsync);
    }

    private static async Task ListAsync(HttpContext http, Relay relay)
    {
        var nodes = await relay.NodesAsync(http.RequestAborted);
        await http.Response.WriteAsJsonAsync(new([.. nodes.Select(NodeView.Of)], null), ApiJson.Plain.ListViewNodeView);
    }

    private static async Task ReleaseAsync(HttpContext http, Relay relay)
    {
        var act = await LetterAccess.ReadActAsync(http.Request);
        var text = (string)http.Request.RouteValues["id"]!;
        if (relay.Store.Nodes is null)
            throw new ProblemException(Problem.Of(StatusCodes.Status409Conflict, "one-node",
                "This store has one node, whose leases end with its process. Restart the relay to end them."));
        var released = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? await relay.Store.CommitAsync(new ReleaseNodeCommand(id, act.Actor!, act.Reason)) : null;
        if (released is null)
            throw new ProblemException(Problem.Of(StatusCodes.Status404NotFound, "unknown-node",
                $"There is no node '{text}'. GET /v1/nodes lists the nodes; one that was struck off has no leases any more."));
        await http.Response.WriteAsJsonAsync(new(id, released.Suspects, released.Poisoned), ApiJson.Plain.NodeReleaseView);
    }
}

/// <summary>A node as the API shows it.</summary>
internal sealed record NodeView
{
    /// <summary>The number of this start of the node.</summary>
    public required long Id { get; init; }
    public required string Name { get; init; }
    public string? Version { get; init; }
    public string? Address { get; init; }
    public DateTimeOffset StartedAt { get; init; }
    /// <summary>When it was last heard of, by the store's clock.</summary>
    public DateTimeOffset HeartbeatAt { get; init; }
    /// <summary>Deliveries that it has in hand.</summary>
    public long Leases { get; init; }
    /// <summary>It does what one node does for all.</summary>
    public bool Housekeeping { get; init; }
    /// <summary>It is the node that answers.</summary>
    public bool Self { get; init; }

    public static NodeView Of(NodeStatus node) => new()
    {
        Id = node.Id,
        Name = node.Name,
        Version = node.Version,
        Address = node.Address,
        StartedAt = node.StartedAt,
        HeartbeatAt = node.HeartbeatAt,
        Leases = node.Leases,
        Housekeeping = node.Housekeeping,
        Self = node.Self,
    };
}

/// <summary>What became of a node's leases: so many deliveries run again, of which some are dead now as poison.</summary>
internal sealed record NodeReleaseView(long Id, int Suspects, int Poisoned);
