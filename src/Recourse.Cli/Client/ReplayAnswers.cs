namespace Recourse.Cli.Client;

/// <summary>What a replay is asked to do.</summary>
internal sealed record ReplayBody
{
    public required Dictionary<string, string> Filter { get; init; }
    public bool All { get; init; }
    public long? Limit { get; init; }
    public int Canary { get; init; }
    public double? CanaryShare { get; init; }
    public double? Rate { get; init; }
    public string? Key { get; init; }
    public string? Actor { get; init; }
    public string? Reason { get; init; }
    public bool DryRun { get; init; }
}

/// <summary>Who acts, and why.</summary>
internal sealed record ActBody
{
    public string? Actor { get; init; }
    public string? Reason { get; init; }

    /// <summary>For a replay: keep, new or auto; null is auto.</summary>
    public string? Key { get; init; }
}

/// <summary>A replay with its progress.</summary>
internal sealed record ReplayAnswer
{
    public string Id { get; init; } = "";
    public string State { get; init; } = "";
    public string? StateReason { get; init; }
    public DateTimeOffset? MadeAt { get; init; }
    public long Matched { get; init; }
    public long Replayed { get; init; }
    public long Skipped { get; init; }
    public long Delivered { get; init; }
    public long DeadAgain { get; init; }
    public long Pending { get; init; }
    public string? Actor { get; init; }
    public string? Reason { get; init; }
}

/// <summary>What a replay would do.</summary>
internal sealed record ReplayPreviewAnswer
{
    public long Matched { get; init; }
    public IReadOnlyList<DeadLetterAnswer> Sample { get; init; } = [];
}

/// <summary>One letter of a replay.</summary>
internal sealed record ReplayItemAnswer
{
    public string Id { get; init; } = "";
    public int Generation { get; init; }
    public DateTimeOffset? At { get; init; }
    public string Outcome { get; init; } = "";
    public DateTimeOffset? EndedAt { get; init; }
    public string? Reason { get; init; }
}
