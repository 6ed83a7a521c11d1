using Recourse.Durable;

namespace Recourse.Server;

/// <summary>Decides which dead letters are replayed by the actor <c>policy</c>, and which are too old to keep. Pure.</summary>
internal static class SecondChance
{
    /// <summary>
    /// True when a dead letter is to be replayed by itself by <paramref name="now"/>: not permanent, chances left, delay over.
    /// </summary>
    public static bool IsDue(DeliverySummary letter, DeadLetterConfiguration rules, DateTimeOffset now) =>
        letter.Persistence is not Persistence.Permanent
        && letter.Kind is not (FaultKind.PoisonMessage or FaultKind.OutcomeUnknown)
        && letter.Generation < rules.MaxRetries
        && (letter.DeadAt ?? letter.CreatedAt) <= now - (now == DateTimeOffset.MaxValue ? TimeSpan.Zero : rules.RetryDelay);

    /// <summary>True when a dead letter has been kept for as long as the configuration says.</summary>
    public static bool IsOver(DeliverySummary letter, DeadLetterConfiguration rules, DateTimeOffset now) =>
        rules.Retention is { } retention && (letter.DeadAt ?? letter.CreatedAt) <= now - retention;
}
