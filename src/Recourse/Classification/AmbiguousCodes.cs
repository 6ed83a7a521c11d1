using Recourse.Phrases;

namespace Recourse;

/// <summary>
/// Codes that say too little, so that the text that came with them decides whether it passes: what a service uses for anything (Redis
/// answers every error without a word of its own as ERR), and numbers without a row in families whose unlisted ones are taken to stay.
/// </summary>
internal static class AmbiguousCodes
{
    internal static bool Contains(Classification found) => found is { Family: "redis", Code: "ERR" } || IsUnlisted(found);

    // A rule of the user is never doubted.
    private static bool IsUnlisted(Classification found) =>
        found is { Kind: FaultKind.Unknown, Persistence: Persistence.Permanent }
        && !found.Evidence.StartsWith("rule ", StringComparison.Ordinal);

    internal static Classification Resolve(Classification found, string message, TextRules text) =>
        text.Find(message) is { Persistence: Persistence.Transient } better
            ? better with { Family = found.Family, Code = found.Code, Evidence = $"{found.Evidence}, {better.Evidence}" }
            : found;
}
