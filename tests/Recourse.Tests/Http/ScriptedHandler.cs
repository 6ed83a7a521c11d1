using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace Recourse.Tests;

/// <summary>A response that knows whether it was disposed of.</summary>
internal sealed class WatchedResponse(HttpStatusCode status) : HttpResponseMessage(status)
{
    internal bool Disposed { get; private set; }

    protected override void Dispose(bool disposing)
    {
        Disposed = true;
        base.Dispose(disposing);
    }
}

/// <summary>Answers with statuses or exceptions in turn, and keeps what came in.</summary>
internal sealed class ScriptedHandler(params object[] answers) : HttpMessageHandler
{
    internal ConcurrentQueue<(string Body, string[] Headers)> Requests { get; } = new();

    internal List<WatchedResponse> Responses { get; } = [];

    internal string? RetryAfter { get; init; }

    /// <summary>The bodies of the responses; null: none has one.</summary>
    internal HttpContent[]? Bodies { get; init; }

    /// <summary>Adds a header to each request, as an inner handler does.</summary>
    internal bool Touches { get; init; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? "" : Encoding.UTF8.GetString(await Written(request.Content));
        Requests.Enqueue((body, [.. request.Headers.Select(header => header.Key)]));
        if (Touches) request.Headers.Add("X-Attempt", "1");
        if (answers[Requests.Count - 1] is Exception exception) throw exception;
        var response = new WatchedResponse((HttpStatusCode)(int)answers[Requests.Count - 1]);
        if (Bodies is not null) response.Content = Bodies[Responses.Count];
        response.RequestMessage = request;
        if (RetryAfter is not null) response.Headers.TryAddWithoutValidation("Retry-After", RetryAfter);
        Responses.Add(response);
        return response;
    }

    // As a socket would: written anew, not kept.
    private static async Task<byte[]> Written(HttpContent content)
    {
        using var stream = new MemoryStream();
        await content.CopyToAsync(stream);
        return stream.ToArray();
    }
}
