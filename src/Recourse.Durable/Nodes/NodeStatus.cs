namespace Recourse.Durable;

/// <summary>How a node introduces itself to the others that share its store.</summary>
/// <param name="Name">Its name, shown with each attempt. Need not be unique: the store gives every start of a node a number of its
/// own.</param>
/// <param name="Version">The release that it runs; null when not said.</param>
/// <param name="Address">Where its API listens; null when not said.</param>
public sealed record NodeIdentity(string Name, string? Version = null, string? Address = null);

/// <summary>A node as the store knows it.</summary>
/// <param name="Id">The number of this start of the node; never used again.</param>
/// <param name="Name">Its name.</param>
/// <param name="Version">The release that it runs; null when not said.</param>
/// <param name="Address">Where its API listens; null when not said.</param>
/// <param name="StartedAt">When it registered, by the store's clock.</param>
/// <param name="HeartbeatAt">When it was last heard of, by the store's clock. One that is silent for 6 s loses its leases.</param>
/// <param name="Leases">How many deliveries it has in hand.</param>
/// <param name="Housekeeping">It does for all what one must do: retention, second chances, replay jobs.</param>
/// <param name="Self">It is the node that was asked.</param>
public sealed record NodeStatus(
    long Id, string Name, string? Version, string? Address, DateTimeOffset StartedAt, DateTimeOffset HeartbeatAt, long Leases,
    bool Housekeeping, bool Self);

/// <summary>Part of a service's permits that falls to one of several nodes. Pure.</summary>
/// <param name="Place">This node's place among the live ones, by number; negative while it takes none.</param>
/// <param name="Count">How many live nodes there are, at least 1.</param>
public readonly record struct NodeShare(int Place, int Count)
{
    /// <summary>All of it: no other node lives.</summary>
    public static NodeShare Whole { get; } = new(0, 1);

    /// <summary>
    /// The permits of this node: the parts of all nodes add up to <paramref name="max"/>, never more. What is left over when it is divided
    /// goes to nodes that differ from service to service. With fewer permits than nodes some get none; then they do not claim for it.
    /// </summary>
    public int Of(int max, string service)
    {
        if (Count == 1)
            return max;
        if (Place < 0)
            return 0;
        var rest = max % Count;
        return (max / Count) + ((Place + Turn(service)) % Count < rest ? 1 : 0);
    }

    // The same on every node and in every release: string.GetHashCode differs from process to process.
    private int Turn(string service)
    {
        var hash = 2166136261u;
        foreach (var letter in service)
            hash = (hash ^ letter) * 16777619u;
        return (int)(hash % (uint)Count);
    }
}
