namespace Recourse.Benchmarks.Outage;

/// <summary>What goes wrong with the service between the beginning and the end of the trouble.</summary>
internal enum Trouble
{
    /// <summary>Every connection is refused at once.</summary>
    Down,

    /// <summary>Requests are taken and never answered.</summary>
    Silent,

    /// <summary>Half of all requests are answered with 500.</summary>
    BrownOut,

    /// <summary>Part of the workers is gone, so that requests wait; errors come only from the load itself.</summary>
    Overload,
}

/// <summary>One experiment: the traffic, the service, and the trouble in between. All times are virtual.</summary>
internal sealed record OutageScenario(string Name, string Explanation, Trouble Trouble)
{
    /// <summary>Processes that call, each with a pipeline (breaker, budget, limiter) of its own. Default 10.</summary>
    public int Clients { get; init; } = 10;

    /// <summary>Calls a second that each client begins, whatever becomes of them. Default 100.</summary>
    public int RatePerClient { get; init; } = 100;

    /// <summary>Calm before the trouble. Default 30 s.</summary>
    public TimeSpan Before { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the trouble lasts. Default 60 s.</summary>
    public TimeSpan Lasts { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long traffic goes on after it. Default 120 s.</summary>
    public TimeSpan After { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Workers of the service; each handles one request in 50 to 150 ms. Default 125: 1,250 requests a second.</summary>
    public int Workers { get; init; } = 125;

    /// <summary>Workers that are left in an overload. Default 60: 600 requests a second.</summary>
    public int WorkersLeft { get; init; } = 60;

    /// <summary>Requests that may wait for a worker; one more is answered with 503 at once. Default 20,000.</summary>
    public int QueueMax { get; init; } = 20_000;

    internal TimeSpan End => Before + Lasts;

    internal TimeSpan Stop => End + After;

    internal int Rate => Clients * RatePerClient;

    internal static OutageScenario[] All { get; } =
    [
        new("down", "Every connection is refused at once for 60 s, as when all instances were stopped.", Trouble.Down),
        new("silent", "For 60 s requests are taken and never answered, as when a disk or a dependency of the service hangs.",
            Trouble.Silent),
        new("brown-out", "For 60 s half of all requests are answered with 500, as when one of two instances is broken.", Trouble.BrownOut),
        new("overload", "For 60 s 60 of 125 workers are left, so 600 requests a second can be served and 1,000 come. Requests wait in a " +
            "queue of up to 20,000, and a worker serves them even when the client has stopped waiting, since it does not know. All " +
            "errors come from the load itself. After the end there is room for 1,250 a second.", Trouble.Overload),
    ];
}
