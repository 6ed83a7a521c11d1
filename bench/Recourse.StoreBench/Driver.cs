using System.Diagnostics;

namespace Recourse.StoreBench;

/// <summary>Runs a subject with a given number of messages in flight.</summary>
internal static class Driver
{
    private const int BodyBytes = 500;
    private const int ClaimMax = 100;

    /// <summary>Messages stored per second, by as many callers as may be in flight, each waiting for its answer.</summary>
    public static async Task<double> EnqueueOnlyAsync(Subject subject, int messages, int inFlight)
    {
        var body = Body();
        var left = messages;
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
                await subject.EnqueueAsync(body);
        })));
        return messages / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>Messages handled per second, end to end: stored, claimed, completed; and the rate at which they were stored.</summary>
    public static async Task<(double Send, double EndToEnd)> EndToEndAsync(Subject subject, int messages, int inFlight)
    {
        var body = Body();
        using var slots = new SemaphoreSlim(inFlight);
        using var work = new SemaphoreSlim(0);
        var (toSend, toHandle) = (messages, messages);
        var sent = 0.0;
        var began = Stopwatch.GetTimestamp();
        var producers = Enumerable.Range(0, inFlight).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                await slots.WaitAsync();
                if (Interlocked.Decrement(ref toSend) is var left && left < 0)
                    return;
                await subject.EnqueueAsync(body);
                Tell(work);
                if (left == 0)
                    sent = messages / Stopwatch.GetElapsedTime(began).TotalSeconds;
            }
        })).ToList();
        var consumers = Enumerable.Range(0, inFlight > 1 ? 2 : 1).Select(_ => Task.Run(async () =>
        {
            while (Volatile.Read(ref toHandle) > 0)
            {
                await work.WaitAsync();
                if (Volatile.Read(ref toHandle) <= 0)
                    return;
                var handled = await subject.HandleAsync(ClaimMax);
                // There may be more than fits into one claim.
                if (handled >= ClaimMax)
                    Tell(work);
                if (handled > 0)
                    slots.Release(handled);
                if (Interlocked.Add(ref toHandle, -handled) <= 0)
                    work.Release(2);
            }
        })).ToList();
        await Task.WhenAll(consumers);
        var endToEnd = messages / Stopwatch.GetElapsedTime(began).TotalSeconds;
        slots.Release(inFlight);
        await Task.WhenAll(producers);
        return (sent, endToEnd);
    }

    // A signal says that there is work, not how much: what is stored behind a claim finds the signal used up and gives a new one.
    private static void Tell(SemaphoreSlim work)
    {
        lock (work)
        {
            if (work.CurrentCount == 0)
                work.Release();
        }
    }

    private static byte[] Body()
    {
        var body = new byte[BodyBytes];
        new Random(1).NextBytes(body);
        return body;
    }
}
