namespace Recourse.Durable;

/// <summary>
/// Delivers what a <see cref="MessageStore"/> holds: a loop per service claims what is due, a handler makes the attempts, and each
/// outcome is committed with the decision that follows from it. It knows nothing of HTTP. Nothing is kept in memory that a restart would
/// lose. Start it once, after the store was opened; all members are safe from any thread.
/// </summary>
public sealed class Dispatcher : IAsyncDisposable, IArrivals
{
    private readonly Lock _lock = new();
    private readonly MessageStore _store;
    private readonly DispatcherOptions _options;
    private readonly AloneGate _gate;
    private readonly SuspectLoop _suspects;
    private readonly OutcomeCommit _commit;
    private readonly DeliveryAttempt _attempt;
    private readonly CancellationTokenSource _cancelAttempts = new();
    private readonly CancellationTokenSource _giveUp = new();
    private readonly List<Task> _loops = [];
    private volatile IReadOnlyList<ServiceRoute> _routes = [];
    private NodeShare _share = NodeShare.Whole;
    private Task? _stop;
    private bool _started;

    /// <summary>A dispatcher that stands still until <see cref="Start"/>.</summary>
    /// <param name="store">An open store.</param>
    /// <param name="handler">Makes the attempts, for all services; called from many threads.</param>
    /// <param name="services">The services, no name twice; more can come and go with <see cref="Update"/>.</param>
    /// <param name="options">Clock, node name, policies and observers; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range, or a name comes twice.</exception>
    public Dispatcher(MessageStore store, DeliveryHandler handler, IEnumerable<ServicePolicy> services, DispatcherOptions? options = null)
    {
        (_store, _options) = (store, (options ?? new()).Checked());
        _gate = new AloneGate(_options.Time);
        _commit = new OutcomeCommit(store, _options, _giveUp.Token);
        _attempt = new DeliveryAttempt(new AttemptCall(handler, _options, _cancelAttempts.Token), _commit, _options);
        _suspects = new SuspectLoop(_gate, () => _routes, _options);
        Update(services);
    }

    /// <summary>What each service's breaker and bulkhead look like now, in the order of the configuration.</summary>
    public IReadOnlyList<ServiceStatus> Status => [.. _routes.Select(route => route.Guard.Status())];

    /// <summary>All loops sleep and exactly so many attempts are under way: nothing happens until a call ends or the time moves. For
    /// tests.</summary>
    internal bool IsQuiet(int underWay) => _gate.InFlight == underWay
        && (_suspects.IsAsleep || underWay > 0 && (_gate.IsAwaited || _suspects.Runs)) && _routes.All(route => route.IsAsleep);

    /// <summary>Begins to deliver.</summary>
    /// <param name="opening">What the store found when it was opened; null looks for suspects in any case.</param>
    public void Start(StoreOpening? opening = null)
    {
        lock (_lock)
        {
            if (_started || _stop is not null) throw new InvalidOperationException("A dispatcher starts once; make another.");
            _started = true;
            if (opening is not { Suspects: 0 }) CheckSuspects();
            foreach (var route in _routes) _loops.Add(_options.Begin(route.RunAsync));
            _loops.Add(_options.Begin(_suspects.RunAsync));
        }

        _store.Nodes?.Observe(Hear);
        _store.Arrivals = this;
    }

    /// <inheritdoc/>
    ArrivalRoom? IArrivals.Reserve(string service, int count) => Find(service)?.Reserve(count);

    /// <summary>What other nodes did that share the store.</summary>
    private void Hear(NodeNews news)
    {
        if (news.Suspects > 0) CheckSuspects();
        foreach (var service in news.Resets) Reset(service);
        foreach (var service in news.Work) Notify(service);
        if (_share == news.Share) return;
        _share = news.Share;
        foreach (var route in _routes)
        {
            route.Guard.Divide(news.Share);
            route.Wake();
        }
        _suspects.Wake();
    }

    /// <summary>There may be new work for a service: call it after each commit of an enqueue or a replay. A service that is not known is
    /// passed over.</summary>
    public void Notify(string service) => Find(service)?.Wake();

    /// <summary>A message was stored: wakes its services, unless its attempt has begun with its storing.</summary>
    public void Notify(EnqueueCommand stored)
    {
        if (stored.IsTaken) return;
        for (var i = 0; i < stored.Message.Services.Count; i++) Notify(stored.Message.Services[i]);
    }

    /// <summary>There may be new suspects, because another node ended.</summary>
    public void CheckSuspects()
    {
        foreach (var route in _routes) route.SuspectsFound();
        _suspects.Wake();
    }

    /// <summary>Opens a service's breaker until <see cref="Reset"/>: nothing is sent to it. False when there is no such service.</summary>
    public bool Isolate(string service)
    {
        if (Find(service) is not { } route) return false;
        route.Guard.Breaker.Isolate();
        return true;
    }

    /// <summary>Closes a service's breaker and forgets its counts; deliveries go on at once. False when there is no such service.</summary>
    public bool Reset(string service)
    {
        if (Find(service) is not { } route) return false;
        route.Guard.Reset();
        route.Wake();
        _suspects.Wake();
        return true;
    }

    /// <summary>
    /// Takes over another list of services. Those that stay keep the state of their breaker and what is under way; those that go claim
    /// nothing more and finish what they have in hand; their deliveries wait in the store.
    /// </summary>
    /// <exception cref="ArgumentException">A name comes twice; nothing changed.</exception>
    public void Update(IEnumerable<ServicePolicy> services)
    {
        var policies = services.ToList();
        if (policies.GroupBy(policy => policy.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Service '{twice.Key}' is listed {twice.Count()} times; a name stands for one service.",
                nameof(services));
        lock (_lock)
        {
            if (_stop is not null) return;
            var before = _routes.ToDictionary(route => route.Guard.Policy.Name);
            _routes = [.. policies.Select(policy => before.Remove(policy.Name, out var route) ? Reloaded(route, policy) : Added(policy))];
            foreach (var gone in before.Values) gone.Stop();
            _suspects.Wake();
        }
    }

    /// <summary>
    /// Stops: claims nothing more, gives back what was claimed and not begun, waits for the attempts under way, and after the grace
    /// cancels them; a cancelled attempt is stored as failed and is due again at once. When it ends, no lease is held, unless the log
    /// says which.
    /// </summary>
    /// <param name="grace">How long attempts may go on; zero cancels them at once.</param>
    public Task StopAsync(TimeSpan grace)
    {
        lock (_lock) return _stop ??= StopOnceAsync(grace);
    }

    /// <summary>Stops with a grace of zero, if it was not stopped before.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        _cancelAttempts.Dispose();
        _giveUp.Dispose();
    }

    private async Task StopOnceAsync(TimeSpan grace)
    {
        var routes = _routes;
        foreach (var route in routes) route.Stop();
        _suspects.Stop();
        if (!await _gate.CloseAsync(grace))
        {
            DispatchLog.StopCancels(_options.Logger, _gate.InFlight, Durations.Text(grace));
            await _cancelAttempts.CancelAsync();
            // Handlers that ignore their token are abandoned after their grace, and outcomes get a last chance to be stored.
            if (!await _gate.WaitEmptyAsync(_options.AbandonAfter + _options.SafetyPoll)) await GiveUpAsync();
        }

        await Task.WhenAll(_loops).WaitAsync(_options.SafetyPoll, _options.Time).ConfigureAwait(DispatcherOptions.Quietly);
    }

    private async Task GiveUpAsync()
    {
        await _giveUp.CancelAsync();
        if (!await _gate.WaitEmptyAsync(_options.SafetyPoll)) DispatchLog.StopGivesUp(_options.Logger, _gate.InFlight);
    }

    private ServiceRoute? Find(string service)
    {
        foreach (var route in _routes)
        {
            if (route.Guard.Policy.Name == service) return route;
        }

        return null;
    }

    private static ServiceRoute Reloaded(ServiceRoute route, ServicePolicy policy)
    {
        route.Guard.Reload(policy);
        route.Wake();
        return route;
    }

    private ServiceRoute Added(ServicePolicy policy)
    {
        var route = new ServiceRoute(new ServiceGuard(policy, _options), _store, _gate, _attempt, _commit, _options);
        route.Guard.Divide(_share);
        // What it had in hand when it was last known, if anything, is for the suspects' loop to find.
        if (_started)
        {
            route.SuspectsFound();
            _loops.Add(_options.Begin(route.RunAsync));
        }

        return route;
    }
}
