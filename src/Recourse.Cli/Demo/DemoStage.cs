namespace Recourse.Cli.Demo;

/// <summary>A queue of the demonstration.</summary>
internal sealed record DemoQueue(string Name, bool Ordered, IReadOnlyList<string> Services);

/// <summary>
/// The four services with their moods, and the queues that lead to them. The moods are drawn from one seed; the times are scaled so that
/// the slow service keeps up with any count.
/// </summary>
internal sealed class DemoStage : IAsyncDisposable
{
    /// <summary>The permits of each service: so many deliveries can be in hand at once.</summary>
    public const int PermitsPerService = 16;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    // One message in fifty is one that the ledger service rejects until it is mended.
    private const int RejectOneOf = 50;
    private const int SlowBudgetMilliseconds = 12_000;
    private readonly Lock _gate = new();
    private readonly Random _moods;
    private readonly TimeSpan _slowest;
    private volatile bool _mended;

    public DemoStage(Ledger ledger, int messages, int seed)
    {
        _moods = new(seed);
        var perMessage = 2.0 * SlowBudgetMilliseconds * PermitsPerService / Math.Max(1, messages / Queues.Length);
        _slowest = TimeSpan.FromMilliseconds(Math.Clamp(perMessage, 2, 300));
        Services =
        [
            new("accounts", ledger, Timeout, message => !_mended && IsRejected(message) ? Plan.Refuse(422) : Plan.Accept),
            new("courier", ledger, Timeout, _ => FlakyPlan()),
            new("archive", ledger, Timeout, _ => Plan.AcceptAfter(_slowest * Draw())),
            new("billing", ledger, Timeout, _ => Plan.Accept),
        ];
    }

    /// <summary>The four queues: plain, flaky, ordered, and one that two services get.</summary>
    public static DemoQueue[] Queues { get; } =
    [
        new("orders", false, ["accounts"]),
        new("shipments", false, ["courier"]),
        new("payments", true, ["billing"]),
        new("audit", false, ["archive", "accounts"]),
    ];

    /// <summary>What each service is like, for the reader of the screen.</summary>
    public static IReadOnlyDictionary<string, string> Characters { get; } = new Dictionary<string, string>
    {
        ["accounts"] = "healthy; rejects 1 in 50 with 422 until mended",
        ["courier"] = "flaky: resets, 500, 503 with Retry-After, lost answers",
        ["archive"] = "slow",
        ["billing"] = "down at first, then back",
    };

    public IReadOnlyList<DemoService> Services { get; }

    /// <summary>Starts the services; billing has an address, and goes down at once.</summary>
    public async Task StartAsync()
    {
        foreach (var service in Services) await service.StartAsync();
        await Services[3].StopAsync();
    }

    /// <summary>Billing comes back.</summary>
    public Task EndOutageAsync() => Services[3].StartAsync();

    /// <summary>The accounts service accepts from now on what it rejected.</summary>
    public void Mend() => _mended = true;

    /// <summary>The relay's configuration for this stage.</summary>
    public string Configuration(int port)
    {
        var services = Services.Select(service => $"""
              {service.Name}:
                url: {service.Url}
                failure_threshold: 5
                success_threshold: 1
                timeout_ms: {Timeout.TotalMilliseconds}
                reset_timeout_ms: 1000
                max_concurrent: {PermitsPerService}
            """);
        var queues = Queues.Select(queue => $$"""
              {{queue.Name}}:
                deliver_to: [{{string.Join(", ", queue.Services)}}]
                ordered: {{(queue.Ordered ? "true" : "false")}}
                retry: { max_attempts: 8, max_age: 24h, backoff: exponential, initial_delay_ms: 200, max_delay_ms: 2000, jitter: full }
            """);
        return $"""
            version: 1
            listen: http://127.0.0.1:{port}
            store: sqlite:recourse.db
            limits:
              max_body: 64MiB
            services:
            {string.Join('\n', services)}
            queues:
            {string.Join('\n', queues)}

            """;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in Services) await service.DisposeAsync();
    }

    private static bool IsRejected(string messageId) => messageId.Aggregate(17u, (hash, letter) => hash * 31 + letter) % RejectOneOf == 0;

    private Plan FlakyPlan() => Draw() switch
    {
        < 0.06 => Plan.ResetBeforeReading,
        < 0.10 => Plan.ApplyAndLoseTheAnswer,
        < 0.15 => Plan.Refuse(500),
        < 0.20 => Plan.Refuse(503, retryAfter: 1),
        _ => Plan.Accept,
    };

    private double Draw()
    {
        lock (_gate) return _moods.NextDouble();
    }
}
