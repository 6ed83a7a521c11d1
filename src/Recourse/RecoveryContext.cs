namespace Recourse;

/// <summary>
/// What is known about one call, or about all calls of one operation. Immutable: make one for each operation and reuse it, so that passing
/// it costs nothing.
/// </summary>
public sealed record RecoveryContext
{
    /// <summary>A context that says nothing.</summary>
    public static RecoveryContext None { get; } = new();

    /// <summary>The name of the operation, for fallbacks by operation, logs and metrics. Default null: not named.</summary>
    public string? Operation { get; init; }

    /// <summary>
    /// Most attempts of this call, the first included; from 1 to int.MaxValue. Default null: the retry strategy decides. It replaces the
    /// strategy's number.
    /// </summary>
    public int? MaxAttempts { get; init; }

    /// <summary>
    /// Most attempts of all retries that this call passes, in this pipeline and in those inside it: three layers of three attempts are 27
    /// without it. The first attempt counts; from 1 to int.MaxValue. Default null: no bound but those of the layers and of an outer call.
    /// </summary>
    public int? MaxTotalAttempts { get; init; }

    /// <summary>
    /// Whether running the operation twice does no harm. Default null: the retry strategy decides. Without it, a failure after which the
    /// effect may have happened is not retried.
    /// </summary>
    public bool? Repeatable { get; init; }

    /// <summary>
    /// The time that this call and all it calls may take; more than zero, up to 49 days. Default null: no limit but those of the pipeline
    /// and of an outer call.
    /// </summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>An id that ties this call to others, for logs and faults. Default null.</summary>
    public string? CorrelationId { get; init; }

    /// <summary>Further facts for strategies and functions of your own. Default null: none.</summary>
    public IReadOnlyDictionary<string, object?>? Properties { get; init; }

    internal RecoveryContext Checked()
    {
        Check.Range("RecoveryContext.MaxAttempts", MaxAttempts ?? 1, 1, int.MaxValue);
        Check.Range("RecoveryContext.MaxTotalAttempts", MaxTotalAttempts ?? 1, 1, int.MaxValue);
        if (Deadline is { } deadline) Check.Range("RecoveryContext.Deadline", deadline, TimeSpan.FromTicks(1), Durations.TimerMax);
        return this;
    }
}

/// <summary>One run of the operation, as the operation sees it.</summary>
/// <param name="Number">Which attempt it is, from 1.</param>
/// <param name="Context">What the caller said about the call.</param>
/// <param name="Token">Cancelled when the caller gives up or a timeout of the pipeline fires.</param>
public readonly record struct CallAttempt(int Number, RecoveryContext Context, CancellationToken Token);
