using Recourse.Durable;

namespace Recourse.Server.Dashboard;

/// <summary>
/// What the dashboard shows besides the store: the host registers one as a singleton. Read on every request from any thread; must not
/// block. Without one the dashboard shows what the store knows and says that breakers are not known.
/// </summary>
public abstract class DashboardData
{
    /// <summary>The services as their dispatchers see them now, by name.</summary>
    public abstract IReadOnlyList<ServiceStatus> Services { get; }

    /// <summary>
    /// The configured queues, those that never had a message included. Default: none; the dashboard then shows those of the store.
    /// </summary>
    public virtual IReadOnlyList<string> Queues => [];

    /// <summary>The node of a store that only one process opens; one that several share is asked itself. Default: none.</summary>
    public virtual Task<IReadOnlyList<NodeStatus>> NodesAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<NodeStatus>>([]);
}
