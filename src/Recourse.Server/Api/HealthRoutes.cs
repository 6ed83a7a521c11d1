using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Health, for whoever starts, stops and routes to the process.</summary>
internal static class HealthRoutes
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static void Map(ApiRoutes routes)
    {
        routes.Map(new("GET", "/health/live", "200 while the process runs.") { Open = true, Answer = typeof(LiveView) }, LiveAsync);
        routes.Map(new("GET", "/health/ready",
            "200 while messages are taken; a breaker that holds deliveries back is 'degraded' in the body, no error.")
        {
            Open = true,
            Answer = typeof(ReadyView),
            Problems = [503],
        }, ReadyAsync);
    }

    private static Task LiveAsync(HttpContext http, Relay relay) =>
        http.Response.WriteAsJsonAsync(new LiveView("live", RelayVersion.Text), ApiJson.Plain.LiveView);

    private static async Task ReadyAsync(HttpContext http, Relay relay)
    {
        if (relay.IsStopping)
            throw new ProblemException(StoreProblems.Stopping);
        if (relay.Health.Trouble is { } trouble)
            throw new ProblemException(StoreProblems.Describe(trouble) with { RetryAfter = StoreProblems.Patience });
        IReadOnlyList<QueueCounts> books;
        try
        {
            books = await relay.Books.ReadAsync().WaitAsync(Patience, relay.Time, http.RequestAborted);
        }
        catch (TimeoutException error)
        {
            throw new StoreException("The store did not answer a query in time.", StoreProblem.Unavailable, error);
        }
        var services = relay.Services;
        var letters = DeadLetterFill.State(books.Sum(queue => queue.Dead), relay.Configuration.DeadLetterQueue.MaxSize);
        await http.Response.WriteAsJsonAsync(new ReadyView(
            services.Any(BreakerState.HoldsBack) ? "degraded" : "ready", "ok", letters,
            services.ToDictionary(service => service.Name, service => service.Breaker)), ApiJson.Plain.ReadyView);
    }
}
