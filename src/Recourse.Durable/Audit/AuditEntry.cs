namespace Recourse.Durable;

/// <summary>One act of a person, or of a program with a key: stored with what it did, in the same commit.</summary>
/// <param name="Number">Rises with each act of the store; 0 before it is stored.</param>
/// <param name="At">When, by the store's clock.</param>
/// <param name="Actor">Who: the name of the key, or what the caller said where no keys are used.</param>
/// <param name="Verb">What: <c>replay</c>, <c>discard</c>, <c>pause</c>, <c>keys.add</c> …</param>
/// <param name="Target">On what: <c>dead-letter/ID</c>, <c>queue/NAME</c>, <c>service/NAME</c>, <c>replay/ID</c>, <c>key/NAME</c>,
/// <c>store</c>.</param>
/// <param name="Reason">Why, or what exactly; null when not said.</param>
/// <param name="Outcome">What it came to: <c>done</c>, or why it was not done.</param>
public sealed record AuditEntry(
    long Number, DateTimeOffset At, string Actor, string Verb, string Target, string? Reason, string Outcome);

/// <summary>Which acts to list, newest first. All conditions hold together; a null is no condition.</summary>
public sealed record AuditFilter
{
    /// <summary>Only what this one did.</summary>
    public string? Actor { get; init; }
    /// <summary>Only this verb.</summary>
    public string? Verb { get; init; }
    /// <summary>Only what was done at this time or later.</summary>
    public DateTimeOffset? Since { get; init; }
    /// <summary>Only what was done before this time.</summary>
    public DateTimeOffset? Until { get; init; }
    /// <summary>Continue after this cursor of an earlier page; null for the first.</summary>
    public string? After { get; init; }
    /// <summary>1 to 500 acts. Default 50.</summary>
    public int Limit { get; init; } = 50;
}
