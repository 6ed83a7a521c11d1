using Recourse;
using Recourse.Durable;

/// <summary>
/// Goes on with the replay jobs that are open, and delivers what they send: four of five letters; the others die again. Ends when no job
/// is open and nothing waits. A line for each delivery that ended, with the generation in which it did; after so many of them it waits for
/// a line, so that it cannot be done before whoever is to kill it gets a turn.
/// </summary>
internal static class ReplayWork
{
    private const int LinesAhead = 32;

    private static int _lines;

    public static async Task RunAsync(MessageStore store, TextWriter output, Random random)
    {
        await using var runner = new ReplayRunner(store);
        runner.Start();
        for (var suspects = true; ; suspects = !suspects)
        {
            var claim = await store.CommitAsync(new ClaimCommand("x", 7, "child") { Suspects = suspects });
            foreach (var claimed in claim.Deliveries)
                await EndAsync(store, output, claimed, random);
            if (claim.Deliveries.Count == 0 && await DoneAsync(store))
                return;
        }
    }

    private static async Task<bool> DoneAsync(MessageStore store)
    {
        foreach (var job in (await store.Queries.ReplaysAsync(null, 10)).Items)
        {
            if (job.State is not ReplayState.Completed)
                return false;
        }
        foreach (var queue in await store.Queries.QueuesAsync())
        {
            if (queue.Waiting + queue.Delayed + queue.Leased > 0)
                return false;
        }
        return true;
    }

    private static async Task EndAsync(MessageStore store, TextWriter output, ClaimedDelivery claimed, Random random)
    {
        var attempt = new Attempt { Number = claimed.Attempt, StartedAt = claimed.ClaimedAt, Outcome = "failed", Error = "again" };
        var delivered = random.Next(5) > 0;
        StoreCommand<bool> end = delivered ? new CompleteCommand(claimed.Id, claimed.Lease, attempt)
            : new FailCommand(claimed.Id, claimed.Lease, attempt, Classification.Unknown, new(DeliveryAction.DeadLetter, null, "drawn"));
        if (await store.CommitAsync(end))
        {
            output.WriteLine($"{(delivered ? '=' : '!')} {claimed.Id} {claimed.Generation}");
            if (++_lines % LinesAhead == 0)
                await Console.In.ReadLineAsync();
        }
    }
}
