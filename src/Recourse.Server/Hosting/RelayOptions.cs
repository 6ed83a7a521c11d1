using Recourse.Durable;

namespace Recourse.Server;

/// <summary>What a relay needs besides its configuration.</summary>
public sealed record RelayOptions
{
    /// <summary>The configuration, as <see cref="RelayConfiguration.Load"/> made it.</summary>
    public required RelayConfiguration Configuration { get; init; }

    /// <summary>
    /// Makes the store that <c>store:</c> names; the relay opens and closes it. It throws a <see cref="StoreException"/> with a sentence
    /// for the user
    /// when it does not know such stores.
    /// </summary>
    public required Func<string, TimeProvider, MessageStore> OpenStore { get; init; }

    /// <summary>Makes the attempts. Null (the default) sends them over HTTP as the configuration says.</summary>
    public DeliveryHandler? Handler { get; init; }

    /// <summary>The name of this node, shown with each attempt. Default: the machine's name.</summary>
    public string Node { get; init; } = Environment.MachineName.ToLowerInvariant();

    /// <summary>
    /// Names under which the relay may be reached besides those of loopback; for an application that mounts the relay and does its own
    /// authorization.
    /// Default none: a request whose Host is another name is refused.
    /// </summary>
    public IReadOnlyCollection<string> HostNames { get; init; } = [];

    /// <summary>It listens itself, so it knows from where it can be reached.</summary>
    internal bool Standalone { get; init; }

    /// <summary>Whether changed files of the configuration are read again. Default true.</summary>
    public bool WatchFiles { get; init; } = true;

    /// <summary>
    /// Called once when nothing has happened for 15 to 30 seconds: the time for a program that is nothing but a relay to give memory back.
    /// What it throws is logged. Null (the default) does nothing.
    /// </summary>
    public Action? OnRest { get; init; }

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
