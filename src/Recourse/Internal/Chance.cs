namespace Recourse;

/// <summary>Where jitter comes from: the random numbers of the process, or, on a thread that simulates, those of a seed.</summary>
internal static class Chance
{
    [ThreadStatic]
    private static Random? seeded;

    /// <summary>A number from 0 up to but not including 1.</summary>
    internal static double Next() => (seeded ?? Random.Shared).NextDouble();

    /// <summary>From now on this thread draws from the given numbers; null takes them away again.</summary>
    internal static void Seed(Random? random) => seeded = random;
}
