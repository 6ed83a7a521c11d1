using Recourse.Cli.Demo;

namespace Recourse.Server.Tests.Kill;

/// <summary>
/// The world around the relay: two services that fail at random, from one seed, and a relay process on SQLite in a folder of its own.
/// Queues: one plain, one that both services get, one ordered.
/// </summary>
internal sealed class KillScene : IAsyncDisposable
{
    public const int Permits = 8;
    public static readonly (string Name, bool Ordered, string[] Services)[] Queues =
        [("plain", false, ["alpha"]), ("both", false, ["alpha", "beta"]), ("lanes", true, ["beta"])];

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);
    private readonly string _folder = Directory.CreateTempSubdirectory("recourse-kill-").FullName;
    private readonly Lock _gate = new();
    private readonly Random _moods;
    private volatile bool _calm;
    private volatile bool _mended;

    public KillScene(int seed)
    {
        _moods = new(seed);
        Ledger = new(TimeProvider.System);
        Services = [new("alpha", Ledger, Timeout, Behave), new("beta", Ledger, Timeout, Behave)];
        var port = LoopbackPort.Free();
        Relay = new(Path.Combine(_folder, "recourse.yaml"), new($"http://127.0.0.1:{port}"), TimeProvider.System, Cli.CliProcess.Path);
    }

    public Ledger Ledger { get; }
    public RelayProcess Relay { get; }
    public IReadOnlyList<DemoService> Services { get; }

    public async Task StartAsync()
    {
        foreach (var service in Services) await service.StartAsync();
        await File.WriteAllTextAsync(Path.Combine(_folder, "recourse.yaml"), $"""
            version: 1
            listen: {Relay.Address}
            store: sqlite:kill.db
            services:
            {string.Concat(Services.Select(service => $"""
              {service.Name}:
                url: {service.Url}
                failure_threshold: 10
                timeout_ms: {Timeout.TotalMilliseconds}
                reset_timeout_ms: 200
                max_concurrent: {Permits}

            """))}
            queues:
            {string.Concat(Queues.Select(queue => $$"""
              {{queue.Name}}:
                deliver_to: [{{string.Join(", ", queue.Services)}}]
                ordered: {{(queue.Ordered ? "true" : "false")}}
                retry: { initial_delay_ms: 50, max_delay_ms: 500 }

            """))}
            """, TestContext.Current.CancellationToken);
    }

    /// <summary>From now on nothing fails by chance; what is rejected stays rejected.</summary>
    public void Calm() => _calm = true;

    /// <summary>From now on the services accept what they rejected.</summary>
    public void Mend() => _mended = true;

    public async ValueTask DisposeAsync()
    {
        await Relay.DisposeAsync();
        foreach (var service in Services) await service.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>One message in two hundred is rejected for good: in the ordered queue, its lane waits behind it.</summary>
    private static bool IsRejected(string messageId) => messageId.Aggregate(17u, (hash, letter) => hash * 31 + letter) % 200 == 0;

    private Plan Behave(string messageId)
    {
        if (!_mended && IsRejected(messageId)) return Plan.Refuse(422);
        if (_calm) return Plan.Accept;
        double mood;
        lock (_gate) mood = _moods.NextDouble();
        return mood switch
        {
            < 0.03 => Plan.ResetBeforeReading,
            < 0.06 => Plan.ApplyAndLoseTheAnswer,
            < 0.09 => Plan.Refuse(500),
            < 0.11 => Plan.Refuse(503, retryAfter: 0),
            < 0.112 => Plan.AcceptAfter(Timeout * 1.2),
            < 0.30 => Plan.AcceptAfter(TimeSpan.FromMilliseconds(200 * mood)),
            _ => Plan.Accept,
        };
    }
}
