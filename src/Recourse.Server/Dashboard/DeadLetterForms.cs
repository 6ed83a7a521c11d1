using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Dashboard;

// The two forms that change something. Each answers with a redirect to the delivery's page, which tells what happened, so that a reload
// never sends the form again.
internal sealed class DeadLetterForms(DashboardPages pages)
{
    public const int ReasonLengthMax = 200;
    private const int Depth = 3;

    public Task<IResult> ReplayAsync(HttpContext http, string id) =>
        ActAsync(http, id, "replayed", (key, actor, reason) => new ReplayCommand(key, actor, reason));

    public Task<IResult> DiscardAsync(HttpContext http, string id) =>
        ActAsync(http, id, "discarded", (key, actor, reason) => new DiscardCommand(key, actor, reason));

    private async Task<IResult> ActAsync(
        HttpContext http, string id, string done, Func<DeliveryId, string, string?, StoreCommand<DeadLetterOutcome>> command)
    {
        if (FormGuard.IsFromAnotherSite(http.Request))
            return Refused(http, "The request came from a page of another site. Nothing was changed.");
        if (!http.Request.HasFormContentType)
            return pages.Problem(
                http, Depth, StatusCodes.Status415UnsupportedMediaType, "Not a form", "Only the forms of this page are taken here.");
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        if (!FormGuard.HasToken(http.Request, form))
            return Refused(
                http, "The form does not belong to this browser, or cookies are off. Nothing was changed: load the page again and repeat.");
        if (!DeliveryId.TryParse(id, out var key))
            return pages.NotFound(http, Depth, "There is no such delivery.");

        var actor = http.User.Identity?.Name ?? "dashboard";
        var reason = form["reason"].ToString().Trim() is { Length: > 0 } given ? Wording.Shortened(given, ReasonLengthMax) : null;
        var outcome = await DashboardPages.Store(http).CommitAsync(command(key, actor, reason), http.RequestAborted);
        if (outcome is DeadLetterOutcome.NotFound)
            return pages.NotFound(http, Depth, "There is no such delivery, or it was pruned.");

        var root = DashboardPages.Root(http, Depth);
        Flash.Set(http, root, outcome is DeadLetterOutcome.Done ? done : "not-dead");
        http.Response.Headers.Location = $"{root}/deliveries/{key}";
        return Results.StatusCode(StatusCodes.Status303SeeOther);
    }

    private IResult Refused(HttpContext http, string text) => pages.Problem(http, Depth, StatusCodes.Status403Forbidden, "Refused", text);
}
