using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Recourse.Durable;
using Recourse.Server.Api;
using Recourse.Server.Dashboard.Pages;

namespace Recourse.Server.Dashboard;

// Bulk replays, and what operators hold.
internal sealed partial class DashboardPages
{
    public async Task<IResult> ReplaysAsync(HttpContext http)
    {
        var queries = Store(http).Queries;
        var counts = await queries.QueuesAsync(http.RequestAborted);
        var page = await queries.ReplaysAsync(After(http), DeliverySearch.PageSize, http.RequestAborted);
        return new PageResult<ReplaysPage, ReplaysModel>(Context(http, 1, "Replays", Section.Replays, counts), new(page));
    }

    public async Task<IResult> ReplayAsync(HttpContext http, string id)
    {
        var queries = Store(http).Queries;
        if (!Guid.TryParseExact(id, "D", out var key) || await queries.ReplayAsync(key, http.RequestAborted) is not { } job)
            return NotFound(http, 2, "There is no such replay.");
        var counts = await queries.QueuesAsync(http.RequestAborted);
        var items = await queries.ReplayItemsAsync(key, null, After(http), DeliverySearch.PageSize, http.RequestAborted);
        var filter = string.Join(", ", ReplayView.Of(job).Filter.EnumerateObject().Select(part => $"{part.Name} {part.Value}"));
        return new PageResult<ReplayPage, ReplayModel>(Context(http, 2, "Replay", Section.Replays, counts), new(job, items, filter));
    }

    public async Task<IResult> ControlsAsync(HttpContext http)
    {
        var counts = await Store(http).Queries.QueuesAsync(http.RequestAborted);
        return new PageResult<ControlsPage, ControlsModel>(
            Context(http, 1, "Hold and let go", Section.Controls, counts), await ControlsModelAsync(http));
    }

    public async Task<IResult> NodesAsync(HttpContext http)
    {
        var counts = await Store(http).Queries.QueuesAsync(http.RequestAborted);
        var several = Store(http).Nodes is not null;
        var nodes = several || http.RequestServices.GetService<DashboardData>() is not { } data
            ? await Store(http).Queries.NodesAsync(http.RequestAborted) : await data.NodesAsync(http.RequestAborted);
        return new PageResult<NodesPage, NodesModel>(Context(http, 1, "Nodes", Section.Nodes, counts), new(nodes, several));
    }

    // Every queue and service that is configured or has something in the store.
    public static async Task<ControlsModel> ControlsModelAsync(HttpContext http)
    {
        var queries = Store(http).Queries;
        var data = http.RequestServices.GetService<DashboardData>();
        var queues = (await queries.QueuesAsync(http.RequestAborted)).Select(queue => queue.Queue).Union(data?.Queues ?? []);
        var services = (await queries.ServicesAsync(http.RequestAborted)).Select(service => service.Service)
            .Union((data?.Services ?? []).Select(service => service.Name));
        return new([.. queues.Order(StringComparer.Ordinal)], [.. services.Order(StringComparer.Ordinal)],
            await queries.ControlsAsync(http.RequestAborted));
    }

    private static string? After(HttpContext http) => http.Request.Query["after"].ToString() is { Length: > 0 } after ? after : null;

    private static string? Held(IReadOnlyList<Control> controls, string queue)
    {
        foreach (var control in controls)
        {
            if (control.Name == queue && control.Kind is (ControlKind.QueuePaused or ControlKind.QueueDraining))
                return Parts.HoldNote.Word(control.Kind);
        }
        return null;
    }
}
