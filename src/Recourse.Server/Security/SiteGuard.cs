using System.Net;
using Microsoft.AspNetCore.Http;
using Recourse.Server.Api;

namespace Recourse.Server.Security;

/// <summary>Which Hosts are taken beside loopback and the names of the relay.</summary>
internal enum AnyHost
{
    /// <summary>None: it listens on loopback only.</summary>
    No,
    /// <summary>Addresses in digits: no DNS can point a page's name at them.</summary>
    Addresses,
    /// <summary>Any: whoever calls has a key.</summary>
    Yes,
}

/// <summary>
/// Refuses what a web page of another site makes a browser send: for reads and writes alike, because without keys the browser of the
/// operator is the way in. The one thing let through is a link to a page of the dashboard that somebody followed. Programs that are no
/// browsers send neither Origin nor Sec-Fetch-Site and are not concerned.
/// </summary>
internal static class SiteGuard
{
    /// <summary>The problem to answer with; null lets the request in.</summary>
    /// <param name="request">The request.</param>
    /// <param name="names">Names under which the relay may be reached besides those of loopback.</param>
    /// <param name="page">It asks for a page of the dashboard.</param>
    /// <param name="hosts">Which Hosts are taken beside those.</param>
    public static Problem? Check(HttpRequest request, IReadOnlyCollection<string> names, bool page = false, AnyHost hosts = AnyHost.No)
    {
        var host = request.Host;
        // A name that an attacker's DNS points to 127.0.0.1 (rebinding) arrives here as that name.
        if (!host.HasValue || !(ListenAddress.IsLoopback(host.Host) || names.Contains(host.Host, StringComparer.OrdinalIgnoreCase)
            || hosts is AnyHost.Yes || (hosts is AnyHost.Addresses && IPAddress.TryParse(host.Host.Trim('[', ']'), out _))))
            return Problem.Of(StatusCodes.Status403Forbidden, "foreign-host",
                "The Host of the request is not a name of this relay. Use the address that it listens on, such as 127.0.0.1 or localhost.");
        var headers = request.Headers;
        if (headers.TryGetValue("Sec-Fetch-Site", out var site) && site.ToString() is not ("none" or "same-origin")
            && !(page && IsLinkFollowed(request)))
            return Problem.Of(StatusCodes.Status403Forbidden, "foreign-site",
                "The request was sent by a page of another site (Sec-Fetch-Site).");
        var origin = headers.Origin;
        if (origin.Count > 0 && !IsOwn(origin.ToString(), request))
            return Problem.Of(StatusCodes.Status403Forbidden, "foreign-origin", "The request was sent by a page of another site (Origin).");
        return null;
    }

    /// <summary>
    /// Whether an Origin is this site. A browser that says https of a request that came in by http sent it to a proxy that ends TLS: of
    /// the same host, it is the same site.
    /// </summary>
    public static bool IsOwn(string origin, HttpRequest request)
    {
        var host = request.Host.ToUriComponent();
        return string.Equals(origin, $"{request.Scheme}://{host}", StringComparison.OrdinalIgnoreCase)
            || string.Equals(origin, $"https://{host}", StringComparison.OrdinalIgnoreCase);
    }

    // Somebody followed a link in a chat or a mail: the whole window goes to the page, and the site that had the link sees nothing of it.
    private static bool IsLinkFollowed(HttpRequest request) => HttpMethods.IsGet(request.Method)
        && request.Headers["Sec-Fetch-Mode"] == "navigate" && request.Headers["Sec-Fetch-Dest"] == "document";

    /// <summary>
    /// What every answer carries. The dashboard sets a policy of its own for its pages; a stricter one that is set later stays.
    /// </summary>
    public static void SetHeaders(HttpResponse response)
    {
        var headers = response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }
}
