namespace Recourse.Durable;

/// <summary>Sums up what is dead, the same in every store.</summary>
internal static class LetterStats
{
    private static readonly TimeSpan[] Ages =
        [TimeSpan.FromMinutes(1), TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.FromDays(7), TimeSpan.FromDays(30)];

    /// <param name="groups">All groups.</param>
    /// <param name="now">The time, in microseconds.</param>
    /// <param name="diedSince">How many of the dead died at a time or later.</param>
    /// <param name="oldest">When the oldest died.</param>
    public static DeadLetterStats Of(IEnumerable<LetterGroup> groups, long now, Func<long, long> diedSince, long? oldest) => new(
        [
            .. groups.Where(group => group.Dead > 0).Select(group => group.Shown()).GroupBy(group => (group.Service, group.Kind))
                .Select(alike => new DeadLetterCount(alike.Key.Service, alike.Key.Kind, alike.Sum(group => group.Dead)))
                .OrderByDescending(count => count.Dead).ThenBy(count => count.Service, StringComparer.Ordinal).ThenBy(count => count.Kind),
        ],
        [
            .. Ages.Select(age => new DeadLetterAge(age, diedSince(now - (long)age.TotalMicroseconds))),
            new(null, diedSince(long.MinValue)),
        ],
        oldest is { } at ? StoreTime.Time(at) : null);
}
