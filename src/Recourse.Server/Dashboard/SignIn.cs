using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Recourse.Durable;
using Recourse.Server.Security;

namespace Recourse.Server.Dashboard;

// Signs a browser in with a key. The key itself goes nowhere: what the cookie holds is a session of it, which ends after 12 hours, with
// the key, or when somebody signs out.
internal sealed class SignIn(DashboardPages pages)
{
    public const string Path = "/sign-in";
    private const int Depth = 1;
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);

    public Task<IResult> ShowAsync(HttpContext http) =>
        Task.FromResult(pages.SignIn(http, Depth, new(Next(http.Request.Query["next"], DashboardPages.Root(http, Depth)), null)));

    public async Task<IResult> InAsync(HttpContext http)
    {
        var root = DashboardPages.Root(http, Depth);
        var (form, refusal) = await OperatorForms.CheckAsync(pages, http, Depth);
        if (form is null)
            return refusal!;
        var next = Next(form["next"], root);
        if (http.RequestServices.GetService<Relay>() is not { Keys: { InUse: true } keys } relay)
            return SeeOther(http, next);
        await keys.RefreshAsync(http.RequestAborted);
        var gate = http.RequestServices.GetRequiredService<Gate>();
        if (keys.Find(form["key"].ToString().Trim()) is not { Parent: null } key)
        {
            await gate.RefusedSignInAsync(http, null);
            return pages.SignIn(http, Depth, new(next, "This key is not known here, was removed, or is over."),
                StatusCodes.Status401Unauthorized);
        }
        if (!key.Role.May(Role.Viewer))
        {
            await gate.RefusedSignInAsync(http, key);
            return pages.SignIn(http, Depth,
                new(next, $"The key '{key.Name}' only sends messages; the dashboard needs a viewer's key or more."),
                StatusCodes.Status403Forbidden);
        }
        var session = KeySecret.New();
        var outcome = await relay.Store.CommitAsync(
            new AddKeyCommand(session.Id, key.Name, key.Role, session.Hash(), key.Name) { Parent = key.Id, Lifetime = Lifetime });
        if (outcome is not KeyOutcome.Done)
            return pages.SignIn(http, Depth, new(next, "The key was removed just now."), StatusCodes.Status401Unauthorized);
        var options = FormGuard.CookieOptions(http, root);
        options.MaxAge = Lifetime;
        http.Response.Cookies.Append(Gate.Cookie, session.Text, options);
        return SeeOther(http, next);
    }

    public async Task<IResult> OutAsync(HttpContext http)
    {
        var root = DashboardPages.Root(http, Depth);
        var (form, refusal) = await OperatorForms.CheckAsync(pages, http, Depth);
        if (form is null)
            return refusal!;
        var caller = Caller.Of(http);
        if (caller.SessionId is { } session)
            await DashboardPages.Store(http).CommitAsync(new RemoveKeyCommand(session, caller.Name!));
        http.Response.Cookies.Delete(Gate.Cookie, FormGuard.CookieOptions(http, root));
        return SeeOther(http, root + Path);
    }

    /// <summary>Where to go on: a path of the dashboard, never another site.</summary>
    public static string Next(string? asked, string root) =>
        asked is { Length: > 0 and <= 2_000 } && asked.StartsWith(root + "/", StringComparison.Ordinal) && asked.Length > 1
        && asked.All(letter => letter is > ' ' and < '\x7f' and not '\\') && !asked.StartsWith("//", StringComparison.Ordinal)
        && !asked.StartsWith(root + "/sign-", StringComparison.Ordinal) ? asked : root + "/";

    private static IResult SeeOther(HttpContext http, string where)
    {
        http.Response.Headers.Location = where;
        return Results.StatusCode(StatusCodes.Status303SeeOther);
    }
}
