using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Recourse.Durable;

namespace Recourse.Server.Dashboard;

// The forms that concern many deliveries: bulk replays, and what an operator holds. Each answers with a redirect, so that a reload never
// sends it again.
internal sealed class OperatorForms(DashboardPages pages)
{
    public async Task<IResult> StartReplayAsync(HttpContext http, string id)
    {
        const int Depth = 1;
        var (form, refusal) = await CheckAsync(http, Depth);
        if (form is null)
            return refusal!;
        if (Runner(http) is not { } runner)
            return pages.NotFound(http, Depth, "No relay in this process works on replays.");
        try
        {
            var job = await runner.StartJobAsync(Request(http, form), http.RequestAborted);
            return SeeOther(http, Depth, $"/replays/{job.Id}", "replay-started");
        }
        catch (Exception error) when (error is ArgumentException or FormatException)
        {
            return pages.Problem(http, Depth, StatusCodes.Status400BadRequest, "The replay was not started",
                "A value in the form is out of its range. Nothing was changed.", error.Message);
        }
    }

    public async Task<IResult> SteerAsync(HttpContext http, string id, ReplayVerb verb)
    {
        const int Depth = 3;
        var (form, refusal) = await CheckAsync(http, Depth);
        if (form is null)
            return refusal!;
        if (Runner(http) is not { } runner || !Guid.TryParseExact(id, "D", out var key))
            return pages.NotFound(http, Depth, "There is no such replay.");
        var steered = await runner.SteerAsync(key, verb, Actor(http), Reason(form), http.RequestAborted);
        return steered.Job is null ? pages.NotFound(http, Depth, "There is no such replay.")
            : SeeOther(http, Depth, $"/replays/{key}", steered.Done ? $"replay-{verb.ToString().ToLowerInvariant()}" : "replay-not");
    }

    public async Task<IResult> HoldAsync(HttpContext http, string id, ControlKind[] kinds, bool on)
    {
        const int Depth = 3;
        var (form, refusal) = await CheckAsync(http, Depth);
        if (form is null)
            return refusal!;
        var controls = await DashboardPages.ControlsModelAsync(http);
        var known = kinds[0] is ControlKind.QueuePaused or ControlKind.QueueDraining ? controls.Queues : controls.Services;
        if (!known.Contains(id))
            return pages.NotFound(http, Depth, "There is no queue or service of this name.");
        // A reset closes the breaker, whoever opened it.
        var changed = !on && kinds is [ControlKind.ServiceIsolated];
        foreach (var kind in kinds)
            changed |= await DashboardPages.Store(http).CommitAsync(
                new ControlCommand(kind, id, on, Actor(http), Reason(form)), http.RequestAborted);
        return SeeOther(http, Depth, "/controls", !changed ? "hold-same" : on ? "held" : "let-go");
    }

    public async Task<IResult> ReleaseNodeAsync(HttpContext http, string id)
    {
        const int Depth = 3;
        var (form, refusal) = await CheckAsync(http, Depth);
        if (form is null)
            return refusal!;
        var released = DashboardPages.Store(http).Nodes is not null
            && long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && await DashboardPages.Store(http).CommitAsync(
                new ReleaseNodeCommand(number, Actor(http), Reason(form)), http.RequestAborted) is not null;
        return SeeOther(http, Depth, "/nodes", released ? "node-released" : "node-gone");
    }

    public static ReplayRunner? Runner(HttpContext http) => http.RequestServices.GetService<ReplayRunner>();

    private static ReplayRequest Request(HttpContext http, IFormCollection form)
    {
        string? Value(string name) => form[name].ToString().Trim() is { Length: > 0 } value ? value : null;
        var limit = Value("limit") is { } most ? long.Parse(most, CultureInfo.InvariantCulture) : (long?)null;
        // The filter is the one of the list that the form stands on, by the same reader.
        var query = form.ToDictionary(pair => pair.Key, pair => pair.Value);
        var search = DeliverySearch.From(new QueryCollection(query)) with { After = null };
        return new()
        {
            Filter = search.Filter(DeliveryState.Dead),
            All = search.IsEmpty,
            Limit = limit,
            Canary = Value("canary") is { } canary ? int.Parse(canary, CultureInfo.InvariantCulture) : 0,
            Rate = Value("rate") is { } rate ? double.Parse(rate, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) : null,
            Actor = Actor(http),
            Reason = Reason(form),
        };
    }

    private Task<(IFormCollection? Form, IResult? Refusal)> CheckAsync(HttpContext http, int depth) => CheckAsync(pages, http, depth);

    public static async Task<(IFormCollection? Form, IResult? Refusal)> CheckAsync(DashboardPages pages, HttpContext http, int depth)
    {
        IResult Refused(string text) => pages.Problem(http, depth, StatusCodes.Status403Forbidden, "Refused", text);
        if (FormGuard.IsFromAnotherSite(http.Request))
            return (null, Refused("The request came from a page of another site. Nothing was changed."));
        if (!http.Request.HasFormContentType)
            return (null, pages.Problem(
                http, depth, StatusCodes.Status415UnsupportedMediaType, "Not a form", "Only the forms of this page are taken here."));
        var form = await FormGuard.ReadAsync(http);
        return FormGuard.HasToken(http.Request, form) ? (form, null) : (null, Refused(
            "The form does not belong to this browser, or cookies are off. Nothing was changed: load the page again and repeat."));
    }

    private static string Actor(HttpContext http) => http.User.Identity?.Name ?? "dashboard";

    private static string? Reason(IFormCollection form) => form["reason"].ToString().Trim() is { Length: > 0 } given
        ? Wording.Shortened(given, DeadLetterForms.ReasonLengthMax) : null;

    private static IResult SeeOther(HttpContext http, int depth, string path, string flash)
    {
        var root = DashboardPages.Root(http, depth);
        Flash.Set(http, root, flash);
        http.Response.Headers.Location = root + path;
        return Results.StatusCode(StatusCodes.Status303SeeOther);
    }
}
