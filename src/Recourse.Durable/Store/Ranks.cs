namespace Recourse.Durable;

/// <summary>
/// A delivery's rank orders what is due: 0 to 9 is its priority; ten less while a replay job's replay of it has not ended, so that such
/// deliveries are found, and counted, apart.
/// </summary>
internal static class Ranks
{
    public const int Default = 4;
    public const int Highest = 9;
    public const int Lowest = -Count;

    /// <summary>The priorities that there are.</summary>
    public const int Count = 10;

    public static bool IsBulk(int rank) => rank < 0;

    public static int Bulk(int rank) => rank < 0 ? rank : rank - Count;

    public static int Live(int rank) => rank < 0 ? rank + Count : rank;
}
