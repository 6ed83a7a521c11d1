using Recourse.Durable;

namespace Recourse.Server;

/// <summary>Decides which dead letters are replayed by the actor <c>policy</c>, and which are too old to keep. Pure.</summary>
internal static class SecondChance
{
    /// <summary>
    /// True when nothing replays a letter by itself: a person said so, its fault does not pass, or its second chances are used up. The
    /// store's filter asks the same.
    /// </summary>
    public static bool IsManual(DeliverySummary letter, DeadLetterConfiguration rules) =>
        letter.Parked || letter.Persistence is Persistence.Permanent
        || letter.Kind is FaultKind.PoisonMessage or FaultKind.OutcomeUnknown
        || letter.Generation >= rules.MaxRetries;

    /// <summary>
    /// True when a dead letter is to be replayed by itself by <paramref name="now"/>: not permanent, chances left, delay over, in nobody's
    /// hand.
    /// </summary>
    public static bool IsDue(DeliverySummary letter, DeadLetterConfiguration rules, DateTimeOffset now) =>
        !IsManual(letter, rules)
        && letter.TakenBy is null
        && (letter.DeadAt ?? letter.CreatedAt) <= now - (now == DateTimeOffset.MaxValue ? TimeSpan.Zero : rules.RetryDelay);

    /// <summary>True when a dead letter has been kept for as long as the configuration says, and nobody has it in hand.</summary>
    public static bool IsOver(DeliverySummary letter, DeadLetterConfiguration rules, DateTimeOffset now) =>
        rules.Retention is { } retention && letter.TakenBy is null && (letter.DeadAt ?? letter.CreatedAt) <= now - retention;
}
