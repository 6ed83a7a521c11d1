using System.Collections.Frozen;

namespace Recourse;

/// <summary>How often and how patiently one category of fault is tried again where nothing else is configured.</summary>
/// <param name="Attempts">Attempts in all, the first included; 1 means no retry; null means bounded by age and not by number.</param>
/// <param name="Backoff">The waits between them; null where there is no second attempt.</param>
public sealed record RetryDefault(int? Attempts, Backoff? Backoff)
{
    /// <summary>One attempt and no other.</summary>
    public static RetryDefault Once { get; } = new(1, null);

    /// <summary>Whether there is a second attempt at all.</summary>
    public bool Retries => Attempts is not 1;
}

/// <summary>One row of the table: the same category in a program, where somebody waits, and in the relay, where nobody does.</summary>
/// <param name="Category">The category of the fault.</param>
/// <param name="Library">In a pipeline.</param>
/// <param name="Relay">In the relay: a service that is down is waited for until the message is too old.</param>
public sealed record RetryDefaultRow(FaultCategory Category, RetryDefault Library, RetryDefault Relay);

/// <summary>
/// The one table of attempts and waits by category. Persistence comes first: what stays is tried once whatever its category, and what is
/// known to pass is tried again even where its category is usually not.
/// </summary>
public static class RetryDefaults
{
    private static readonly Backoff Quick = Jittered(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5));
    private static readonly Backoff Slow = Jittered(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
    private static readonly Backoff Steps = new()
    {
        Kind = BackoffKind.Linear,
        Initial = TimeSpan.FromSeconds(1),
        Max = TimeSpan.FromSeconds(30),
        Jitter = JitterKind.None,
    };

    private static readonly RetryDefault Transient = new(4, Quick);
    private static readonly RetryDefault ByAge = new(null, Backoff.Default);
    private static readonly RetryDefault Unsure = new(3, Quick);

    /// <summary>Every category once.</summary>
    public static IReadOnlyList<RetryDefaultRow> Rows { get; } =
    [
        new(FaultCategory.Communication, Transient, ByAge),
        new(FaultCategory.Dependency, Transient, ByAge),
        new(FaultCategory.Timeout, new(3, Steps), ByAge),
        new(FaultCategory.Resource, new(6, Slow), new(null, Slow)),
        new(FaultCategory.System, new(2, Slow), new(3, Slow)),
        new(FaultCategory.Unknown, Unsure, new(3, Backoff.Default)),
        new(FaultCategory.Data, RetryDefault.Once, RetryDefault.Once),
        new(FaultCategory.Business, RetryDefault.Once, RetryDefault.Once),
        new(FaultCategory.Security, RetryDefault.Once, RetryDefault.Once),
        new(FaultCategory.Configuration, RetryDefault.Once, RetryDefault.Once),
        new(FaultCategory.Poison, RetryDefault.Once, RetryDefault.Once),
    ];

    private static readonly FrozenDictionary<FaultCategory, RetryDefaultRow> ByCategory = Rows.ToFrozenDictionary(row => row.Category);

    /// <summary>The row of a category.</summary>
    public static RetryDefaultRow For(FaultCategory category) => ByCategory[category];

    /// <summary>What the table says about one fault in a pipeline.</summary>
    public static RetryDefault Library(Classification classification) => Choose(classification, static row =>
        row.Library, Transient, Unsure);

    /// <summary>What the table says about one fault in the relay.</summary>
    public static RetryDefault Relay(Classification classification) =>
        Choose(classification, static row => row.Relay, ByAge, ByCategory[FaultCategory.Unknown].Relay);

    private static RetryDefault Choose(
        Classification classification, Func<RetryDefaultRow, RetryDefault> column, RetryDefault transient, RetryDefault unsure)
    {
        ArgumentNullException.ThrowIfNull(classification);
        var usual = column(ByCategory[classification.Category]);
        return classification.Persistence switch
        {
            Persistence.Permanent => RetryDefault.Once,
            Persistence.Transient => usual.Retries ? usual : transient,
            // Not knowing never earns more attempts than the category gives, and never more than the row for the unknown.
            _ => usual is { Retries: true, Attempts: { } attempts } && attempts < unsure.Attempts ? usual : unsure,
        };
    }

    private static Backoff Jittered(TimeSpan initial, TimeSpan max) =>
        new() { Kind = BackoffKind.Exponential, Initial = initial, Max = max, Jitter = JitterKind.Proportional, JitterRange = 0.5 };
}
