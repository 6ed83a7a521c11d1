namespace Recourse.Durable;

/// <summary>One finished try at a delivery, as it is stored with its outcome.</summary>
public sealed record Attempt
{
    /// <summary>Counts from 1 over the life of the delivery, replays included.</summary>
    public required int Number { get; init; }

    /// <summary>The generation it belongs to: 0 before any replay.</summary>
    public int Generation { get; init; }

    /// <summary>When it began, UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>How long it took, in milliseconds; null for one that a crash ended.</summary>
    public long? DurationMs { get; init; }

    /// <summary><c>delivered</c>, <c>failed</c>, <c>crashed</c> or <c>released</c> (given back at a graceful stop, not counted).</summary>
    public required string Outcome { get; init; }

    /// <summary>What happened; null when it was delivered.</summary>
    public FaultKind? Kind { get; init; }

    /// <summary>Whether the effect may have happened.</summary>
    public Applied Applied { get; init; }

    /// <summary>The HTTP status or other code; null when there was none.</summary>
    public string? Status { get; init; }

    /// <summary>The error in words, at most 2,000 characters; null when it was delivered.</summary>
    public string? Error { get; init; }

    /// <summary>The node that made it.</summary>
    public string? Node { get; init; }

    /// <summary>What was decided after it, with the reason; null when it was delivered.</summary>
    public string? Decision { get; init; }
}
