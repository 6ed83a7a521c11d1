namespace Recourse.Server;

/// <summary>
/// A relay was to listen beyond loopback while no key was made and the configuration does not say <c>insecure: true</c>. The message says
/// what can be done.
/// </summary>
public sealed class UnlockedDoorException(string message) : InvalidOperationException(message);
