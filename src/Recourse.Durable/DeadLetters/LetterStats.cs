namespace Recourse.Durable;

/// <summary>Sums up what is dead, the same in every store.</summary>
internal static class LetterStats
{
    private static readonly TimeSpan[] Ages =
        [TimeSpan.FromMinutes(1), TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.FromDays(7), TimeSpan.FromDays(30)];

    /// <param name="groups">All groups.</param>
    /// <param name="now">The time, in microseconds.</param>
    /// <param name="dead">How many are dead, from the books.</param>
    /// <param name="diedBetween">How many of the dead died from a time on, and before another; each letter is counted once at most.</param>
    /// <param name="oldest">When the oldest died; null when none is dead.</param>
    public static DeadLetterStats Of(
        IEnumerable<LetterGroup> groups, long now, long dead, Func<long, long, long> diedBetween, long? oldest)
    {
        var ages = new List<DeadLetterAge>();
        var (counted, until) = (0L, long.MaxValue);
        foreach (var age in Ages)
        {
            var since = now - (long)age.TotalMicroseconds;
            counted = since <= (oldest ?? long.MaxValue) ? dead : counted + diedBetween(since, until);
            until = since;
            ages.Add(new(age, counted));
        }
        ages.Add(new(null, dead));
        return new(
            [
                .. groups.Where(group => group.Dead > 0).Select(group => group.Shown()).GroupBy(group => (group.Service, group.Kind))
                    .Select(alike => new DeadLetterCount(alike.Key.Service, alike.Key.Kind, alike.Sum(group => group.Dead)))
                    .OrderByDescending(count => count.Dead).ThenBy(count => count.Service, StringComparer.Ordinal)
                    .ThenBy(count => count.Kind),
            ], ages, oldest is { } at ? StoreTime.Time(at) : null);
    }
}
