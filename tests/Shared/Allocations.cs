namespace Recourse.Tests;

/// <summary>Counts what the current thread allocates.</summary>
public static class Allocations
{
    /// <summary>
    /// Bytes that one run of an action allocates, rounded to whole bytes: the least of several batches, since the first runs of code also
    /// allocate what it keeps.
    /// </summary>
    public static long Of(Action action, int runs = 1_000)
    {
        var least = long.MaxValue;
        for (var batch = 0; batch < 5; batch++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var run = 0; run < runs; run++)
                action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return (long)Math.Ceiling((double)least / runs);
    }
}
