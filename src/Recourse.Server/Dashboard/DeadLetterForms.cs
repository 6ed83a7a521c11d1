using System.Globalization;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Dashboard;

// The forms that change something. Each answers with a redirect to the delivery's page, which tells what happened, so that a reload never
// sends the form again.
internal sealed class DeadLetterForms(DashboardPages pages)
{
    public const int ReasonLengthMax = 200;
    public const int NameLengthMax = 100;
    public const int NoteLengthMax = 2_000;
    public const string WhoCookie = "recourse-who";
    private const int Depth = 3;

    private delegate StoreCommand<DeadLetterOutcome>? Act(DeliveryId id, string actor, string? reason, IFormCollection form);

    // All of them, by the last part of their address.
    public IEnumerable<(string Verb, Func<HttpContext, string, Task<IResult>> Form)> ByVerb =>
    [
        ("replay", ReplayAsync), ("discard", DiscardAsync), ("resolve", ResolveAsync), ("take", TakeAsync), ("release", ReleaseAsync),
        ("note", NoteAsync), ("edit", EditAsync),
    ];

    private Task<IResult> ReplayAsync(HttpContext http, string id) =>
        ActAsync(http, id, "replayed", (key, actor, reason, _) => new ReplayCommand(key, actor, reason));

    private Task<IResult> DiscardAsync(HttpContext http, string id) =>
        ActAsync(http, id, "discarded", (key, actor, reason, _) => new DiscardCommand(key, actor, reason));

    private Task<IResult> ResolveAsync(HttpContext http, string id) =>
        ActAsync(http, id, "resolved", (key, actor, reason, _) => reason is null ? null : new ResolveCommand(key, actor, reason));

    private Task<IResult> ReleaseAsync(HttpContext http, string id) =>
        ActAsync(http, id, "released", (key, actor, _, _) => new LetGoCommand(key, actor));

    private Task<IResult> TakeAsync(HttpContext http, string id) => ActAsync(http, id, "taken", (key, actor, _, form) =>
        int.TryParse(form["minutes"], NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) && minutes is > 0 and <= 10_080
            ? new TakeCommand(key, actor, TimeSpan.FromMinutes(minutes)) : null);

    private Task<IResult> NoteAsync(HttpContext http, string id) => ActAsync(http, id, "noted", (key, actor, _, form) =>
        new AnnotateCommand(key, actor)
        {
            Assignee = Wording.Shortened(form["assignee"].ToString().Trim(), NameLengthMax - 1),
            Note = Wording.Shortened(form["note"].ToString().Trim(), NoteLengthMax),
            Manual = form["manual"] == "true",
        });

    private Task<IResult> EditAsync(HttpContext http, string id) => ActAsync(http, id, "edited", (key, actor, reason, form) =>
        int.TryParse(form["edits"], NumberStyles.None, CultureInfo.InvariantCulture, out var edits)
            ? new EditPayloadCommand(key, actor, reason, EditableText.Body(form["body"].ToString())) { IfEdits = edits } : null);

    private async Task<IResult> ActAsync(HttpContext http, string id, string done, Act act)
    {
        var (form, refusal) = await OperatorForms.CheckAsync(pages, http, Depth);
        if (form is null)
            return refusal!;
        if (!DeliveryId.TryParse(id, out var key))
            return pages.NotFound(http, Depth, "There is no such delivery.");

        var root = DashboardPages.Root(http, Depth);
        var actor = Actor(http, root, form["who"].ToString().Trim());
        var reason = form["reason"].ToString().Trim() is { Length: > 0 } given ? Wording.Shortened(given, ReasonLengthMax) : null;
        if (act(key, actor, reason, form) is not { } command)
            return pages.Problem(http, Depth, StatusCodes.Status400BadRequest, "Not complete", "A field of the form is missing or wrong.");
        DeadLetterOutcome outcome;
        try
        {
            outcome = await DashboardPages.Store(http).CommitAsync(command, http.RequestAborted);
        }
        catch (ArgumentException error)
        {
            return pages.Problem(http, Depth, StatusCodes.Status400BadRequest, "Nothing was changed", error.Message);
        }
        if (outcome is DeadLetterOutcome.NotFound)
            return pages.NotFound(http, Depth, "There is no such delivery, or it was pruned.");

        Flash.Set(http, root, outcome switch
        {
            DeadLetterOutcome.Done => done,
            DeadLetterOutcome.Taken => "in-hand",
            DeadLetterOutcome.Stale => "stale",
            _ => "not-dead",
        });
        http.Response.Headers.Location = $"{root}/deliveries/{key}";
        return Results.StatusCode(StatusCodes.Status303SeeOther);
    }

    // Who acts: whom the site knows, else who said so when they took a letter in hand, in this browser.
    public static string Who(HttpContext http) => http.User.Identity?.Name
        ?? (http.Request.Cookies[WhoCookie] is { Length: > 0 and <= NameLengthMax } said ? said : "");

    private static string Actor(HttpContext http, string root, string said)
    {
        if (http.User.Identity?.Name is { } known)
            return known;
        if (said.Length == 0)
            return Who(http) is { Length: > 0 } kept and not "policy" ? kept : "dashboard";
        // The name stands for what the configuration does.
        said = said == "policy" ? "dashboard" : Wording.Shortened(said, NameLengthMax - 1);
        var options = FormGuard.CookieOptions(http, root);
        options.MaxAge = TimeSpan.FromDays(7);
        http.Response.Cookies.Append(WhoCookie, said, options);
        return said;
    }
}
