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
    }

    private static async Task ListAsync(HttpContext http, Relay relay)
    {
        await http.Response.WriteAsJsonAsync(new(await AllAsync(relay, http.RequestAborted), null), ApiJson.Plain.ListViewQueueView);
    }

    private static async Task GetAsync(HttpContext http, Relay relay)
    {
        var name = (string)http.Request.RouteValues["queue"]!;
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
            configuration.Queues.GetValueOrDefault(name), now))];
    }
}
