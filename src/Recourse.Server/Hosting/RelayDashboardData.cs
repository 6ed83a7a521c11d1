using Recourse.Durable;
using Recourse.Server.Dashboard;

namespace Recourse.Server;

/// <summary>What the dashboard shows of a relay besides its store.</summary>
internal sealed class RelayDashboardData(Relay relay) : DashboardData
{
    public override IReadOnlyList<ServiceStatus> Services => relay.Services;

    public override IReadOnlyList<string> Queues => [.. relay.Configuration.Queues.Keys.Order(StringComparer.Ordinal)];

    public override Task<IReadOnlyList<NodeStatus>> NodesAsync(CancellationToken cancellationToken) => relay.NodesAsync(cancellationToken);
}
