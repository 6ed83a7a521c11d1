using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Services: their breakers and bulkheads, and the verbs on them.</summary>
internal static class ServiceRoutes
{
    public static void Map(ApiRoutes routes)
    {
        routes.Map(new("GET", "/v1/services", "All services with breaker, bulkhead and what waits for them.")
        {
            Answer = typeof(ListView<ServiceView>),
            Problems = [503],
        }, ListAsync);
        routes.Map(new("GET", "/v1/services/{name}", "One service.") { Answer = typeof(ServiceView), Problems = [404, 503] }, GetAsync);
        routes.Map(Act("isolate", "Opens the breaker until it is reset, over restarts too: nothing is sent to the service."),
            (http, relay) => HoldAsync(http, relay, ControlKind.ServiceIsolated, on: true));
        routes.Map(Act("reset", "Closes the breaker and forgets its counts."),
            (http, relay) => HoldAsync(http, relay, ControlKind.ServiceIsolated, on: false));
        routes.Map(Act("pause", "Delivers nothing to the service until it is resumed; what is under way ends."),
            (http, relay) => HoldAsync(http, relay, ControlKind.ServicePaused, on: true));
        routes.Map(Act("resume", "Lets deliveries to a paused service go on."),
            (http, relay) => HoldAsync(http, relay, ControlKind.ServicePaused, on: false));
    }

    private static ApiRoute Act(string verb, string summary) =>
        new("POST", $"/v1/services/{{name}}:{verb}", summary)
        {
            Takes = "application/json",
            Answer = typeof(ServiceView),
            Problems = [400, 404, 415, 503],
        };

    private static async Task ListAsync(HttpContext http, Relay relay)
    {
        await http.Response.WriteAsJsonAsync(new(await AllAsync(relay, http.RequestAborted), null), ApiJson.Plain.ListViewServiceView);
    }

    private static async Task GetAsync(HttpContext http, Relay relay)
    {
        await WriteAsync(http, relay, (string)http.Request.RouteValues["name"]!);
    }

    private static async Task HoldAsync(HttpContext http, Relay relay, ControlKind kind, bool on)
    {
        var act = await LetterAccess.ReadActAsync(http.Request);
        var name = (string)http.Request.RouteValues["name"]!;
        if ((await AllAsync(relay, http.RequestAborted)).All(service => service.Name != name))
            throw new ProblemException(Unknown(name, relay));
        await relay.Store.CommitAsync(new ControlCommand(kind, name, on, act.Actor!, act.Reason));
        await WriteAsync(http, relay, name);
    }

    private static async Task WriteAsync(HttpContext http, Relay relay, string name)
    {
        var found = (await AllAsync(relay, http.RequestAborted)).FirstOrDefault(service => service.Name == name)
            ?? throw new ProblemException(Unknown(name, relay));
        await http.Response.WriteAsJsonAsync(found, ApiJson.Plain.ServiceView);
    }

    private static async Task<IReadOnlyList<ServiceView>> AllAsync(Relay relay, CancellationToken cancellationToken)
    {
        var counts = (await relay.Store.Queries.ServicesAsync(cancellationToken)).ToDictionary(service => service.Service);
        var status = relay.Services.ToDictionary(service => service.Name);
        var configuration = relay.Configuration;
        return [.. counts.Keys.Union(status.Keys).Union(configuration.Services.Keys).Order(StringComparer.Ordinal).Select(View)];

        ServiceView View(string name)
        {
            var (now, held) = (status.GetValueOrDefault(name), counts.GetValueOrDefault(name));
            return new()
            {
                Name = name,
                Breaker = now?.Breaker,
                RetryAfterSeconds = Math.Round(now?.RetryAfter.TotalSeconds ?? 0, 3),
                InFlight = now?.InFlight ?? 0,
                MaxConcurrent = now?.MaxConcurrent ?? 0,
                ConsecutiveFailures = now?.ConsecutiveFailures ?? 0,
                BreakerNote = now is null ? null : BreakerState.Note(now),
                LastError = now?.LastError,
                LastErrorAt = now?.LastErrorAt,
                Waiting = held?.Waiting ?? 0,
                Delayed = held?.Delayed ?? 0,
                Leased = held?.Leased ?? 0,
                Dead = held?.Dead ?? 0,
                Blocked = held?.Blocked ?? 0,
                BlockedLanes = held?.BlockedLanes ?? 0,
                Paused = relay.Holds(ControlKind.ServicePaused, name),
                Controls = ViewMapping.View(relay.Controls, name, ControlKind.ServicePaused, ControlKind.ServiceIsolated),
                Importance = configuration.Services.GetValueOrDefault(name)?.Policy.Importance,
                Queues = [.. configuration.Queues.Values.Where(queue => queue.DeliverTo.Contains(name)).Select(queue => queue.Name)],
            };
        }
    }

    public static Problem Unknown(string name, Relay relay) =>
        Problem.Of(StatusCodes.Status404NotFound, "unknown-service", Spelling.Nearest(name, relay.Configuration.Services.Keys) is { } near
            ? $"There is no service '{name}'. Did you mean '{near}'?"
                : $"There is no service '{name}'. GET /v1/services lists the services.");
}
