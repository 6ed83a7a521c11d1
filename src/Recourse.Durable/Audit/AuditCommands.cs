namespace Recourse.Durable;

/// <summary>
/// Notes an act that is no command of its own, such as an export or a refusal. What commands do is noted by the store itself, with them.
/// The result is true.
/// </summary>
/// <param name="actor">Who.</param>
/// <param name="verb">What, at most 40 characters.</param>
/// <param name="target">On what, at most 200 characters.</param>
/// <param name="reason">Why, or what exactly; null when not said. Cut at 1,000 characters.</param>
/// <param name="outcome">What it came to, at most 40 characters.</param>
public sealed class NoteActCommand(string actor, string verb, string target, string? reason, string outcome) : StoreCommand<bool>
{
    /// <summary>Who.</summary>
    public string Actor { get; } = actor;
    /// <summary>What.</summary>
    public string Verb { get; } = verb;
    /// <summary>On what.</summary>
    public string Target { get; } = target;
    /// <summary>Why, or what exactly.</summary>
    public string? Reason { get; } = reason;
    /// <summary>What it came to.</summary>
    public string Outcome { get; } = outcome;
}

/// <summary>
/// Removes noted acts older than <paramref name="olderThan"/>, or beyond the newest <paramref name="keepMax"/>; at most
/// <paramref name="limit"/>, the oldest first. The result is how many went.
/// </summary>
/// <param name="olderThan">The age from which an act may go.</param>
/// <param name="keepMax">How many may stay whatever their age; at least 0.</param>
/// <param name="limit">The most to remove in one command.</param>
public sealed class PruneAuditCommand(TimeSpan olderThan, long keepMax, int limit) : StoreCommand<int>
{
    /// <summary>The age from which an act may go.</summary>
    public TimeSpan OlderThan { get; } = olderThan;
    /// <summary>How many may stay whatever their age.</summary>
    public long KeepMax { get; } = keepMax;
    /// <summary>The most to remove.</summary>
    public int Limit { get; } = limit;
}
