using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Recourse.Durable;
using Recourse.Server.Api;
using Recourse.Server.Security;

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
        Get("/deliveries/{id}/payload", DashboardPages.PayloadAsync, Role.Operator);
        Page("/messages/{id}", pages.MessageAsync);
        Get("/assets/{id}", (http, file) => Task.FromResult(Asset.Serve(http, file)), null);
        foreach (var (verb, form) in forms.ByVerb) Post($"/deliveries/{{id}}/{verb}", form, verb == "edit" ? EditBytesMax : FormBytesMax);
        Page("/audit", (http, _) => pages.AuditAsync(http), Role.Operator);
        var signIn = new SignIn(pages);
        Get(SignIn.Path, (http, _) => signIn.ShowAsync(http), null).WithMetadata(new DashboardPage());
        Post(SignIn.Path, (http, _) => signIn.InAsync(http), FormBytesMax, null);
        Post("/sign-out", (http, _) => signIn.OutAsync(http), FormBytesMax, Role.Viewer);
        MapOperators(pages, (pattern, page) => Page(pattern, page), (pattern, form) => Post(pattern, form, FormBytesMax));
        return group;

        void Page(string pattern, Func<HttpContext, string, Task<IResult>> page, Role needs = Role.Viewer) =>
            Get(pattern, page, needs).WithMetadata(new DashboardPage());

        IEndpointConventionBuilder Get(string pattern, Func<HttpContext, string, Task<IResult>> page, Role? needs) =>
            group.MapGet(pattern, Answer(pages, pattern, page)).WithMetadata(new Door(needs, Depth(pattern)));

        void Post(string pattern, Func<HttpContext, string, Task<IResult>> form, int bytesMax, Role? needs = Role.Operator) =>
            group.MapPost(pattern, Answer(pages, pattern, form))
                .WithMetadata(new RequestSizeLimitAttribute(bytesMax), new Door(needs, Depth(pattern)));
    }

    // A store that is away is told on a page, with the code that a monitor understands; the script goes on asking.
    private static RequestDelegate Answer(DashboardPages pages, string pattern, Func<HttpContext, string, Task<IResult>> page)
    {
        var depth = Depth(pattern);
        return async http =>
        {
            IResult result;
            try
            {
                result = (http.Features.Get<Refusal>() ?? Unreadable(http.Request)) is { } refusal ? pages.Refused(http, depth, refusal)
                    : await page(http, http.GetRouteValue("id") as string ?? "");
            }
            catch (ProblemException error)
            {
                result = pages.Problem(http, depth, error.Problem.Status, "Not understood", error.Problem.Detail);
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

    // A relay's guard has asked before; the dashboard of an application that mounts it alone has none.
    private static Refusal? Unreadable(HttpRequest request) => Zeros.In(request) is { } problem ? new(problem) : null;

    private static int Depth(string pattern) => pattern == "/" ? 0 : pattern.Count(character => character == '/');

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
