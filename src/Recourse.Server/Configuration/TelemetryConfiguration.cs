namespace Recourse.Server;

/// <summary>Where traces and metrics are sent. What it says counts from the start of the relay.</summary>
public sealed record TelemetryConfiguration
{
    /// <summary>The OTLP receiver. Default null: nothing is sent.</summary>
    public Uri? Otlp { get; init; }

    /// <summary>True speaks gRPC; false (the default) protobuf over HTTP.</summary>
    public bool Grpc { get; init; }

    /// <summary>Headers of every export. Default none.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether traces are sent. Default true.</summary>
    public bool Traces { get; init; } = true;

    /// <summary>Whether metrics are sent. Default true.</summary>
    public bool Metrics { get; init; } = true;

    /// <summary>Of the traces that begin here, how many of a hundred are sent. Default 100; 0 to 100.</summary>
    public int SamplePercent { get; init; } = 100;

    /// <summary>How often metrics are sent. Default 60 s; 1 s to 1 h.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The service.name of what is sent. Default <c>recourse</c>.</summary>
    public string ServiceName { get; init; } = "recourse";
}
