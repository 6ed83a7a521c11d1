using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>A queue's deliveries for one service; changes of its books gather here until the commit.</summary>
internal sealed class Route
{
    public required long Id { get; init; }
    public required string Queue { get; init; }
    public required long QueueId { get; init; }
    public required string Service { get; init; }
    public required long ServiceId { get; init; }

    /// <summary>Not yet written: by <see cref="DeliveryState"/>; what was accepted is their sum.</summary>
    public int[] Changes { get; } = new int[7];

    public bool Changed { get; set; }

    /// <summary>Where a claim has to look.</summary>
    public ClaimSources Sources { get; } = new();
}

/// <summary>
/// All routes, in memory, with the books: every change of a delivery's state moves it from one count to another here, and the sums are
/// written once for all commands of a commit. So counts cost nothing to read, survive pruning, and balance by construction (and by a
/// CHECK).
/// </summary>
internal sealed class Routes
{
    private readonly SqliteDatabase _database;
    private readonly Names _queues;
    private readonly Names _services;
    private readonly Dictionary<(string Queue, string Service), Route> _byName = [];
    private readonly Dictionary<long, Route> _byId = [];
    private readonly Dictionary<string, List<Route>> _byService = [];
    private readonly List<Route> _changed = [];
    private readonly SqliteStatement _all;
    private readonly SqliteStatement _add;
    private readonly SqliteStatement _write;

    public Routes(SqliteDatabase database)
    {
        _database = database;
        _queues = new(database, "queues");
        _services = new(database, "services");
        _all = database.Prepare(
            """
            SELECT r.id, q.name, r.queue, s.name, r.service FROM routes r
            JOIN queues q ON q.id = r.queue JOIN services s ON s.id = r.service ORDER BY r.id
            """);
        _add = database.Prepare("INSERT INTO routes (queue, service) VALUES (?1, ?2) RETURNING id");
        _write = database.Prepare(
            """
            UPDATE routes SET accepted = accepted + ?2, waiting = waiting + ?3, leased = leased + ?4, delivered = delivered + ?5,
              dead = dead + ?6, discarded = discarded + ?7, expired = expired + ?8 WHERE id = ?1
            """);
        Load();
    }

    /// <exception cref="KeyNotFoundException">A damaged row names a route that does not exist.</exception>
    public Route Of(long id) => Find(id) ?? throw new KeyNotFoundException($"its route {id} is not there");

    /// <summary>The route, or null where a damaged row names one that does not exist.</summary>
    public Route? Find(long id) => _byId.GetValueOrDefault(id);

    public IReadOnlyCollection<Route> All => _byId.Values;

    /// <summary>The routes that lead to a service; empty when nothing was ever sent to it.</summary>
    public IReadOnlyList<Route> To(string service) => _byService.TryGetValue(service, out var routes) ? routes : [];

    public Route Of(string queue, string service)
    {
        if (_byName.TryGetValue((queue, service), out var known))
            return known;
        var queueId = _queues.Id(queue);
        var serviceId = _services.Id(service);
        return Remember(_add.Bind(1, queueId).Bind(2, serviceId).Scalar()!.Value, queue, queueId, service, serviceId);
    }

    /// <summary>The number of a queue's name.</summary>
    public long QueueId(string queue) => _queues.Id(queue);

    public void Accept(Route route) => Change(route, DeliveryState.Waiting, 1);

    /// <summary>Accepted and dead at once: what an import brings.</summary>
    public void AcceptDead(Route route) => Change(route, DeliveryState.Dead, 1);

    /// <summary>From one count to another; null for the route of a damaged row, which no book counts.</summary>
    public void Move(Route? route, DeliveryState from, DeliveryState to)
    {
        if (route is null)
            return;
        Change(route, from, -1);
        Change(route, to, 1);
    }

    private void Change(Route route, DeliveryState state, int by)
    {
        route.Changes[(int)state] += by;
        if (route.Changed)
            return;
        route.Changed = true;
        _changed.Add(route);
    }

    /// <summary>Writes the gathered changes: once for all commands, just before they are committed.</summary>
    public void Write()
    {
        foreach (var route in _changed)
        {
            var by = route.Changes;
            _write.Bind(1, route.Id).Bind(2, by.Sum()).Bind(3, by[(int)DeliveryState.Waiting]).Bind(4, by[(int)DeliveryState.Leased])
                .Bind(5, by[(int)DeliveryState.Delivered]).Bind(6, by[(int)DeliveryState.Dead]).Bind(7, by[(int)DeliveryState.Discarded])
                .Bind(8, by[(int)DeliveryState.Expired]).Run();
        }
        Drop();
    }

    private void Drop()
    {
        foreach (var route in _changed)
        {
            Array.Clear(route.Changes);
            route.Changed = false;
        }
        _changed.Clear();
    }

    /// <summary>After a rollback: forgets gathered changes and what was added, and reads what is there.</summary>
    public void Reload()
    {
        Drop();
        _queues.Forget();
        _services.Forget();
        _byName.Clear();
        _byId.Clear();
        _byService.Clear();
        Load();
    }

    private void Load()
    {
        while (_all.Step())
            Remember(_all.Int64(0), _all.Text(1), _all.Int64(2), _all.Text(3), _all.Int64(4));
    }

    private Route Remember(long id, string queue, long queueId, string service, long serviceId)
    {
        var route = new Route { Id = id, Queue = queue, QueueId = queueId, Service = service, ServiceId = serviceId };
        _byName.Add((queue, service), route);
        _byId.Add(id, route);
        if (!_byService.TryGetValue(service, out var routes))
            _byService.Add(service, routes = []);
        routes.Add(route);
        return route;
    }
}
