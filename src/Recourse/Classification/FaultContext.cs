namespace Recourse;

/// <summary>Where a failure happened, as far as the caller knows. Everything is optional.</summary>
public sealed record FaultContext
{
    private const string Removed = "[redacted]";

    private static readonly string[] Secrets =
    [
        "password", "passwd", "secret", "token", "authorization", "api-key", "apikey", "api_key", "cookie", "credential",
            "private_key", "connectionstring",
    ];

    /// <summary>The service that was called; null shows as "unknown".</summary>
    public string? Service { get; init; }

    /// <summary>What was asked of it; null shows as "unknown".</summary>
    public string? Operation { get; init; }

    /// <summary>The component that reports; null when there is none.</summary>
    public string? Component { get; init; }

    /// <summary>The port it came through; null when there is none.</summary>
    public string? Port { get; init; }

    /// <summary>The message being handled; null when there is none.</summary>
    public string? MessageId { get; init; }

    /// <summary>The correlation id of the request; null has one made up.</summary>
    public string? CorrelationId { get; init; }

    /// <summary>The trace id; null takes that of the current activity.</summary>
    public string? TraceId { get; init; }

    /// <summary>The text of the failure where it is not that of an exception.</summary>
    public string? Message { get; init; }

    /// <summary>The attempt that failed, counted from 1. Default 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>How much depends on the service; feeds the severity. Default normal.</summary>
    public Importance Importance { get; init; }

    /// <summary>What was asked: names and values. Passed through <see cref="Redact"/> before anybody sees it. At most 64 entries are
    /// kept.</summary>
    public IReadOnlyDictionary<string, string>? RequestData { get; init; }

    /// <summary>Anything else; kept as it is. At most 64 entries are kept.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>
    /// Replaces what must not be stored: gets name and value, returns the value to keep. Null uses the built-in rule, which removes values
    /// whose name speaks of passwords, tokens, keys or cookies. If it throws, the value is removed.
    /// </summary>
    public Func<string, string, string>? Redact { get; init; }

    internal IReadOnlyDictionary<string, string> Redacted()
    {
        if (RequestData is not { Count: > 0 } data) return Bounded(null);
        var redact = Redact ?? HideSecrets;
        return data.Take(Fault.MaxEntries).ToDictionary(entry => entry.Key, entry =>
            Safely(redact, entry.Key, entry.Value), StringComparer.Ordinal);
    }

    internal static IReadOnlyDictionary<string, string> Bounded(IReadOnlyDictionary<string, string>? entries) =>
        entries is not { Count: > 0 }
            ? System.Collections.Frozen.FrozenDictionary<string, string>.Empty
            : entries.Take(Fault.MaxEntries).ToDictionary(entry => entry.Key, entry => entry.Value, StringComparer.Ordinal);

    private static string Safely(Func<string, string, string> redact, string name, string value)
    {
        try
        {
            return redact(name, value);
        }
        catch (Exception)
        {
            // Rather too little in the report than a secret.
            return Removed;
        }
    }

    private static string HideSecrets(string name, string value)
    {
        foreach (var secret in Secrets)
        {
            if (name.Contains(secret, StringComparison.OrdinalIgnoreCase)) return Removed;
        }

        return value;
    }
}
