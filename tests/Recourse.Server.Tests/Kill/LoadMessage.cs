namespace Recourse.Server.Tests.Kill;

/// <summary>A message as the senders of a load post it, as often as it takes until an answer comes.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Body">Sent as JSON, whatever it is.</param>
/// <param name="IdempotencyKey">One for each message.</param>
/// <param name="Key">The lane; null for none.</param>
internal sealed record LoadMessage(string Queue, byte[] Body, string IdempotencyKey, string? Key)
{
    /// <summary>A request of its own for each try.</summary>
    public HttpRequestMessage Request()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"v1/queues/{Queue}/messages") { Content = new ByteArrayContent(Body) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add("Idempotency-Key", IdempotencyKey);
        if (Key is not null) request.Headers.Add("Recourse-Key", Key);
        return request;
    }
}
