namespace Recourse.Durable;

/// <summary>What a replay job is asked to do. Checked once, by <see cref="Checked"/>; never changed after.</summary>
public sealed record ReplayRequest
{
    /// <summary>
    /// Which dead letters: the conditions hold together. State, cursor and limit of it count for nothing. No condition at all is
    /// refused, unless <see cref="All"/> says that it is meant.
    /// </summary>
    public required DeliveryFilter Filter { get; init; }

    /// <summary>True replays every dead letter; it needs an empty filter and a <see cref="Limit"/>. Default false.</summary>
    public bool All { get; init; }

    /// <summary>The most letters to replay, those stored first; at least 1. Null (the default) is no bound.</summary>
    public long? Limit { get; init; }

    /// <summary>So many letters go first; the rest waits for their outcome. 0 (the default) is no canary; at most 1,000.</summary>
    public int Canary { get; init; }

    /// <summary>
    /// The share of the canary that must be delivered for the rest to follow; otherwise the job pauses and says why. More than 0, at most
    /// 1. Default 1: all of it.
    /// </summary>
    public double CanaryShare { get; init; } = 1;

    /// <summary>The most letters in a second, 0.01 to 100,000. Null (the default) is as fast as the store takes them.</summary>
    public double? Rate { get; init; }

    /// <summary>The most letters in one commit, 1 to 500. Default 500.</summary>
    public int BatchSize { get; init; } = BatchSizeMax;

    /// <summary>Which Idempotency-Key they carry. Default: whatever is safe for each.</summary>
    public ReplayKey Key { get; init; }

    /// <summary>Who asked for it; 1 to 100 characters.</summary>
    public required string Actor { get; init; }

    /// <summary>Why, at most 1,000 characters; null when not said.</summary>
    public string? Reason { get; init; }

    internal const int BatchSizeMax = 500;

    /// <summary>The filter as the store reads it: dead letters, those stored first first, which is the order of every lane.</summary>
    internal DeliveryFilter Letters(string? after, int limit) =>
        Filter with { State = DeliveryState.Dead, OldestFirst = true, After = after, Limit = limit };

    /// <summary>This request, when every bound is kept.</summary>
    /// <exception cref="ArgumentException">A bound is broken; the text names it and says what is allowed.</exception>
    public ReplayRequest Checked()
    {
        var conditions = Filter with { State = null, OldestFirst = false, After = null, Limit = 50 };
        var empty = conditions == new DeliveryFilter();
        That(!empty || All, "Filter has no condition; give one, or All with a Limit to replay every dead letter");
        That(empty || !All, "All is true beside a filter; leave one of them out");
        That(!All || Limit is not null, "All is true without a Limit; say how many at most");
        That(Limit is null or >= 1, $"Limit is {Limit}; it must be at least 1");
        That(Canary is >= 0 and <= 1_000, $"Canary is {Canary}; it must be 0 to 1,000");
        That(CanaryShare is > 0 and <= 1, $"CanaryShare is {CanaryShare}; it must be more than 0 and at most 1");
        That(Rate is null or >= 0.01 and <= 100_000, $"Rate is {Rate}; it must be 0.01 to 100,000 per second");
        That(BatchSize is >= 1 and <= BatchSizeMax, $"BatchSize is {BatchSize}; it must be 1 to {BatchSizeMax}");
        That(Enum.IsDefined(Key), $"Key is {Key}; it must be one of {string.Join(", ", Enum.GetNames<ReplayKey>())}");
        That(Actor.Length is > 0 and <= 100, $"Actor has {Actor.Length} characters; it must have 1 to 100");
        That(Reason is null or { Length: <= 1_000 }, $"Reason has {Reason?.Length} characters; at most 1,000 are kept");
        That(Filter.Resolved is not true, "Filter asks for resolved letters, which are dead no longer; leave Resolved out");
        _ = Letters(null, 1).CheckedGroup();
        return this with { Filter = conditions };
    }

    private static void That(bool good, string message)
    {
        if (!good)
            throw new ArgumentException($"ReplayRequest.{message}.");
    }
}
