using System.Globalization;
using Microsoft.AspNetCore.Http;
using Recourse.Server.Dashboard.Pages;
using Recourse.Server.Security;

namespace Recourse.Server.Dashboard;

// Who is let in, and what was done.
internal sealed partial class DashboardPages
{
    public IResult SignIn(HttpContext http, int depth, SignInModel model, int status = StatusCodes.Status200OK) =>
        new PageResult<SignInPage, SignInModel>(Context(http, depth, "Sign in", Section.SignIn, null), model, status);

    // Without a key: to the page that asks for one. With one that may not do this: said on a page.
    public IResult Refused(HttpContext http, int depth, Refusal refusal)
    {
        if (refusal.Problem.Status != StatusCodes.Status401Unauthorized)
            return Problem(http, depth, refusal.Problem.Status,
                refusal.Problem.Status == StatusCodes.Status403Forbidden ? "Not with this key" : "Not understood", refusal.Problem.Detail);
        // The script asks for fragments; it loads the page itself then, which leads to the same place.
        if (http.Request.Query.ContainsKey("fragment"))
            return Results.StatusCode(StatusCodes.Status401Unauthorized);
        var root = Root(http, depth);
        var here = HttpMethods.IsGet(http.Request.Method) && http.GetEndpoint()?.Metadata.GetMetadata<DashboardPage>() is not null
            ? http.Request.PathBase.ToUriComponent() + http.Request.Path.ToUriComponent() + http.Request.QueryString.ToUriComponent()
            : root + "/";
        http.Response.Headers.Remove("WWW-Authenticate");
        http.Response.Headers.Location = here == root + "/" ? root + Dashboard.SignIn.Path
            : $"{root}{Dashboard.SignIn.Path}?next={Uri.EscapeDataString(here)}";
        return Results.StatusCode(StatusCodes.Status303SeeOther);
    }

    public async Task<IResult> AuditAsync(HttpContext http)
    {
        string? Value(string name) => http.Request.Query[name].ToString().Trim() is { Length: > 0 and <= 200 } value ? value : null;
        var queries = Store(http).Queries;
        var search = new AuditSearch(Value("actor"), Value("verb"), Value("since"), Value("until"));
        var counts = await queries.QueuesAsync(http.RequestAborted);
        var page = await queries.AuditAsync(new()
        {
            Actor = search.Actor,
            Verb = search.Verb,
            Since = Day(search.Since),
            Until = Day(search.Until)?.AddDays(1),
            After = After(http),
            Limit = DeliverySearch.PageSize,
        }, http.RequestAborted);
        return new PageResult<AuditPage, AuditModel>(Context(http, 1, "Audit", Section.Audit, counts), new(search, page));
    }

    // Days of UTC, as a date field gives them; anything else is no condition.
    private static DateTimeOffset? Day(string? text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero) : null;
}
