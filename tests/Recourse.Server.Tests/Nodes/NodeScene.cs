using System.Diagnostics;
using Recourse.Cli.Client;
using Recourse.Cli.Demo;
using Recourse.Server.Tests.Kill;

namespace Recourse.Server.Tests.Nodes;

/// <summary>
/// Several relay processes on one PostgreSQL database, and two services that fail at random, from one seed. Queues: one plain, one that
/// both services get, one ordered.
/// </summary>
internal sealed class NodeScene : IAsyncDisposable
{
    public const int Permits = 9;
    private readonly TimeSpan _timeout;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("recourse-nodes-").FullName;
    private readonly Lock _gate = new();
    private readonly Random _moods;
    private readonly string _store;
    private volatile bool _calm = true;

    /// <param name="store">The address of the database.</param>
    /// <param name="nodes">How many relays.</param>
    /// <param name="seed">Of the services' moods.</param>
    /// <param name="timeout">Of one attempt; null for 3 s.</param>
    public NodeScene(string store, int nodes, int seed, TimeSpan? timeout = null)
    {
        (_store, _moods, _timeout) = (store, new(seed), timeout ?? TimeSpan.FromSeconds(3));
        Ledger = new(TimeProvider.System);
        Services = [new("alpha", Ledger, _timeout, Behave), new("beta", Ledger, _timeout, Behave)];
        for (var i = 0; i < nodes; i++)
        {
            var address = new Uri($"http://127.0.0.1:{LoopbackPort.Free()}");
            Relays.Add(new(Path.Combine(_folder, $"node-{i}.yaml"), address, TimeProvider.System, Cli.CliProcess.Path));
            Clients.Add(new(address));
        }
    }

    public Ledger Ledger { get; }
    public IReadOnlyList<DemoService> Services { get; }
    public List<RelayProcess> Relays { get; } = [];
    public List<RelayClient> Clients { get; } = [];

    /// <summary>What the services do while they are calm; the default accepts at once.</summary>
    public Func<string, Plan> Calmly { get; set; } = _ => Plan.Accept;

    /// <summary>Services fail by chance from now on, or no longer.</summary>
    public void Disturb(bool disturbed) => _calm = !disturbed;

    /// <summary>Starts the services and the relays, or the first of them.</summary>
    public async Task StartAsync(CancellationToken cancellationToken, int? relays = null, int permits = Permits)
    {
        foreach (var service in Services) await service.StartAsync();
        for (var i = 0; i < Relays.Count; i++)
            await File.WriteAllTextAsync(Path.Combine(_folder, $"node-{i}.yaml"), Yaml(Relays[i].Address, permits), cancellationToken);
        await Relays[0].StartAsync(StartLimit, cancellationToken);
        await Task.WhenAll(Relays.Take(relays ?? Relays.Count).Skip(1).Select(relay => relay.StartAsync(StartLimit, cancellationToken)));
    }

    public Task StartAsync(int node, CancellationToken cancellationToken) => Relays[node].StartAsync(StartLimit, cancellationToken);

    /// <summary>Sends a signal (STOP, CONT) to a relay's process.</summary>
    public async Task SignalAsync(int node, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{Relays[node].Id}"]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    private string Yaml(Uri address, int permits) => $"""
        version: 1
        listen: {address}
        store: {_store}
        shutdown_grace: 2s
        services:
        {string.Concat(Services.Select(service => $"""
          {service.Name}:
            url: {service.Url}
            failure_threshold: 10
            timeout_ms: {_timeout.TotalMilliseconds}
            reset_timeout_ms: 200
            max_concurrent: {permits}

        """))}
        queues:
        {string.Concat(KillScene.Queues.Select(queue => $$"""
          {{queue.Name}}:
            deliver_to: [{{string.Join(", ", queue.Services)}}]
            ordered: {{(queue.Ordered ? "true" : "false")}}
            retry: { initial_delay_ms: 50, max_delay_ms: 500 }

        """))}
        """;

    private Plan Behave(string messageId)
    {
        if (_calm) return Calmly(messageId);
        double mood;
        lock (_gate) mood = _moods.NextDouble();
        return mood switch
        {
            < 0.02 => Plan.ResetBeforeReading,
            < 0.04 => Plan.ApplyAndLoseTheAnswer,
            < 0.07 => Plan.Refuse(500),
            < 0.09 => Plan.Refuse(503, retryAfter: 0),
            < 0.30 => Plan.AcceptAfter(TimeSpan.FromMilliseconds(200 * mood)),
            _ => Plan.Accept,
        };
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var relay in Relays) await relay.DisposeAsync();
        foreach (var client in Clients) client.Dispose();
        foreach (var service in Services) await service.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
