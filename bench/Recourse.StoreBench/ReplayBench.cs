using System.Diagnostics;
using System.Globalization;
using System.Text;
using Recourse.Durable;

namespace Recourse.StoreBench;

/// <summary>How fast a replay job sends dead letters back, and how well it keeps a rate, on a store file with real fsyncs.</summary>
internal static class ReplayBench
{
    private const int Services = 4;

    private static readonly Classification Refused = new()
    {
        Kind = FaultKind.ValidationError,
        Persistence = Persistence.Permanent,
        Scope = RetryScope.Never,
        Applied = Applied.No,
        Blame = Blame.Message,
        Evidence = "http 422",
    };

    public static async Task RunAsync(Func<MessageStore> create, string name, int letters, string? output)
    {
        await using var store = create();
        await store.OpenAsync();
        Console.WriteLine($"{name}: making {letters:N0} dead letters …");
        await FillAsync(store, letters);
        await using var runner = new ReplayRunner(store);
        runner.Start();

        var table = new StringBuilder("# Replay jobs\n\n");
        table.AppendLine(CultureInfo.InvariantCulture,
            $"{name}, {letters:N0} dead letters of 500 bytes for {Services} services, history kept:").AppendLine();
        table.AppendLine("| case | letters | seconds | per second | error of the rate |").AppendLine("|---|---|---|---|---|");
        foreach (var rate in new double?[] { 50, 500, 2_000, null })
        {
            var some = rate is { } wanted ? (long)(wanted * 10) : (long?)null;
            var job = await runner.StartJobAsync(new()
            {
                Filter = new() { Queue = "queue" },
                Limit = some,
                Rate = rate,
                Actor = "bench",
            });
            var began = Stopwatch.GetTimestamp();
            job = await EndAsync(store, job);
            var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
            var perSecond = job.Replayed / seconds;
            var error = rate is { } asked ? string.Create(CultureInfo.InvariantCulture, $"{(perSecond / asked) - 1:P2}") : "";
            var title = rate is { } limited ? $"{limited:N0} a second" : "unlimited";
            table.AppendLine(CultureInfo.InvariantCulture, $"| {title} | {job.Replayed:N0} | {seconds:F2} | {perSecond:N0} | {error} |");
        }
        Console.Write(table);
        if (output is not null)
            await File.WriteAllTextAsync(output, table.ToString());
    }

    private static async Task<ReplayJob> EndAsync(MessageStore store, ReplayJob job)
    {
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (job.IsOpen && await look.WaitForNextTickAsync())
            job = (await store.Queries.ReplayAsync(job.Id))!;
        return job;
    }

    private static async Task FillAsync(MessageStore store, int letters)
    {
        var body = new byte[500];
        new Random(1).NextBytes(body);
        var left = letters;
        await Task.WhenAll(Enumerable.Range(0, 512).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) is >= 0 and var n)
                await store.CommitAsync(new EnqueueCommand(new() { Queue = "queue", Services = [$"service-{n % Services}"], Body = body }));
        })));
        foreach (var service in Enumerable.Range(0, Services).Select(n => $"service-{n}"))
        {
            while ((await store.CommitAsync(new ClaimCommand(service, 500, "bench"))).Deliveries is { Count: > 0 } claimed)
                await Task.WhenAll(claimed.Select(delivery => KillAsync(store, delivery)));
        }
    }

    private static async Task KillAsync(MessageStore store, ClaimedDelivery delivery)
    {
        var attempt = new Attempt
        {
            Number = delivery.Attempt,
            StartedAt = delivery.ClaimedAt,
            DurationMs = 3,
            Outcome = "failed",
            Status = "422",
            Error = $"HTTP 422: customer {delivery.Id.MessageId} is not known",
            Node = "bench",
        };
        await store.CommitAsync(new FailCommand(
            delivery.Id, delivery.Lease, attempt, Refused, new(DeliveryAction.DeadLetter, null, "permanent fault")));
    }
}
