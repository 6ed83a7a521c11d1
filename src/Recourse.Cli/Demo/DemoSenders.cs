using Recourse.Cli.Client;

namespace Recourse.Cli.Demo;

/// <summary>
/// Sends the messages, several senders a queue, spread over the pace. Each message has one idempotency key for all its tries, so a sender
/// whose answer was lost with a killed relay asks again and gets the same id. A message goes into the ledger once its 202 is there.
/// </summary>
internal sealed class DemoSenders(RelayClient relay, Ledger ledger, DemoInput input, DemoOptions options)
{
    private const int SendersPerQueue = 4;
    private const int KeysPerSender = 4;
    private readonly string _run = Guid.NewGuid().ToString("N");

    /// <summary>
    /// How often an answer said that the relay had the message already: the proof that a retry of a sender was stored once.
    /// </summary>
    public int RecognisedRetries => _recognised;
    private int _recognised;

    /// <summary>Ends when every message is acknowledged.</summary>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        var started = ledger.Clock.GetTimestamp();
        return Task.WhenAll(
            from queue in Enumerable.Range(0, DemoStage.Queues.Length)
            from sender in Enumerable.Range(0, SendersPerQueue)
            select SendAsync(queue, sender, started, cancellationToken));
    }

    private async Task SendAsync(int queueIndex, int sender, long started, CancellationToken cancellationToken)
    {
        var queue = DemoStage.Queues[queueIndex];
        var patience = new Patience(relay, options.Limit, ledger.Clock);
        var stride = DemoStage.Queues.Length * SendersPerQueue;
        for (var i = queueIndex + (sender * DemoStage.Queues.Length); i < input.Count; i += stride)
        {
            var ahead = (options.Pace * ((double)i / input.Count)) - ledger.Clock.GetElapsedTime(started);
            if (ahead > TimeSpan.Zero) await Task.Delay(ahead, ledger.Clock, cancellationToken);
            var number = i;
            var body = input.Body(number);
            // A key belongs to one sender, which waits for each 202: that is what makes an order.
            var orderKey = queue.Ordered ? $"customer-{sender}-{i / stride % KeysPerSender}" : null;
            var answer = await patience.TryAsync(() => PostAsync(queue.Name, number, body, orderKey, cancellationToken), cancellationToken);
            if (answer.Duplicate) Interlocked.Increment(ref _recognised);
            ledger.Acknowledge(new(answer.Id, queue.Name, Ledger.Hash(body), orderKey, queue.Services));
        }
    }

    private async Task<AcceptedAnswer> PostAsync(
        string queue, int number, byte[] body, string? orderKey, CancellationToken cancellationToken)
    {
        using var answer = await relay.SendAsync(() =>
        {
            var content = new ByteArrayContent(body);
            content.Headers.ContentType = new("application/json");
            var request = new HttpRequestMessage(HttpMethod.Post, $"v1/queues/{queue}/messages") { Content = content };
            request.Headers.Add("Idempotency-Key", $"{_run}-{number}");
            if (orderKey is not null) request.Headers.Add("Recourse-Key", orderKey);
            return request;
        }, cancellationToken);
        await relay.ThrowIfRefusedAsync(answer, cancellationToken);
        return relay.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken), RelayJson.Default.AcceptedAnswer);
    }
}
