using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Recourse;

/// <summary>Adds recovery to the clients of IHttpClientFactory.</summary>
public static class RecoveryHttpClientExtensions
{
    /// <summary>
    /// Sends the client's requests through a pipeline. Breakers and budgets belong to the client's name and outlive the handlers that
    /// the factory replaces every two minutes. Set <see cref="HttpClient.Timeout"/> longer than the pipeline's deadline, or infinite.
    /// </summary>
    /// <param name="builder">The client.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <exception cref="InvalidOptionsException">An option is out of range; the message names it.</exception>
    public static IHttpClientBuilder AddRecoveryHandler(this IHttpClientBuilder builder, RecoveryHandlerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var (key, name, chosen) = (new object(), builder.Name, (options ?? new()).Checked());
        builder.Services.AddKeyedSingleton(key, (services, _) => new AuthorityPipelines(
            name.Length > 0 ? name : "http",
            chosen,
            services.GetService<ILoggerFactory>()?.CreateLogger("Recourse.Http") ?? NullLogger.Instance));
        return builder.AddHttpMessageHandler(services => new RecoveryHandler(services.GetRequiredKeyedService<AuthorityPipelines>(key)));
    }
}

/// <summary>What a program can say about one request, and learn of it.</summary>
public static class HttpRecovery
{
    private static readonly HttpRequestOptionsKey<bool> RepeatableKey = new("Recourse.Repeatable");

    /// <summary>
    /// Says whether the request may be sent twice although its effect may have happened. Without it, GET, HEAD, OPTIONS, TRACE, PUT and
    /// DELETE may, and so may every request with an <c>Idempotency-Key</c>.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="repeatable">Whether it may.</param>
    public static HttpRequestMessage MarkRepeatable(this HttpRequestMessage request, bool repeatable = true)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Options.Set(RepeatableKey, repeatable);
        return request;
    }

    /// <summary>Why a request was sent once whatever happened, in words; null when it could be sent again.</summary>
    public static HttpRequestOptionsKey<string> SentOnce { get; } = new("Recourse.SentOnce");

    /// <summary>
    /// The failed attempts of a request, oldest first; not set when none failed. They stand in the options of the request, and of the
    /// request that the returned response belongs to. <see cref="RecoveryHistory"/> has them for a request that ended with an exception.
    /// </summary>
    public static HttpRequestOptionsKey<IReadOnlyList<FailedAttempt>> Attempts { get; } = new("Recourse.Attempts");

    internal static bool IsRepeatable(HttpRequestMessage request)
    {
        if (request.Options.TryGetValue(RepeatableKey, out var said)) return said;
        return request.Headers.Contains("Idempotency-Key") || IsIdempotent(request.Method);
    }

    private static bool IsIdempotent(HttpMethod method) =>
        method == HttpMethod.Get || method == HttpMethod.Head || method == HttpMethod.Options || method == HttpMethod.Trace
        || method == HttpMethod.Put || method == HttpMethod.Delete;
}
