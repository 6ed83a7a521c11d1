using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Recourse.Durable;

namespace Recourse.Server.Dashboard;

/// <summary>Mounts the operator's dashboard in an ASP.NET Core application.</summary>
public static class DashboardEndpoints
{
    private const int FormBytesMax = 16 * 1024;
    // A body of the largest size that is edited on a page, with every character written as three.
    private const int EditBytesMax = (3 * EditableText.BytesMax) + FormBytesMax;

    /// <summary>
    /// Maps the dashboard at <c>/</c>; under a prefix when called on a route group. It needs a <see cref="MessageStore"/> among the
    /// services, and takes a <see cref="DashboardData"/> and a <see cref="TimeProvider"/> from there when they are registered. It carries
    /// no authorization of its own: add it to what is returned.
    /// </summary>
    public static IEndpointConventionBuilder MapDashboard(this IEndpointRouteBuilder endpoints)
    {
        var time = endpoints.ServiceProvider.GetService<TimeProvider>() ?? TimeProvider.System;
        var pages = new DashboardPages(new QueueRates(time), time);
        var forms = new DeadLetterForms(pages);
        var group = endpoints.MapGroup("").ExcludeFromDescription();

        Page("/", (http, _) => pages.OverviewAsync(http));
        Page("/dead-letters", (http, _) => pages.DeadLettersAsync(http));
        Page("/dead-letters/groups", (http, _) => pages.GroupsAsync(http));
        Page("/failing", (http, _) => pages.FailingAsync(http));
        Page("/dead-letters/{id}", pages.DeliveryAsync);
        Page("/deliveries/{id}", pages.DeliveryAsync);
        Get("/deliveries/{id}/payload", DashboardPages.PayloadAsync);
        Page("/messages/{id}", pages.MessageAsync);
        Get("/assets/{id}", (http, file) => Task.FromResult(Asset.Serve(http, file)));
        foreach (var (verb, form) in forms.ByVerb) Post($"/deliveries/{{id}}/{verb}", form, verb == "edit" ? EditBytesMax : FormBytesMax);
        MapOperators(pages, (pattern, page) => Page(pattern, page), (pattern, form) => Post(pattern, form, FormBytesMax));
        return group;

        void Page(string pattern, Func<HttpContext, string, Task<IResult>> page) => Get(pattern, page).WithMetadata(new DashboardPage());

        IEndpointConventionBuilder Get(string pattern, Func<HttpContext, string, Task<IResult>> page) =>
            group.MapGet(pattern, Answer(pattern, page));

        void Post(string pattern, Func<HttpContext, string, Task<IResult>> form, int bytesMax) =>
            group.MapPost(pattern, Answer(pattern, form)).WithMetadata(new RequestSizeLimitAttribute(bytesMax));

        // A store that is away is told on a page, with the code that a monitor understands; the script goes on asking.
        RequestDelegate Answer(string pattern, Func<HttpContext, string, Task<IResult>> page)
        {
            var depth = pattern == "/" ? 0 : pattern.Count(character => character == '/');
            return async http =>
            {
                IResult result;
                try
                {
                    result = await page(http, http.GetRouteValue("id") as string ?? "");
                }
                catch (StoreException error)
                {
                    http.Response.Headers.RetryAfter = "2";
                    result = pages.Problem(
                        http, depth, StatusCodes.Status503ServiceUnavailable, "The store does not answer",
                        "Nothing that was accepted is lost: it is in the store. This page works again as soon as the store does.",
                        error.Message);
                }
                catch (Exception error) when (error is ArgumentException or FormatException && http.Request.Query.ContainsKey("after"))
                {
                    result = pages.Problem(
                        http, depth, StatusCodes.Status400BadRequest, "No such page",
                        "The place in the list that this address names cannot be read.");
                }
                await result.ExecuteAsync(http);
            };
        }
    }

    private static void MapOperators(
        DashboardPages pages, Action<string, Func<HttpContext, string, Task<IResult>>> page,
        Action<string, Func<HttpContext, string, Task<IResult>>> post)
    {
        var forms = new OperatorForms(pages);
        page("/replays", (http, _) => pages.ReplaysAsync(http));
        page("/replays/{id}", pages.ReplayAsync);
        page("/controls", (http, _) => pages.ControlsAsync(http));
        page("/nodes", (http, _) => pages.NodesAsync(http));
        post("/nodes/{id}/release", forms.ReleaseNodeAsync);
        post("/replays", forms.StartReplayAsync);
        foreach (var verb in Enum.GetValues<ReplayVerb>())
            post($"/replays/{{id}}/{verb.ToString().ToLowerInvariant()}", (http, id) => forms.SteerAsync(http, id, verb));
        Hold("/queues/{id}/pause", true, ControlKind.QueuePaused);
        Hold("/queues/{id}/drain", true, ControlKind.QueueDraining);
        Hold("/queues/{id}/resume", false, ControlKind.QueuePaused, ControlKind.QueueDraining);
        Hold("/services/{id}/pause", true, ControlKind.ServicePaused);
        Hold("/services/{id}/resume", false, ControlKind.ServicePaused);
        Hold("/services/{id}/isolate", true, ControlKind.ServiceIsolated);
        Hold("/services/{id}/reset", false, ControlKind.ServiceIsolated);

        void Hold(string pattern, bool on, params ControlKind[] kinds) =>
            post(pattern, (http, id) => forms.HoldAsync(http, id, kinds, on));
    }
}

/// <summary>Marks a page that a person looks at: it may be linked to from elsewhere, and nothing changes when it is opened.</summary>
internal sealed record DashboardPage;
