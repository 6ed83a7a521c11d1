using System.Diagnostics;
using System.Globalization;
using System.Text;
using Recourse.Durable;
using Recourse.Sqlite;

namespace Recourse.StoreBench;

/// <summary>
/// Fills a SQLite store with dead letters by its own commands, then measures what an operator asks of them. Every error has an id of its
/// own and one of 60 wordings; every call asks something else.
/// </summary>
internal static class LetterBench
{
    private const int Batch = 1_000;
    private static readonly string[] Queues = ["orders", "invoices", "events"];
    private static readonly string[] Services = ["billing", "shipping", "crm", "ledger", "mail"];
    private static readonly FaultKind[] Kinds =
        [FaultKind.Timeout, FaultKind.ValidationError, FaultKind.ServiceUnavailable, FaultKind.Conflict, FaultKind.NotFound];
    private static readonly string[] Verbs =
        ["could not reserve", "was refused for", "timed out on", "has no account for", "failed to post"];
    private static readonly string[] Things = ["customer", "invoice", "parcel", "warehouse"];
    private static readonly string[] Causes = ["the connection was closed", "the field is missing", "the row is locked"];

    public static async Task RunAsync(int letters, int rounds, string? file, string? output)
    {
        var folder = file is null ? Directory.CreateTempSubdirectory("recourse-letters-") : null;
        try
        {
            await using var store = new SqliteMessageStore(file ?? Path.Combine(folder!.FullName, "letters.db"));
            await store.OpenAsync();
            var report = new StringBuilder();
            var held = (await store.Queries.QueuesAsync()).Sum(queue => queue.Dead);
            if (held < letters)
                await FillAsync(store, letters - (int)held, report);
            await MeasureAsync(store, letters, rounds, report);
            Console.Write(report);
            if (output is not null)
                await File.AppendAllTextAsync(output, report.ToString());
        }
        finally
        {
            folder?.Delete(recursive: true);
        }
    }

    private static async Task FillAsync(SqliteMessageStore store, int letters, StringBuilder report)
    {
        var random = new Random(1);
        var watch = Stopwatch.StartNew();
        var dying = TimeSpan.Zero;
        for (var done = 0; done < letters; done += Batch)
        {
            var count = Math.Min(Batch, letters - done);
            var service = Services[random.Next(Services.Length)];
            var message = new NewMessage { Queue = Queues[random.Next(3)], Body = new byte[100], Services = [service] };
            await Task.WhenAll(Enumerable.Range(0, count).Select(_ => store.CommitAsync(new EnqueueCommand(message)).AsTask()));
            var claim = await store.CommitAsync(new ClaimCommand(service, count, "bench"));
            var before = watch.Elapsed;
            await Task.WhenAll(claim.Deliveries.Select((held, i) => store.CommitAsync(Death(held, done + i, random)).AsTask()));
            dying += watch.Elapsed - before;
            if (done % 100_000 == 0)
                Console.Error.WriteLine($"{done:N0} of {letters:N0} after {watch.Elapsed.TotalSeconds:F0} s");
        }
        report.AppendLine(CultureInfo.InvariantCulture,
            $"Filled with {letters:N0} in {watch.Elapsed.TotalSeconds:F0} s; {letters / dying.TotalSeconds:N0} deaths/s.").AppendLine();
    }

    private static FailCommand Death(ClaimedDelivery held, int number, Random random)
    {
        var kind = Kinds[random.Next(Kinds.Length)];
        var fault = Classification.Unknown with { Kind = kind };
        var attempt = new Attempt
        {
            Number = held.Attempt,
            StartedAt = held.ClaimedAt,
            DurationMs = 12,
            Outcome = "failed",
            Status = "500",
            Error = Error(number, random),
        };
        return new(held.Id, held.Lease, attempt, fault, new(DeliveryAction.DeadLetter, null, "permanent"));
    }

    private static string Error(int number, Random random) => string.Create(CultureInfo.InvariantCulture,
        $"request {Id(number)} {Verbs[random.Next(5)]} {Things[random.Next(4)]} {random.Next(100_000)}: {Causes[random.Next(3)]}");

    // A number whose digits are spread, so that an id that is looked for is as rare as ids are.
    private static string Id(int number) => ((uint)number * 2_654_435_761u).ToString("x8", CultureInfo.InvariantCulture);

    private static async Task MeasureAsync(SqliteMessageStore store, int letters, int rounds, StringBuilder report)
    {
        var random = new Random(2);
        var dead = new DeliveryFilter { State = DeliveryState.Dead };
        var groups = (await store.Queries.GroupsAsync(new() { Limit = 500 })).Items;
        var cursors = await CursorsAsync(store, dead);
        T Any<T>(IReadOnlyList<T> of) => of[random.Next(of.Count)];
        var cases = new (string Name, int Target, Func<Task> Run)[]
        {
            ("first page", 100, () => ListAsync(dead)),
            ("a page on the way", 100, () => ListAsync(dead with { After = Any(cursors) })),
            ("a page of 500", 100, () => ListAsync(dead with { Limit = 500 })),
            ("of a queue", 100, () => ListAsync(dead with { Queue = Any(Queues) })),
            ("of a service", 100, () => ListAsync(dead with { Service = Any(Services) })),
            ("of a kind", 100, () => ListAsync(dead with { Kind = Any(Kinds) })),
            ("of a group", 100, () => ListAsync(dead with { Group = Any(groups).Id })),
            ("of a queue, kind and time", 100, () => ListAsync(dead with { Queue = Any(Queues), Kind = Any(Kinds), Until = Now() })),
            ("attempts_min that nothing has", 100, () => ListAsync(dead with { AttemptsMin = 5 })),
            ("text: an id, one hit", 100, () => ListAsync(dead with { Text = Id(random.Next(letters)) })),
            ("text: a common word", 100, () => ListAsync(dead with { Text = Any(Things) })),
            ("text: in two of three", 100, () => ListAsync(dead with { Text = "THE " + Any((string[])["row is", "field is"]) })),
            ("text: of a service and kind", 100, () =>
                ListAsync(dead with { Text = Any(Causes), Service = Any(Services), Kind = Any(Kinds) })),
            ("text: absent words", 100, () => ListAsync(dead with { Text = "no zebra crossed the quay" })),
            ("text: absent, of common pieces", 100, () => ListAsync(dead with { Text = "customer is missing the connection" })),
            ("text: absent id", 100, () => ListAsync(dead with { Text = Id(letters + random.Next(letters)) })),
            ("text: two letters, absent", 100, () => ListAsync(dead with { Text = "qx" })),
            ("groups", 200, () => store.Queries.GroupsAsync(new())),
            ("groups by text", 200, () => store.Queries.GroupsAsync(new() { Text = Any(Things), Order = DeadLetterGroupOrder.Recent })),
            ("sums by kind, service and age", 200, () => store.Queries.DeadLetterStatsAsync()),
        };
        report.AppendLine(CultureInfo.InvariantCulture, $"| {letters:N0} dead letters, {rounds} calls each | p50 ms | p99 ms | target ms |")
            .AppendLine("|---|---|---|---|");
        foreach (var (name, target, run) in cases)
        {
            await run();
            var times = new List<double>(rounds);
            for (var i = 0; i < rounds; i++)
            {
                var began = Stopwatch.GetTimestamp();
                await run();
                times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
            times.Sort();
            var (p50, p99) = (times[rounds / 2], times[(int)Math.Ceiling(rounds * 0.99) - 1]);
            report.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {p50:F1} | {p99:F1} | {target} |");
        }

        Task<Page<DeliverySummary>> ListAsync(DeliveryFilter filter) => store.Queries.DeliveriesAsync(filter);
        static DateTimeOffset Now() => TimeProvider.System.GetUtcNow();
    }

    private static async Task<List<string>> CursorsAsync(SqliteMessageStore store, DeliveryFilter dead)
    {
        var cursors = new List<string>();
        string? after = null;
        for (var i = 0; i < 100; i++)
        {
            var page = await store.Queries.DeliveriesAsync(dead with { Limit = 500, After = after });
            if (page.Next is null)
                break;
            cursors.Add(after = page.Next);
        }
        return cursors;
    }
}
