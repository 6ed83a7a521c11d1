namespace Recourse.Durable;

/// <summary>What an operator can hold. Stored by name.</summary>
public enum ControlKind
{
    /// <summary>A queue takes messages in and delivers nothing.</summary>
    QueuePaused,
    /// <summary>A queue takes nothing in and delivers what it has.</summary>
    QueueDraining,
    /// <summary>Nothing is delivered to a service.</summary>
    ServicePaused,
    /// <summary>The breaker of a service is held open.</summary>
    ServiceIsolated,
}

/// <summary>An operator's will that holds until it is taken back, over restarts too.</summary>
/// <param name="Kind">What holds.</param>
/// <param name="Name">The queue or the service.</param>
/// <param name="Actor">Who said so.</param>
/// <param name="Reason">Why; null when not said.</param>
/// <param name="Since">Since when.</param>
public sealed record Control(ControlKind Kind, string Name, string Actor, string? Reason, DateTimeOffset Since);

/// <summary>
/// Sets a control or takes it back. The result is false when it was so already; then nothing changed, not even who said so. A queue is
/// paused or draining, not both: setting one takes the other back.
/// </summary>
/// <param name="kind">What.</param>
/// <param name="name">The queue or the service.</param>
/// <param name="on">True sets it, false takes it back.</param>
/// <param name="actor">Who.</param>
/// <param name="reason">Why; null when not said.</param>
public sealed class ControlCommand(ControlKind kind, string name, bool on, string actor, string? reason) : StoreCommand<bool>
{
    /// <summary>What.</summary>
    public ControlKind Kind { get; } = kind;
    /// <summary>The queue or the service.</summary>
    public string Name { get; } = name;
    /// <summary>Set, or taken back.</summary>
    public bool On { get; } = on;
    /// <summary>Who.</summary>
    public string Actor { get; } = actor;
    /// <summary>Why.</summary>
    public string? Reason { get; } = reason;

    /// <summary>The control that this one takes back; null for none.</summary>
    internal ControlKind? Excludes => !On ? null : Kind switch
    {
        ControlKind.QueuePaused => ControlKind.QueueDraining,
        ControlKind.QueueDraining => ControlKind.QueuePaused,
        _ => null,
    };
}
