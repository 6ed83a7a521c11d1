using Microsoft.AspNetCore.Http;

namespace Recourse.Server.Dashboard;

// What the last form did, told once on the page that follows. It travels as a word of a fixed list in a cookie, so that no link can make
// the dashboard say that something happened.
internal sealed record Flash(string Text, bool Problem = false)
{
    private const string CookieName = "recourse-flash";

    private static readonly Dictionary<string, Flash> All = new(StringComparer.Ordinal)
    {
        ["replayed"] = new("Replayed. It is back in its queue as a new generation and due at once; the attempts below follow it."),
        ["discarded"] = new("Discarded. It will not be sent again; its history stays until it is pruned."),
        ["resolved"] = new("Resolved. It counts as discarded and will not be sent again; its history says how it was settled."),
        ["taken"] = new("You have it in hand: others see that, and cannot act on it until the time is over or you let go."),
        ["released"] = new("It is in nobody's hand any more."),
        ["noted"] = new("Kept."),
        ["edited"] = new("The payload was edited. What changed is shown below; a replay sends it."),
        ["stale"] = new("Nothing was changed: somebody edited the payload meanwhile. It is shown as it is now.", Problem: true),
        ["in-hand"] = new(
            "Nothing was changed: somebody else has this letter in hand. Ask them, wait, or let go of it first.", Problem: true),
        ["replay-started"] = new("The replay is under way; the figures below follow it."),
        ["replay-pause"] = new("Paused. Nothing more is sent back until it is resumed."),
        ["replay-resume"] = new("Resumed. It goes on where it stopped."),
        ["replay-cancel"] = new("Cancelled. What was sent back stays sent."),
        ["replay-not"] = new("Nothing was changed: the replay is in another state now, shown below.", Problem: true),
        ["held"] = new("Held. It stays so, over restarts too, until it is let go."),
        ["let-go"] = new("Let go. Deliveries go on at once."),
        ["hold-same"] = new("Nothing was changed: it was so already.", Problem: true),
        ["node-released"] = new("Released. What the node had in hand runs again, alone."),
        ["node-gone"] = new("Nothing was changed: there is no such node any more.", Problem: true),
        ["not-dead"] = new("Nothing was changed: this delivery is not a dead letter (any more). Its state is shown below.", Problem: true),
    };

    public static void Set(HttpContext http, string root, string word)
    {
        var options = FormGuard.CookieOptions(http, root);
        options.MaxAge = TimeSpan.FromMinutes(1);
        http.Response.Cookies.Append(CookieName, word, options);
    }

    public static Flash? Take(HttpContext http, string root)
    {
        if (http.Request.Cookies[CookieName] is not { } word)
            return null;
        http.Response.Cookies.Delete(CookieName, FormGuard.CookieOptions(http, root));
        return All.GetValueOrDefault(word);
    }
}
