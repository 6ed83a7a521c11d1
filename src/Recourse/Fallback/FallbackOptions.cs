namespace Recourse;

/// <summary>What answers when a call fails. Of the answers that are set, the first of: by operation, function, value.</summary>
/// <typeparam name="T">What the calls return; calls of another type pass through.</typeparam>
public sealed record FallbackOptions<T>
{
    /// <summary>Answers by the name of the operation (<see cref="RecoveryContext.Operation"/>). Default null: none.</summary>
    public IReadOnlyDictionary<string, Func<FallbackQuestion, CancellationToken, ValueTask<T>>>? ByOperation { get; init; }

    /// <summary>
    /// A function that answers: another service, a cache, a degraded answer. Default null. If it fails, the caller gets the first failure.
    /// </summary>
    public Func<FallbackQuestion, CancellationToken, ValueTask<T>>? Function { get; init; }

    /// <summary>A value that answers; with <see cref="HasValue"/>. Default: the default of the type.</summary>
    public T? Value { get; init; }

    /// <summary>Whether <see cref="Value"/> answers where no function does. Default true when no function is set.</summary>
    public bool? HasValue { get; init; }

    /// <summary>Only faults of these kinds are answered. Default null (with <see cref="OnCategories"/>): every fault.</summary>
    public IReadOnlyCollection<FaultKind>? On { get; init; }

    /// <summary>Only faults of these categories (and of the kinds in <see cref="On"/>) are answered. Default null.</summary>
    public IReadOnlyCollection<FaultCategory>? OnCategories { get; init; }

    /// <summary>Whether time limits that passed are answered. Default true.</summary>
    public bool OnTimeout { get; init; } = true;

    /// <summary>Told when the fallback is about to answer. What it throws is logged and changes nothing. Default null.</summary>
    public Action<FallbackQuestion>? OnFallback { get; init; }

    internal bool AnswersByValue => HasValue ?? (Function is null && ByOperation is null);

    internal FallbackOptions<T> Checked()
    {
        Check.That(
            AnswersByValue || Function is not null || ByOperation is { Count: > 0 },
            $"FallbackOptions has no answer; set Value, Function or ByOperation.");
        return this;
    }
}

/// <summary>A failed call that wants an answer.</summary>
/// <param name="Classification">What the failure was.</param>
/// <param name="Exception">The exception; null when a result was judged a failure. A refusal is made an exception for you.</param>
/// <param name="Context">What the caller said about the call.</param>
public readonly record struct FallbackQuestion(Classification Classification, Exception? Exception, RecoveryContext Context);
