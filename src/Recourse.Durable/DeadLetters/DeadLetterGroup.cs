namespace Recourse.Durable;

/// <summary>Dead letters that died alike: the same service, kind and code, and the same error text but for its values.</summary>
public sealed record DeadLetterGroup
{
    /// <summary>
    /// The fingerprint, 16 hexadecimal digits. It follows from what the letters share alone: the same failure has it in every store.
    /// </summary>
    public required string Id { get; init; }
    /// <summary>The service that failed.</summary>
    public required string Service { get; init; }
    /// <summary>What happened.</summary>
    public required FaultKind Kind { get; init; }
    /// <summary>The HTTP status or other code; null when there was none.</summary>
    public string? Code { get; init; }
    /// <summary>The error text with its values taken out: <c>no customer &lt;*&gt;</c>; empty when the failures had no text.</summary>
    public required string Template { get; init; }
    /// <summary>The error of the letter that died last, at most 500 characters; null when it had none.</summary>
    public string? Sample { get; init; }
    /// <summary>How many are dead now.</summary>
    public required long Dead { get; init; }
    /// <summary>How often a delivery died this way, since the group was first seen.</summary>
    public required long Total { get; init; }
    /// <summary>When the first of them died.</summary>
    public required DateTimeOffset FirstSeen { get; init; }
    /// <summary>When the last of them died.</summary>
    public required DateTimeOffset LastSeen { get; init; }
}

/// <summary>In which order groups are listed.</summary>
public enum DeadLetterGroupOrder
{
    /// <summary>The largest first, by what is dead now.</summary>
    Dead,
    /// <summary>The one in which a delivery died last first.</summary>
    Recent,
}

/// <summary>Which groups to list: those in which something is dead now. All conditions hold together; a null is no condition.</summary>
public sealed record DeadLetterGroupFilter
{
    /// <summary>Only of this service.</summary>
    public string? Service { get; init; }
    /// <summary>Only of this kind.</summary>
    public FaultKind? Kind { get; init; }
    /// <summary>Only where template or sample contains this text, in any case.</summary>
    public string? Text { get; init; }
    /// <summary>The order. Default: the largest first.</summary>
    public DeadLetterGroupOrder Order { get; init; }
    /// <summary>Continue after this cursor of an earlier page; null for the first.</summary>
    public string? After { get; init; }
    /// <summary>1 to 500 groups. Default 50.</summary>
    public int Limit { get; init; } = 50;
}
