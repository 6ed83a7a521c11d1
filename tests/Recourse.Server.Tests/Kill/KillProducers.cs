using System.Text;
using Recourse.Cli.Client;
using Recourse.Cli.Demo;

namespace Recourse.Server.Tests.Kill;

/// <summary>
/// Several senders that post until they are told to stop, each message under one idempotency key, asking again whenever an answer was lost.
/// They pause while much is undelivered, so that the test ends soon after its last kill.
/// </summary>
internal sealed class KillProducers(KillScene scene, RelayClient client, IReadOnlyList<byte[]> payloads)
{
    private const int Producers = 6;
    private const int MostUndelivered = 400;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private volatile bool _stop;
    private int _number;

    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, Producers)
            .Select(producer => Task.Run(() => ProduceAsync(producer, cancellationToken), cancellationToken)));

    public void Stop() => _stop = true;

    private async Task ProduceAsync(int producer, CancellationToken cancellationToken)
    {
        var patience = new Patience(client, Patience);
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!_stop)
        {
            var (acknowledged, effects) = scene.Ledger.Counts;
            if (acknowledged - effects > MostUndelivered)
            {
                await pause.WaitForNextTickAsync(cancellationToken);
                continue;
            }
            var number = Interlocked.Increment(ref _number);
            var (queue, ordered, services) = KillScene.Queues[number % KillScene.Queues.Length];
            // A key belongs to one producer, which waits for each receipt: that makes the order that must be kept.
            var key = ordered ? $"key-{producer}-{number % 3}" : null;
            var body = payloads.Count > 0 ? payloads[number % payloads.Count] : Encoding.UTF8.GetBytes($"{{\"number\":{number}}}");
            var message = new LoadMessage(queue, body, $"kill-{number}", key);
            var answer = await patience.TryAsync(() => PostAsync(message, cancellationToken), cancellationToken);
            if (!scene.Ledger.Acknowledge(new(answer.Id, queue, Ledger.Hash(body), key, services)))
                Assert.Fail($"The id {answer.Id} was given to two messages.");
        }
    }

    private async Task<AcceptedAnswer> PostAsync(LoadMessage message, CancellationToken cancellationToken)
    {
        using var answer = await client.SendAsync(message.Request, cancellationToken);
        await client.ThrowIfRefusedAsync(answer, cancellationToken);
        return client.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken), RelayJson.Default.AcceptedAnswer);
    }
}
