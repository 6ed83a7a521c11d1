using System.Text;
using Recourse.Cli;
using Recourse.Cli.Client;
using Recourse.Cli.Demo;
using Recourse.Server.Tests.Kill;

namespace Recourse.Server.Tests.Nodes;

/// <summary>
/// Senders that post to whichever node answers, each message under one idempotency key, asking the next node whenever an answer was lost.
/// They pause while much is undelivered.
/// </summary>
internal sealed class NodeProducers(NodeScene scene)
{
    private const int Producers = 6;
    private const int MostUndelivered = 300;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private volatile bool _stop;
    private int _number;

    /// <summary>How often a message was answered as a duplicate: another node had stored it and its answer was lost.</summary>
    public int Duplicates { get; private set; }

    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, Producers)
            .Select(producer => Task.Run(() => ProduceAsync(producer, cancellationToken), cancellationToken)));

    public void Stop() => _stop = true;

    private async Task ProduceAsync(int producer, CancellationToken cancellationToken)
    {
        using var pause = new PeriodicTimer(Pause);
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
            // A key belongs to one producer, which waits for each receipt: that makes the order that must be kept, whatever the node.
            var key = ordered ? $"key-{producer}-{number % 3}" : null;
            var body = Encoding.UTF8.GetBytes($"{{\"number\":{number}}}");
            var answer = await PostAsync(new(queue, body, $"load-{number}", key), number, pause, cancellationToken);
            if (answer.Duplicate) Duplicates++;
            if (!scene.Ledger.Acknowledge(new(answer.Id, queue, Ledger.Hash(body), key, services)))
                Assert.Fail($"The id {answer.Id} was given to two messages.");
        }
    }

    private async Task<AcceptedAnswer> PostAsync(
        LoadMessage message, int node, PeriodicTimer pause, CancellationToken cancellationToken)
    {
        for (; ; node++)
        {
            // A frozen node takes the connection and says nothing.
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2), TimeProvider.System);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
            var client = scene.Clients[node % scene.Clients.Count];
            try
            {
                using var answer = await client.SendAsync(message.Request, both.Token);
                if ((int)answer.StatusCode == 202)
                    return client.Parse(await answer.Content.ReadAsByteArrayAsync(both.Token), RelayJson.Default.AcceptedAnswer);
                Assert.Contains((int)answer.StatusCode, new[] { 429, 503 });
            }
            catch (Exception error) when (error is CliException or HttpRequestException or OperationCanceledException or IOException
                && !cancellationToken.IsCancellationRequested)
            {
                // The next node, with the same key.
            }
            await pause.WaitForNextTickAsync(cancellationToken);
        }
    }
}
