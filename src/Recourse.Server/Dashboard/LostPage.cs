using Microsoft.AspNetCore.Http;

namespace Recourse.Server.Dashboard;

/// <summary>What a person sees in a browser at an address that is none. Programs, which do not ask for HTML, get a problem.</summary>
internal sealed class LostPage(TimeProvider time)
{
    private readonly DashboardPages _pages = new(new QueueRates(time), time);

    public static bool IsMeant(HttpRequest request) => HttpMethods.IsGet(request.Method)
        && !request.Path.StartsWithSegments("/v1", StringComparison.Ordinal)
        && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    public Task WriteAsync(HttpContext http)
    {
        var path = http.Request.Path.Value!.TrimEnd('/');
        return _pages.Problem(http, path.Count(letter => letter == '/'), StatusCodes.Status404NotFound, "No such page",
            "There is no page at this address. What a list shows leads to every page there is.").ExecuteAsync(http);
    }
}
