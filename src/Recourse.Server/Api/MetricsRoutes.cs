using Microsoft.AspNetCore.Http;
using Recourse.Durable;
using Recourse.Server.Metrics;

namespace Recourse.Server.Api;

/// <summary>The meters in the text format of Prometheus.</summary>
internal static class MetricsRoutes
{
    public static void Map(ApiRoutes routes) => routes.Map(new("GET", "/metrics", "The meters in the text format of Prometheus.")
    {
        AnswerType = PrometheusText.MediaType,
    }, GetAsync);

    private static async Task GetAsync(HttpContext http, Relay relay)
    {
        try
        {
            await relay.Books.ReadAsync().WaitAsync(TimeSpan.FromSeconds(2), relay.Time, http.RequestAborted);
        }
        catch (Exception error) when (error is StoreException or TimeoutException)
        {
            // Without the store the books are those of the last time; the other meters are what one wants to see now.
        }
        var text = relay.Exposition.Write();
        http.Response.ContentType = PrometheusText.MediaType;
        http.Response.ContentLength = text.Length;
        await http.Response.BodyWriter.WriteAsync(text, http.RequestAborted);
    }
}
