using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Recourse.Server.Dashboard;

// Keeps other sites from submitting our forms: a random value in a cookie that only this site's pages are sent with, and the same value
// in the form. It needs no key on disk and holds across restarts and nodes. Origin and Sec-Fetch-Site are looked at as well, because
// cookies do not tell ports apart: a page on another port of this machine could plant one.
internal static class FormGuard
{
    public const string FieldName = "form_token";
    public const string CookieName = "recourse-form";
    private const int TokenBytes = 16;

    // The token for the forms of a page; sets the cookie when the browser has none.
    public static string Token(HttpContext http, string root)
    {
        if (http.Request.Cookies[CookieName] is { } kept && IsToken(kept))
            return kept;
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        http.Response.Cookies.Append(CookieName, token, CookieOptions(http, root));
        return token;
    }

    public static CookieOptions CookieOptions(HttpContext http, string root) => new()
    {
        HttpOnly = true,
        // The browser speaks TLS with us, or with a proxy before us.
        Secure = http.Request.IsHttps || http.Request.Headers.Origin.ToString().StartsWith("https:", StringComparison.OrdinalIgnoreCase),
        SameSite = SameSiteMode.Strict,
        Path = root.Length == 0 ? "/" : root,
        IsEssential = true,
    };

    public static bool IsFromAnotherSite(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site && site is not ("same-origin" or "none"))
            return true;
        return request.Headers.Origin.ToString() is { Length: > 0 } origin && !Security.SiteGuard.IsOwn(origin, request);
    }

    // Refuses a body that is announced as a form and is none, and a field with a zero: the server's reader of urlencoded forms does so
    // too, and does not say in which field.
    public static async Task<IFormCollection> ReadAsync(HttpContext http)
    {
        try
        {
            var form = await http.Request.ReadFormAsync(http.RequestAborted);
            Api.Zeros.Check(form);
            return form;
        }
        catch (InvalidDataException)
        {
            throw new Api.ProblemException(Api.Problem.Of(StatusCodes.Status400BadRequest, "bad-form",
                "The form is malformed, or a field of it holds a zero (U+0000). Nothing of it was taken."));
        }
        catch (IOException error) when (error is not BadHttpRequestException)
        {
            throw new BadHttpRequestException("The form is malformed.", error);
        }
    }

    public static bool HasToken(HttpRequest request, IFormCollection form) =>
        request.Cookies[CookieName] is { } kept && IsToken(kept)
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(kept), Encoding.UTF8.GetBytes(form[FieldName].ToString()));

    private static bool IsToken(string text) => text.Length == Base64Url.GetEncodedLength(TokenBytes) && Base64Url.IsValid(text);
}
