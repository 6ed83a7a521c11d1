namespace Recourse.Durable;

/// <summary>
/// Says that a node lives, and asks what the others did meanwhile. Registers it when the store does not know it: at its start, and after
/// others have declared it dead. A store commits it beside its other commands, so that a slow batch does not make a node look dead.
/// </summary>
/// <param name="id">The node's number; 0 before its first registration.</param>
/// <param name="identity">How it introduces itself.</param>
internal sealed class PulseCommand(long id, NodeIdentity identity) : StoreCommand<Pulse>
{
    public long Id { get; } = id;

    public NodeIdentity Identity { get; } = identity;
}

/// <summary>A registered node with the count of its pulses, by which others see that it lives.</summary>
internal readonly record struct NodeBeat(long Id, long Beats);

/// <summary>What a <see cref="PulseCommand"/> found.</summary>
/// <param name="Id">The node's number: another than before when it had to register anew.</param>
/// <param name="Nodes">All registered nodes, itself among them, by number.</param>
/// <param name="Orphans">True when deliveries are in hand of nodes that are not registered.</param>
/// <param name="Housekeeping">It does the housekeeping until its next pulse.</param>
/// <param name="Controls">What operators hold.</param>
/// <param name="Resets">How often each service's breaker was reset by an operator.</param>
internal sealed record Pulse(
    long Id, IReadOnlyList<NodeBeat> Nodes, bool Orphans, bool Housekeeping, IReadOnlyList<Control> Controls,
    IReadOnlyDictionary<string, long> Resets);

/// <summary>
/// Strikes nodes off whose count of pulses is still the given one, and ends the leases of all that are not registered: what was in hand
/// becomes suspect.
/// </summary>
internal sealed class TakeOverCommand(IReadOnlyList<NodeBeat> dead) : StoreCommand<StoreOpening>
{
    public IReadOnlyList<NodeBeat> Dead { get; } = dead;
}

/// <summary>Strikes a node off at its end; leases that it still holds are ended by the others.</summary>
internal sealed class LeaveCommand(long id) : StoreCommand<bool>
{
    public long Id { get; } = id;
}

/// <summary>
/// Ends the leases of a node at once, without waiting for its heartbeat: what it has in hand becomes suspect and runs again. When the node
/// lives after all, it is refused whatever it hands in, and registers anew. The result is null when there is no such node.
/// </summary>
/// <param name="id">Its number; see <see cref="NodeStatus.Id"/>.</param>
/// <param name="actor">Who asks.</param>
/// <param name="reason">Why; null when not said.</param>
public sealed class ReleaseNodeCommand(long id, string actor, string? reason) : StoreCommand<StoreOpening?>
{
    /// <summary>Its number.</summary>
    public long Id { get; } = id;
    /// <summary>Who asks.</summary>
    public string Actor { get; } = actor;
    /// <summary>Why.</summary>
    public string? Reason { get; } = reason;
}

/// <summary>Closes the breaker of a service on every node that shares the store, within 2 s.</summary>
/// <param name="service">The service.</param>
public sealed class ResetServiceCommand(string service) : StoreCommand<bool>
{
    /// <summary>The service.</summary>
    public string Service { get; } = service;
}
