using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Queues and their books.</summary>
internal static class QueueRoutes
{
    public static void Map(ApiRoutes routes)
    {
        routes.Map(new("GET", "/v1/queues", "All queues with their books, by name.")
        {
            Answer = typeof(ListView<QueueView>),
            Problems = [503]
        }, ListAsync);
        routes.Map(new("GET", "/v1/queues/{queue}", "One queue with its books.") { Answer = typeof(QueueView), Problems = [404, 503] },
            GetAsync);
        Map(routes, "pause", "Holds a queue: it takes messages in and delivers nothing.", ControlKind.QueuePaused);
        Map(routes, "drain", "Empties a queue: it delivers what it has and answers 429 to new messages.", ControlKind.QueueDraining);
        Map(routes, "resume", "Lets a paused or draining queue go on.", null);
    }

    private static void Map(ApiRoutes routes, string verb, string summary, ControlKind? kind) =>
        routes.Map(new("POST", $"/v1/queues/{{queue}}:{verb}", summary)
        {
            Takes = "application/json",
            Answer = typeof(QueueView),
            Problems = [400, 404, 415, 503],
        }, (http, relay) => HoldAsync(http, relay, kind));

    private static async Task HoldAsync(HttpContext http, Relay relay, ControlKind? kind)
    {
        var act = await LetterAccess.ReadActAsync(http.Request);
        var name = (string)http.Request.RouteValues["queue"]!;
        if ((await AllAsync(relay, http.RequestAborted)).All(queue => queue.Name != name))
            throw new ProblemException(QueueDoor.Unknown(name, relay.Configuration));
        foreach (var each in (ControlKind[])(kind is { } one ? [one] : [ControlKind.QueuePaused, ControlKind.QueueDraining]))
            await relay.Store.CommitAsync(new ControlCommand(each, name, kind is not null, act.Actor!, act.Reason));
        await WriteAsync(http, relay, name);
    }

    private static async Task ListAsync(HttpContext http, Relay relay)
    {
        await http.Response.WriteAsJsonAsync(new(await AllAsync(relay, http.RequestAborted), null), ApiJson.Plain.ListViewQueueView);
    }

    private static async Task GetAsync(HttpContext http, Relay relay)
    {
        await WriteAsync(http, relay, (string)http.Request.RouteValues["queue"]!);
    }

    private static async Task WriteAsync(HttpContext http, Relay relay, string name)
    {
        var found = (await AllAsync(relay, http.RequestAborted)).FirstOrDefault(queue => queue.Name == name)
            ?? throw new ProblemException(QueueDoor.Unknown(name, relay.Configuration));
        await http.Response.WriteAsJsonAsync(found, ApiJson.Plain.QueueView);
    }

    // What is configured, and what the store still holds of queues that are no longer.
    private static async Task<IReadOnlyList<QueueView>> AllAsync(Relay relay, CancellationToken cancellationToken)
    {
        var counts = (await relay.Store.Queries.QueuesAsync(cancellationToken)).ToDictionary(queue => queue.Queue);
        var configuration = relay.Configuration;
        var now = relay.Time.GetUtcNow();
        return [.. counts.Keys.Union(configuration.Queues.Keys).Order(StringComparer.Ordinal).Select(name => ViewMapping.View(
            counts.GetValueOrDefault(name) ?? new QueueCounts(name, 0, 0, 0, 0, 0, 0, 0, 0, null),
            configuration.Queues.GetValueOrDefault(name),
            ViewMapping.View(relay.Controls, name, ControlKind.QueuePaused, ControlKind.QueueDraining), now))];
    }
}
