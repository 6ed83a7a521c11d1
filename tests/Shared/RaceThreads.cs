namespace Recourse.Tests;

/// <summary>Real threads that start together, for stress tests with a bounded number of rounds.</summary>
public static class RaceThreads
{
    /// <summary>Runs the body on so many threads, each with its number; throws what any of them threw, once all have ended.</summary>
    public static void Run(int threads, Action<int> body)
    {
        using var start = new Barrier(threads);
        var errors = new System.Collections.Concurrent.ConcurrentQueue<Exception>();
        Thread[] running = [.. Enumerable.Range(0, threads).Select(number => new Thread(() =>
        {
            try
            {
                start.SignalAndWait();
                body(number);
            }
            catch (Exception exception)
            {
                errors.Enqueue(exception);
            }
        }) { IsBackground = true })];
        foreach (var thread in running)
            thread.Start();
        foreach (var thread in running)
            thread.Join();
        if (!errors.IsEmpty)
            throw new AggregateException(errors);
    }
}
