using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.Logging;

namespace Recourse;

/// <summary>
/// Sends each request through the pipeline of its authority. Every attempt sends a copy, so that what inner handlers add to one does not
/// reach the next; the body is shared. Responses that are not returned are disposed of.
/// </summary>
internal sealed partial class RecoveryHandler(AuthorityPipelines pipelines) : DelegatingHandler
{
    private static readonly RecoveryContext Repeatable = new() { Repeatable = true };
    private static readonly RecoveryContext NotRepeatable = new() { Repeatable = false };
    private static readonly RecoveryContext Once = new() { MaxAttempts = 1 };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var context = await ContextAsync(request, cancellationToken);
        var exchange = new Exchange(this, request, keepsAnswers: !ReferenceEquals(context, Once));
        var returned = false;
        try
        {
            var outcome = await pipelines.For(request.RequestUri).TryExecuteAsync(
                static (exchange, attempt) => exchange.SendAsync(attempt.Token), exchange, context, cancellationToken);
            var failed = outcome.Attempts;
            if (failed.Count > 0) request.Options.Set(HttpRecovery.Attempts, failed);
            var response = outcome.Value;
            returned = ReferenceEquals(response, exchange.Last);
            if (failed.Count > 0) response.RequestMessage?.Options.Set(HttpRecovery.Attempts, failed);
            return response;
        }
        finally
        {
            if (!returned) exchange.Last?.Dispose();
        }
    }

    /// <summary>Synchronous requests are not protected and so not let through.</summary>
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
        throw new NotSupportedException(
            "A client with a recovery handler sends asynchronously. Call SendAsync (or GetAsync, PostAsync …).");

    private async ValueTask<RecoveryContext> ContextAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (await WhyOnceAsync(request.Content, cancellationToken) is { } reason)
        {
            request.Options.Set(HttpRecovery.SentOnce, reason);
            SentOnce(pipelines.Logger, request.Method, request.RequestUri, reason);
            return Once;
        }

        return HttpRecovery.IsRepeatable(request) ? Repeatable : NotRepeatable;
    }

    /// <summary>Makes sure that the body can be written again; else says why not, and has not touched it.</summary>
    private async ValueTask<string?> WhyOnceAsync(HttpContent? content, CancellationToken cancellationToken)
    {
        // These write the same each time.
        if (content is null or ByteArrayContent or ReadOnlyMemoryContent or JsonContent) return null;
        var most = pipelines.Options.BufferedBytesMax;
        if (content.Headers.ContentLength is not { } length)
            return "the length of its body is not known, so it cannot be kept for another attempt";
        if (length > most) return $"its body has {length} bytes, and at most {most} are kept for another attempt (BufferedBytesMax)";
        await content.LoadIntoBufferAsync(most, cancellationToken);
        return null;
    }

    [LoggerMessage(1, LogLevel.Debug, "{Method} {Address} is sent once: {Reason}.")]
    private static partial void SentOnce(ILogger logger, HttpMethod method, Uri? address, string reason);

    private sealed class Exchange(RecoveryHandler handler, HttpRequestMessage request, bool keepsAnswers)
    {
        /// <summary>The response of the last attempt that was sent; null when it has none.</summary>
        internal HttpResponseMessage? Last { get; private set; }

        internal async ValueTask<HttpResponseMessage> SendAsync(CancellationToken cancellationToken)
        {
            // Another attempt begins, so nobody wants the answer to the one before. Until now it was the answer of the call, in case
            // that an open circuit or a full bulkhead refuses this attempt.
            Last?.Dispose();
            Last = null;
            Last = await handler.SendOneAsync(Copy(request), cancellationToken);
            if (keepsAnswers && Last.StatusCode is >= HttpStatusCode.InternalServerError
                or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests)
            {
                await FailedBody.FreeConnectionAsync(Last, cancellationToken);
            }

            return Last;
        }
    }

    private Task<HttpResponseMessage> SendOneAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        base.SendAsync(request, cancellationToken);

    private static HttpRequestMessage Copy(HttpRequestMessage request)
    {
        var copy = new HttpRequestMessage(request.Method, request.RequestUri)
        {
            Version = request.Version,
            VersionPolicy = request.VersionPolicy,
            Content = request.Content,
        };
        foreach (var (name, values) in request.Headers.NonValidated) copy.Headers.TryAddWithoutValidation(name, values);
        foreach (var (name, value) in request.Options) ((IDictionary<string, object?>)copy.Options).Add(name, value);
        return copy;
    }
}
