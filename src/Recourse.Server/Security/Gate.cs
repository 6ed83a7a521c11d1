using System.Security.Claims;
using System.Security.Principal;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Recourse.Durable;
using Recourse.Server.Api;
using Recourse.Server.Metrics;

namespace Recourse.Server.Security;

/// <summary>
/// Lets in who has a key with the role that an endpoint needs. Without any key everybody is let in, but only over loopback: beyond it
/// only where the configuration says so.
/// </summary>
internal sealed class Gate(KeyRing keys, Func<bool> openToAll, Func<MessageStore> store, RelayMeters meters, ILogger logger,
    TimeProvider time)
{
    public const string Cookie = "recourse-session";
    private const string Scheme = "Bearer ";
    private static readonly string[] Forwarded = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via"];
    private static readonly TimeSpan LogPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan NotePause = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private long? _loggedAt;
    private long? _notedAt;

    /// <summary>The problem to answer with; null lets the request in.</summary>
    public async ValueTask<Problem?> AdmitAsync(HttpContext http)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<Door>() is not { Needs: { } needed } door)
            return null;
        await keys.RefreshAsync(http.RequestAborted);
        if (!keys.InUse)
            return openToAll() || IsLocal(http) ? null : NoKeys;
        var given = Given(http, door);
        if (keys.Find(given) is not { } key)
        {
            meters.Denied(given is null ? "no_key" : "unknown_key");
            if (MayNow(ref _loggedAt, LogPause))
                Log.Denied(logger, http.Request.Method, http.Request.Path, http.Connection.RemoteIpAddress?.ToString() ?? "?",
                    given is null ? "no key" : "a key that is unknown, removed or over");
            http.Response.Headers.WWWAuthenticate = "Bearer realm=\"recourse\"";
            return given is null ? NoKey : UnknownKey;
        }
        // A session counts for the dashboard only, whichever way it comes; a key counts everywhere.
        if (key.Parent is not null && door.PageDepth is null)
            return UnknownKey;
        http.Features.Set(new Caller(key.Name, key.Role, key.Parent is null ? null : key.Id));
        http.User = new ClaimsPrincipal(new GenericIdentity(key.Name, "recourse-key"));
        if (key.Role.May(needed))
            return null;
        meters.Denied("role");
        await NoteAsync(http, key.Name, $"the role {key.Role.Name()}; it needs {needed.Name()}");
        return Forbidden(key, needed);
    }

    // What programs send stands in Authorization; the cookie is what a browser sends by itself, so it counts for pages only.
    private static string? Given(HttpContext http, Door door)
    {
        var header = http.Request.Headers.Authorization.ToString();
        if (header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return header[Scheme.Length..].Trim();
        return header.Length > 0 ? header : door.PageDepth is null ? null : http.Request.Cookies[Cookie];
    }

    // An in-process test server has no addresses; what calls it is this process. What a proxy of this machine passes on comes from
    // elsewhere.
    private static bool IsLocal(HttpContext http) =>
        (http.Connection.LocalIpAddress is not { } local || System.Net.IPAddress.IsLoopback(local))
        && !Array.Exists(Forwarded, http.Request.Headers.ContainsKey);

    /// <summary>Somebody was not signed in: counted, and noted within the bound of all refusals.</summary>
    /// <param name="http">The request.</param>
    /// <param name="key">The key that may not; null for one that is unknown, removed or over.</param>
    public Task RefusedSignInAsync(HttpContext http, ApiKey? key)
    {
        meters.Denied(key is null ? "unknown_key" : "role");
        // No key can have this name.
        return NoteAsync(http, key?.Name ?? "(unknown key)", (key is null ? "a key that is unknown, removed or over" :
            $"the role {key.Role.Name()}; it needs {Role.Viewer.Name()}") + $", from {http.Connection.RemoteIpAddress?.ToString() ?? "?"}");
    }

    private async Task NoteAsync(HttpContext http, string actor, string why)
    {
        if (!MayNow(ref _notedAt, NotePause))
            return;
        try
        {
            await store().CommitAsync(
                new NoteActCommand(actor, "refused", $"{http.Request.Method} {http.Request.Path}", why, "refused"));
        }
        catch (StoreException)
        {
            // It is refused all the same; the store's own health tells why nothing can be noted.
        }
    }

    private bool MayNow(ref long? last, TimeSpan pause)
    {
        lock (_lock)
        {
            if (last is { } at && time.GetElapsedTime(at) < pause)
                return false;
            last = time.GetTimestamp();
            return true;
        }
    }

    private static readonly Problem NoKey = Problem.Of(StatusCodes.Status401Unauthorized, "key-missing",
        "This relay asks for a key: send the header Authorization: Bearer rk_…. The command line takes it from RECOURSE_KEY or --key-file; "
        + "an admin makes one with `recourse keys add`.");

    private static readonly Problem UnknownKey = Problem.Of(StatusCodes.Status401Unauthorized, "key-unknown",
        "This key is not known here, was removed, or is over. `recourse keys list` shows an admin which there are.");

    private static readonly Problem NoKeys = Problem.Of(StatusCodes.Status401Unauthorized, "no-keys",
        "No key was made yet, so this relay answers on loopback only, and to no proxy. "
        + "On its machine: recourse keys add --role admin --name NAME.");

    private static Problem Forbidden(ApiKey key, Role needed) => Problem.Of(StatusCodes.Status403Forbidden, "role",
        $"The key '{key.Name}' has the role {key.Role.Name()}; this needs {needed.Name()}.") with
    { Allowed = [.. Enum.GetValues<Role>().Where(role => role.May(needed)).Select(role => role.Name())] };
}
