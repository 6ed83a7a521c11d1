using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Recourse;

/// <summary>The pipelines of one client, by scheme, host and port. Lives as long as the container.</summary>
internal sealed class AuthorityPipelines
{
    private const string Others = "(others)";

    private readonly ConcurrentDictionary<string, Pipeline> _pipelines = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lock _lock = new();
    private readonly string _client;
    private readonly FaultClassifier _statuses;
    private readonly FaultClassifier _classifier;
    private readonly Pipeline? _one;

    internal AuthorityPipelines(string client, RecoveryHandlerOptions options, ILogger logger)
    {
        (_client, Options, Logger) = (client, options, logger);
        _statuses = options.Classify is null ? FaultClassifier.Default : new FaultClassifier(options.Classify);
        _classifier = new FaultClassifier(rules =>
        {
            options.Classify?.Invoke(rules);
            rules.AddResultRule<HttpResponseMessage>(Judge);
        });
        _one = options.PerAuthority ? null : Build(client);
    }

    internal RecoveryHandlerOptions Options { get; }

    internal ILogger Logger { get; }

    internal Pipeline For(Uri? address)
    {
        if (_one is not null) return _one;
        var authority = address is { IsAbsoluteUri: true } ? address.GetLeftPart(UriPartial.Authority) : Others;
        return _pipelines.TryGetValue(authority, out var pipeline) ? pipeline : Added(authority);
    }

    private Pipeline Added(string authority)
    {
        // Under the lock, so that the bound holds and no authority gets two breakers.
        lock (_lock)
        {
            if (_pipelines.Count >= Options.AuthoritiesMax && !_pipelines.ContainsKey(authority)) authority = Others;
            return _pipelines.GetOrAdd(authority, static (authority, self) => self.Build($"{self._client} {authority}"), this);
        }
    }

    private Pipeline Build(string name)
    {
        var builder = new PipelineBuilder(name, Options.Time).Classify(_classifier).Log(Logger);
        if (Options.Configure is { } configure) configure(builder);
        else
        {
            builder.Deadline(TimeSpan.FromSeconds(30))
                .Retry()
                .CircuitBreaker(new CircuitBreakerOptions { Name = name, Mode = CircuitMode.TimeWindow })
                .Timeout(TimeSpan.FromSeconds(10));
        }

        return builder.Build();
    }

    // A status that speaks against the request (404, 422, INVALID_ARGUMENT) is an answer: it must neither be retried nor open the breaker.
    private Verdict? Judge(HttpResponseMessage response)
    {
        var fault = (int)response.StatusCode >= 400 ? _statuses.ClassifyHttp((int)response.StatusCode) : GrpcStatus(response);
        return fault is null or { Blame: Blame.Message } ? null : Verdict.Failure(fault, RetryAfter(response));
    }

    // A gRPC call that fails before its first message ends with 200 and has its status among the headers. A later status stands in the
    // trailers, which nobody can read before the body.
    private Classification? GrpcStatus(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues("grpc-status", out var status) && status.ToString() is { } code and not "0"
            ? _statuses.Classify("grpc", code) : null;

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => NotNegative(delta),
        { Date: { } date } => NotNegative(date - (Options.Time ?? TimeProvider.System).GetUtcNow()),
        _ => null,
    };

    private static TimeSpan NotNegative(TimeSpan wait) => wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
}
