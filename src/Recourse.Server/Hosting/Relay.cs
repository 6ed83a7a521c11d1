using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Recourse.Durable;
using Recourse.Server.Api;
using Recourse.Server.Dashboard;
using Recourse.Server.Metrics;
using Recourse.Server.Redaction;
using Recourse.Server.Security;

namespace Recourse.Server;

/// <summary>
/// One running relay: the store, the dispatcher and the configuration that counts now. It starts before the listener, so that nothing comes
/// in that could not be kept. It stops before the listener closes: whoever sends meanwhile is told when to come again.
/// </summary>
internal sealed class Relay : IHostedLifecycleService, IAsyncDisposable
{
    private readonly RelayOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger<Relay> _logger;
    private readonly MessageStore _inner;
    private readonly MeterBook _book;
    private readonly HttpDelivery? _delivery;
    // Queues that were configured once in this process keep their policy while they drain.
    private readonly ConcurrentDictionary<string, QueueConfiguration> _known = new();
    private volatile RelayConfiguration _configuration;
    private volatile IReadOnlyDictionary<string, QueueDoor> _doors;
    private volatile Dispatcher? _dispatcher;
    private volatile Redactor _redactor;
    private volatile bool _stopping;
    private DateTimeOffset _startedAt;
    private volatile IReadOnlyList<Control> _controls = [];

    public Relay(RelayOptions options, RelayMeters meters, ILoggerFactory loggers)
    {
        (_options, _loggers, _logger, Meters) = (options, loggers, loggers.CreateLogger<Relay>(), meters);
        _configuration = options.Configuration;
        _doors = Doors(_configuration);
        Health = new(options.Time, _logger);
        _delivery = options.Handler is null ? new(Targets(_configuration), options.Time) : null;
        _inner = new EncryptedMessageStore(
            options.OpenStore(options.Configuration.Store, options.Time), options.Configuration.PayloadKeys, options.Time);
        _redactor = Redacting(_configuration);
        Store = new RelayStore(_inner, Health, meters, () => _dispatcher, ControlledAsync, () => Keys!.ChangedAsync(), () => _redactor);
        Replays = new(Store, service => _dispatcher?.Notify(service), options.Time, loggers.CreateLogger("Recourse.Replays"));
        Books = new(Store, options.Time);
        Keys = new(() => Store, options.Configuration.Store.StartsWith("postgres", StringComparison.Ordinal), options.Time);
        Remember(_configuration);
        _book = new(meters.Owns);
        Exposition = new(_book, "recourse_");
        meters.Observe(() => Services, Books, () => _configuration.DeadLetterQueue.MaxSize);
    }

    public RelayConfiguration Configuration => _configuration;
    /// <summary>The ways into the configured queues, by name.</summary>
    public IReadOnlyDictionary<string, QueueDoor> Intake => _doors;
    public MessageStore Store { get; }
    public KeyRing Keys { get; }

    /// <summary>What is masked, as it is configured now.</summary>
    public Redactor Redactor => _redactor;

    public StoreHealth Health { get; }
    public RelayMeters Meters { get; }
    public Books Books { get; }
    public PrometheusText Exposition { get; }

    /// <summary>What the API can do, for its OpenAPI document; filled when the routes are mapped.</summary>
    public IReadOnlyList<ApiRoute> Routes { get; set; } = [];

    /// <summary>The path under which the routes stand in the application around them; empty where there is none.</summary>
    public string Prefix { get; set; } = "";

    /// <summary>A stop was asked for: nothing new is taken.</summary>
    public bool IsStopping { get => _stopping; private set => _stopping = value; }

    public TimeProvider Time => _options.Time;

    /// <summary>Nothing has happened for a while.</summary>
    public void AtRest() => _options.OnRest?.Invoke();

    public IReadOnlyList<ServiceStatus> Services => _dispatcher?.Status ?? [];

    /// <summary>Works on replay jobs.</summary>
    public ReplayRunner Replays { get; }

    /// <summary>True on the one node that does for all what one must do; always where there is only one.</summary>
    public bool KeepsHouse => _inner.Nodes?.Housekeeping ?? true;

    /// <summary>The nodes that share the store; of a store that only one process opens, this one.</summary>
    public async Task<IReadOnlyList<NodeStatus>> NodesAsync(CancellationToken cancellationToken)
    {
        if (_inner.Nodes is not null)
            return await _inner.Queries.NodesAsync(cancellationToken);
        var leases = (await _inner.Queries.QueuesAsync(cancellationToken)).Sum(queue => queue.Leased);
        var node = _inner.Node;
        return [new(1, node.Name, node.Version, node.Address, _startedAt, Time.GetUtcNow(), leases, Housekeeping: true, Self: true)];
    }

    /// <summary>What operators hold, as the store has it.</summary>
    public IReadOnlyList<Control> Controls => _controls;

    public bool Holds(ControlKind kind, string name)
    {
        foreach (var control in _controls)
        {
            if (control.Kind == kind && control.Name == name)
                return true;
        }
        return false;
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // A file that is not there holds no key, and whoever is refused for that finds no new file beside the configuration.
        if (StoreName.IsMissingFile(_configuration.Store))
            CheckDoors();
        _inner.BlocksLaneWhenDead = queue => PolicyOf(queue).BlockLaneWhenDead;
        _inner.Node = new(_options.Node, RelayVersion.Text, _configuration.Listen.Count > 0 ? Shown(_configuration.Listen[0]) : null);
        var opening = await _inner.OpenAsync(cancellationToken);
        _startedAt = Time.GetUtcNow();
        if (opening.Migration is { } migration)
            Log.Migrated(_logger, migration.From, migration.To, migration.Backup ?? "not kept, as asked");
        var store = StoreName.Shown(_configuration.Store);
        if (opening.Suspects == 0)
            Log.Opened(_logger, store);
        else
            Log.OpenedAfterCrash(_logger, store, opening.Suspects, opening.Poisoned);
        await Keys.ReadAsync(cancellationToken);
        CheckDoors();
        TellDoors();
        var dispatcher = new Dispatcher(_inner, Redacted(_options.Handler ?? _delivery!.DeliverAsync), Policies(_configuration), new()
        {
            Node = _options.Node,
            PolicyOf = PolicyOf,
            Time = _options.Time,
            Logger = _loggers.CreateLogger("Recourse.Dispatch"),
            OnAttempt = Meters.Attempted,
        });
        _controls = await _inner.Queries.ControlsAsync(cancellationToken);
        Isolate(dispatcher);
        dispatcher.Start(opening);
        _dispatcher = dispatcher;
        if (_inner.Nodes is { } nodes)
        {
            nodes.Logger = _loggers.CreateLogger("Recourse.Nodes");
            nodes.Observe(news => Controlled(dispatcher, news.Controls));
        }
        Replays.Start();
        await WarnOfWhatIsGoneAsync(cancellationToken);
    }

    /// <summary>It can be reached from other machines. Only a relay in a process of its own knows.</summary>
    public bool ListensBeyondLoopback => _options.Standalone && _options.Configuration.Listen.Any(address => !address.IsLoopback);

    /// <summary>Without any key, everybody is let in: the configuration says so, or the application around it looks after that.</summary>
    public bool OpenToAll => !_options.Standalone || _options.Configuration.Insecure;

    private void CheckDoors()
    {
        if (Keys.InUse || !ListensBeyondLoopback || _options.Configuration.Insecure)
            return;
        throw new UnlockedDoorException(
            $"{string.Join(", ", _options.Configuration.Listen.Where(address => !address.IsLoopback))} can be reached from other machines, "
            + "and no key was made yet: whoever finds it could do everything. Make one first (recourse keys add --role admin --name NAME "
            + "--config FILE), listen on loopback, or write insecure: true where something else guards it.");
    }

    private void TellDoors()
    {
        if (Keys.InUse)
            Log.KeysInUse(_logger, Keys.All.Count(key => key.Parent is null));
        else if (!ListensBeyondLoopback)
            Log.OpenOnLoopback(_logger);
        else
            Log.OpenToEverybody(_logger);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Refuses new messages, and waits for the attempts under way while the listener still answers.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (IsStopping || _dispatcher is not { } dispatcher)
            return;
        IsStopping = true;
        Log.Stopping(_logger, Wording.Span(_configuration.ShutdownGrace));
        await Replays.DisposeAsync();
        await dispatcher.StopAsync(_configuration.ShutdownGrace);
        Log.Stopped(_logger);
    }

    // A host that knows only two steps comes here first.
    public Task StopAsync(CancellationToken cancellationToken) => StoppingAsync(cancellationToken);

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Takes over a configuration that was read again. Breakers keep their state; what the listener and the store are counts from the next
    /// start.
    /// </summary>
    public async Task ApplyAsync(RelayConfiguration configuration)
    {
        var before = _configuration;
        if (!before.Listen.SequenceEqual(configuration.Listen))
            Log.NeedsRestart(_logger, "listen");
        if (before.Insecure != configuration.Insecure)
            Log.NeedsRestart(_logger, "insecure");
        if (!before.PayloadKeys.Select(key => key.Id).SequenceEqual(configuration.PayloadKeys.Select(key => key.Id)))
            Log.NeedsRestart(_logger, "encryption");
        if (before.Tls != configuration.Tls)
            Log.NeedsRestart(_logger, "tls");
        if (before.Store != configuration.Store)
            Log.NeedsRestart(_logger, "store");
        if (before.Durability != configuration.Durability)
            Log.NeedsRestart(_logger, "durability");
        if (before.Limits.MaxConnections != configuration.Limits.MaxConnections)
            Log.NeedsRestart(_logger, "limits.max_connections");
        if (!before.Telemetry.Equals(configuration.Telemetry with { Headers = before.Telemetry.Headers }))
            Log.NeedsRestart(_logger, "telemetry");
        Remember(configuration);
        (_configuration, _doors) = (configuration, Doors(configuration));
        _redactor = Redacting(configuration);
        _delivery?.Update(Targets(configuration));
        _dispatcher?.Update(Policies(configuration));
        if (_dispatcher is { } dispatcher)
            Isolate(dispatcher);
        Log.Reloaded(_logger, configuration.Queues.Count, configuration.Services.Count);
        await WarnOfWhatIsGoneAsync(CancellationToken.None);
    }

    // What an operator isolated stays so over a restart, and when a service comes back into the configuration.
    private void Isolate(Dispatcher dispatcher)
    {
        foreach (var control in _controls)
        {
            if (control.Kind is ControlKind.ServiceIsolated)
                dispatcher.Isolate(control.Name);
        }
    }

    // Set by whichever node an operator spoke to.
    private void Controlled(Dispatcher dispatcher, IReadOnlyList<Control> controls)
    {
        var before = Isolated(_controls);
        var held = _controls.Count;
        _controls = controls;
        var now = Isolated(controls);
        foreach (var service in now.Except(before))
            dispatcher.Isolate(service);
        foreach (var service in before.Except(now))
            dispatcher.Reset(service);
        if (controls.Count < held)
        {
            foreach (var service in dispatcher.Status)
                dispatcher.Notify(service.Name);
        }
    }

    private static List<string> Isolated(IReadOnlyList<Control> controls) =>
        [.. controls.Where(control => control.Kind is ControlKind.ServiceIsolated).Select(control => control.Name)];

    private static string Shown(Uri address) => address.GetLeftPart(UriPartial.Authority);

    private async Task ControlledAsync(ControlCommand command)
    {
        _controls = await _inner.Queries.ControlsAsync();
        if (command.Kind is not ControlKind.ServiceIsolated)
            return;
        if (command.On)
        {
            _dispatcher?.Isolate(command.Name);
            return;
        }
        // A reset also closes a breaker that opened by itself: here at once, on other nodes within 2 s.
        _dispatcher?.Reset(command.Name);
        if (_inner.Nodes is not null)
            await Store.CommitAsync(new ResetServiceCommand(command.Name));
    }

    public async ValueTask DisposeAsync()
    {
        await Replays.DisposeAsync();
        if (_dispatcher is { } dispatcher)
            await dispatcher.DisposeAsync();
        await _inner.DisposeAsync();
        Keys.Dispose();
        _delivery?.Dispose();
        _book.Dispose();
    }

    private static Redactor Redacting(RelayConfiguration configuration) =>
        new(configuration.Redact.Headers, [.. configuration.Redact.Json.Select(JsonPath.Parse).OfType<JsonPath>()]);

    // What a service answers may repeat what it was sent; it is masked before it is stored, logged or shown.
    private DeliveryHandler Redacted(DeliveryHandler handler) => async (delivery, cancellationToken) =>
    {
        var result = await handler(delivery, cancellationToken);
        return result.Fault is { } fault && result.Error is { } error
            ? DeliveryResult.Failed(fault, _redactor.Text(error), result.Status, result.RetryAfter) : result;
    };

    private static Dictionary<string, QueueDoor> Doors(RelayConfiguration configuration) =>
        configuration.Queues.Values.ToDictionary(queue => queue.Name, queue => new QueueDoor(queue, configuration));

    private DeliveryPolicy PolicyOf(string queue) => _known.TryGetValue(queue, out var known) ? known.Policy : new();

    private void Remember(RelayConfiguration configuration)
    {
        foreach (var queue in configuration.Queues.Values)
            _known[queue.Name] = queue;
    }

    private static IEnumerable<ServicePolicy> Policies(RelayConfiguration configuration) =>
        configuration.Services.Values.Where(service => service.Url is not null).Select(service => service.Policy);

    internal static IEnumerable<ServiceTarget> Targets(RelayConfiguration configuration) =>
        configuration.Services.Values.Select(service => new ServiceTarget
        {
            Name = service.Policy.Name,
            Url = service.Url,
            Method = service.Method,
            Headers = service.Headers,
            SuccessStatuses = service.SuccessStatuses,
            AllowedHeaders = service.AllowHeaders,
            Auth = service.Auth,
            TokenPatience = AccessTokens.PatienceWithin(service.Policy.Timeout),
            Signer = service.SignSecrets.Count > 0 ? new(service.SignSecrets) : null,
            Tls = service.Tls,
        });

    private async Task WarnOfWhatIsGoneAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var queue in await Store.Queries.QueuesAsync(cancellationToken))
            {
                if (!_configuration.Queues.ContainsKey(queue.Queue) && queue.Waiting + queue.Delayed + queue.Leased is > 0 and var held)
                    Log.Draining(_logger, queue.Queue, held);
            }
            foreach (var service in await Store.Queries.ServicesAsync(cancellationToken))
            {
                if (_configuration.Services.GetValueOrDefault(service.Service)?.Url is null
                    && service.Waiting + service.Delayed + service.Leased is > 0 and var held)
                    Log.Orphaned(_logger, service.Service, held);
            }
        }
        catch (StoreException error)
        {
            Log.PassFailed(_logger, "what is no longer configured", error);
        }
    }
}
