using System.Reflection;

namespace Recourse.Server;

/// <summary>The version of this build.</summary>
public static class RelayVersion
{
    /// <summary>Such as <c>0.1.0</c>, without the commit.</summary>
    public static string Text { get; } = (Informational ?? "0").Split('+')[0];

    private static string? Informational =>
        typeof(RelayVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
}
