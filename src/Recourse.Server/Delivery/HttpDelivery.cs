using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using System.Text;
using Recourse.Durable;

namespace Recourse.Server;

/// <summary>
/// Sends deliveries over HTTP/1.1: one request an attempt, with a Content-Length, no redirect followed, no cookie, no proxy, nothing
/// unpacked. It is a <see cref="DeliveryHandler"/>. Connections are pooled per service; the service's bulkhead bounds them.
/// </summary>
internal sealed class HttpDelivery : IDisposable
{
    private readonly TimeProvider _time;
    private readonly FaultClassifier _classifier;
    private readonly DeliveryVerdict _verdict;
    private readonly Lock _lock = new();
    private FrozenDictionary<string, Line> _lines = FrozenDictionary<string, Line>.Empty;

    internal HttpDelivery(IEnumerable<ServiceTarget> targets, TimeProvider? time = null, FaultClassifier? classifier = null)
    {
        _time = time ?? TimeProvider.System;
        _classifier = classifier ?? FaultClassifier.Default;
        _verdict = new DeliveryVerdict(_classifier, _time);
        Update(targets);
    }

    /// <summary>Takes over another list of targets. A service that stays keeps its connections; attempts under way are not
    /// disturbed.</summary>
    internal void Update(IEnumerable<ServiceTarget> targets)
    {
        lock (_lock)
        {
            var before = _lines;
            _lines = targets.ToFrozenDictionary(
                target => target.Name,
                target => LineOf(target, before.GetValueOrDefault(target.Name)));
            // What has gone is left to the collector: an attempt may still use it, and idle connections close by themselves.
        }
    }

    /// <summary>Makes one attempt.</summary>
    internal async ValueTask<DeliveryResult> DeliverAsync(ClaimedDelivery delivery, CancellationToken cancellationToken)
    {
        if (!_lines.TryGetValue(delivery.Service, out var line) || line.Target.Url is null)
        {
            return DeliveryResult.Failed(
                _classifier.ForKind(FaultKind.ConfigurationError, "no url"),
                $"Service '{delivery.Service}' has no url. Set services.{delivery.Service}.url.");
        }

        var access = line.Tokens is { } tokens ? await tokens.GetAsync(cancellationToken) : default;
        if (access.Failure is { } failure) return failure;
        using var request = DeliveryRequest.Of(delivery, line.Target, _time.GetUtcNow(), access.Token);
        var content = (DeliveryContent)request.Content!;
        try
        {
            using var response = await line.Client.SendAsync(request, cancellationToken);
            var status = (int)response.StatusCode;
            if (line.Target.IsSuccess(status)) return DeliveryResult.Delivered(status.ToString(CultureInfo.InvariantCulture));
            var result = _verdict.OfStatus(response, await ResponseText.ReadAsync(response, _time, cancellationToken));
            return status == (int)HttpStatusCode.Unauthorized && access.Token is { } refused
                ? DeliveryVerdict.OfRefusedToken(result, line.Tokens!.Drop(refused)) : result;
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new AttemptCancelledException(content.Begun ? Applied.Maybe : Applied.No, cancellationToken, exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            return _verdict.OfException(exception, content.Begun);
        }
    }

    // Connections depend on certificates alone; tokens on who asks for them, and over which connections.
    private Line LineOf(ServiceTarget target, Line? before)
    {
        var client = before is not null && before.Target.Tls == target.Tls ? before.Client
            : new HttpMessageInvoker(Connections(target.Tls));
        var tokens = target.Auth?.TokenUrl is null ? null
            : before is { Tokens: not null } && before.Client == client && before.Target.Auth == target.Auth
                && before.Target.TokenPatience == target.TokenPatience ? before.Tokens
            : new AccessTokens(target.Auth, target.TokenPatience, client, _verdict, _classifier, _time);
        return new(target, client, tokens);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var line in _lines.Values) line.Client.Dispose();
            _lines = FrozenDictionary<string, Line>.Empty;
        }
    }

    private static SocketsHttpHandler Connections(ServiceTls? tls) => new()
    {
        SslOptions = tls?.Options() ?? new(),
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        UseProxy = false,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        // A changed address is noticed within two minutes, and connections that servers and balancers drop after a minute are not used
        // again.
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        // An answer is read to its end only where that is little: a huge one costs its connection, not our time.
        MaxResponseDrainSize = 64 * 1_024,
        ResponseDrainTimeout = TimeSpan.FromSeconds(1),
        MaxResponseHeadersLength = 64,
        RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
    };

    private sealed record Line(ServiceTarget Target, HttpMessageInvoker Client, AccessTokens? Tokens);
}
