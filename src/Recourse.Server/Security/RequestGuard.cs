using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Recourse.Durable;
using Recourse.Server.Api;
using Recourse.Server.Dashboard;

namespace Recourse.Server.Security;

/// <summary>
/// Stands around every endpoint of the relay, however it is mounted: lets nobody else's pages in, and answers every error with a problem.
/// </summary>
internal sealed class RequestGuard(
    IReadOnlyCollection<string> names, Relay relay, Gate gate, ILogger<Relay> logger, TimeProvider time)
{
    private static readonly object Guarded = new();
    private static readonly TimeSpan LogPause = TimeSpan.FromSeconds(10);

    private readonly LostPage _lost = new(time);
    private readonly Lock _lock = new();
    private long? _loggedAt;

    /// <summary>Wraps an endpoint while it is built.</summary>
    public void Protect(EndpointBuilder endpoint)
    {
        if (endpoint.Metadata.Contains(Guarded) || endpoint.RequestDelegate is not { } inner)
            return;
        endpoint.Metadata.Add(Guarded);
        endpoint.RequestDelegate = http => RunAsync(http, inner);
        // Monitors ask with HEAD what a GET would say; the server leaves the body out.
        if (endpoint.Metadata.OfType<IHttpMethodMetadata>().LastOrDefault() is { HttpMethods: ["GET"] })
            endpoint.Metadata.Add(new HttpMethodMetadata(["GET", "HEAD"]));
    }

    /// <summary>For what no guarded endpoint answers: unknown paths and methods.</summary>
    public Task UnmatchedAsync(HttpContext http, RequestDelegate next) =>
        http.GetEndpoint()?.Metadata.Contains(Guarded) == true ? next(http) : RunAsync(http, next);

    private async Task RunAsync(HttpContext http, RequestDelegate inner)
    {
        SiteGuard.SetHeaders(http.Response);
        var page = http.GetEndpoint()?.Metadata.GetMetadata<DashboardPage>() is not null;
        if (SiteGuard.Check(http.Request, names, page, Hosts) is { } refused)
        {
            await refused.WriteAsync(http);
            return;
        }
        try
        {
            if ((await gate.AdmitAsync(http) ?? Zeros.In(http.Request)) is { } closed)
            {
                if (http.GetEndpoint()?.Metadata.GetMetadata<Door>()?.PageDepth is null)
                    throw new ProblemException(closed);
                http.Features.Set(new Refusal(closed));
            }
            await inner(http);
            if (http.Response is not { HasStarted: false, StatusCode: >= 400, ContentType: null, ContentLength: null })
                return;
            if (http.Response.StatusCode == StatusCodes.Status404NotFound && http.GetEndpoint() is null && LostPage.IsMeant(http.Request))
                await _lost.WriteAsync(http);
            else
                await Bare(http).WriteAsync(http);
        }
        catch (ProblemException error)
        {
            await error.Problem.WriteAsync(http);
        }
        catch (StoreException error)
        {
            // What a store refuses to write, its health has logged once for all.
            if (HttpMethods.IsGet(http.Request.Method) && MayLog())
                Log.StoreRefused(logger, http.Request.Method, http.Request.Path, error.Message);
            await StoreProblems.Describe(error).WriteAsync(http);
        }
        catch (BadHttpRequestException error)
        {
            await Problem.Of(error.StatusCode, "bad-request", Words(error)).WriteAsync(http);
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client went away; there is nobody to tell.
        }
        catch (Exception error)
        {
            Log.Unhandled(logger, http.Request.Method, http.Request.Path, error);
            await Problem.Of(StatusCodes.Status500InternalServerError, "defect",
                "The relay failed inside. Its log has the details; please report it.").WriteAsync(http);
        }
    }

    /// <summary>What is wrong with a request that the server itself could not read.</summary>
    public static string Words(BadHttpRequestException error) => error.StatusCode switch
    {
        StatusCodes.Status408RequestTimeout => "The body came too slowly; a request must bring at least 240 bytes a second.",
        StatusCodes.Status413PayloadTooLarge => "The body is larger than this call takes.",
        _ => "The body ended before the length that was announced, or its chunks are malformed. Nothing of it was taken.",
    };

    // A rebound name gets in nowhere where keys are asked for: a browser does not have them for that name.
    private AnyHost Hosts => !relay.ListensBeyondLoopback ? AnyHost.No : relay.Keys.InUse ? AnyHost.Yes : AnyHost.Addresses;

    private bool MayLog()
    {
        lock (_lock)
        {
            if (_loggedAt is { } last && time.GetElapsedTime(last) < LogPause)
                return false;
            _loggedAt = time.GetTimestamp();
            return true;
        }
    }

    private static Problem Bare(HttpContext http) => http.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound =>
            Problem.Of(404, "unknown-path", $"There is nothing at {http.Request.Path}. GET /openapi/v1.json lists what there is."),
        StatusCodes.Status405MethodNotAllowed => Problem.Of(405, "method-not-allowed", $"{http.Request.Method} is not possible here.")
            with
        { Allowed = http.Response.Headers.Allow.ToString().Split(", ", StringSplitOptions.RemoveEmptyEntries) },
        StatusCodes.Status415UnsupportedMediaType =>
            Problem.Of(415, "unsupported-media-type", "The content type of the request is not taken here."),
        var status => Problem.Of(status, "refused", "The request was refused."),
    };
}
