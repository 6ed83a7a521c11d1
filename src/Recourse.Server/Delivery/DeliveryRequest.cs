using System.Diagnostics;
using System.Globalization;
using System.Net;
using Recourse.Durable;

namespace Recourse.Server;

/// <summary>Writes the HTTP request of one attempt.</summary>
internal static class DeliveryRequest
{
    // Of the sender's headers these never go on, whatever is configured: they belong to his connection or to his login with us, or are
    // ours to set.
    private static readonly HashSet<string> Kept = new(StringComparer.OrdinalIgnoreCase)
    {
        "Authorization", "Cookie", "Set-Cookie", "Host", "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate",
        "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Content-Length", "Content-Type",
        "HTTP2-Settings",
        "Idempotency-Key", "traceparent",
    };

    internal static HttpRequestMessage Of(ClaimedDelivery delivery, ServiceTarget target, DateTimeOffset now, string? token = null)
    {
        var request = new HttpRequestMessage(new HttpMethod(target.Method), target.Url)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new DeliveryContent(delivery.Body, delivery.ContentType),
        };
        Set(request, "Recourse-Message-Id", delivery.Id.MessageId.ToString("D"));
        Set(request, "Recourse-Delivery-Id", delivery.Id.ToString());
        Set(request, "Recourse-Attempt", delivery.Attempt.ToString(CultureInfo.InvariantCulture));
        Set(request, "Recourse-Generation", delivery.Generation.ToString(CultureInfo.InvariantCulture));
        Set(request, "Idempotency-Key", delivery.IdempotencyKey);
        // While attempts are traced, the service's work belongs to the attempt; the sender's context is linked from there.
        var trace = Activity.Current is { Source.Name: MessagingDiagnostics.Name } attempt ? attempt.Id : delivery.TraceParent;
        if (trace is not null) Set(request, "traceparent", trace);
        foreach (var (name, value) in target.Headers)
        {
            if (!name.StartsWith("Recourse-", StringComparison.OrdinalIgnoreCase) && !IsFraming(name)) Set(request, name, value);
        }

        foreach (var (name, value) in delivery.Headers ?? new Dictionary<string, string>())
        {
            if (GoesOn(name, target)) Set(request, name, value);
        }

        // Last, so that nothing of the sender's or the configuration's stands in their place.
        if (target.Auth?.Carried(token) is var (authName, authValue))
            Set(request, authName, authValue);
        if (target.Signer is { } signer)
        {
            var (id, time) = (delivery.Id.ToString(), now.ToUnixTimeSeconds());
            Set(request, "webhook-id", id);
            Set(request, "webhook-timestamp", time.ToString(CultureInfo.InvariantCulture));
            Set(request, "webhook-signature", signer.Sign(id, time, delivery.Body.Span));
        }
        return request;
    }

    private static bool GoesOn(string name, ServiceTarget target) =>
        !Kept.Contains(name)
        && !name.StartsWith("Recourse-", StringComparison.OrdinalIgnoreCase)
        && !name.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase)
        && !target.Headers.ContainsKey(name)
        && (name.StartsWith("ce-", StringComparison.OrdinalIgnoreCase)
            || target.AllowedHeaders.Contains(name, StringComparer.OrdinalIgnoreCase));

    private static bool IsFraming(string name) =>
        name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Expect", StringComparison.OrdinalIgnoreCase);

    // A value that cannot stand in a header (a line break in it) is left out: it must not end the request early or keep the body from
    // being delivered.
    private static void Set(HttpRequestMessage request, string name, string value)
    {
        if (value.AsSpan().IndexOfAny('\r', '\n', '\0') >= 0) return;
        request.Headers.Remove(name);
        if (!request.Headers.TryAddWithoutValidation(name, value)) request.Content!.Headers.TryAddWithoutValidation(name, value);
    }
}
