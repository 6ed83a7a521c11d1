using Recourse.Phrases;

namespace Recourse;

/// <summary>
/// Codes that their service uses for anything, so that only the text that came with them decides. Redis answers every error without a
/// word of its own as ERR.
/// </summary>
internal static class AmbiguousCodes
{
    internal static bool Contains(Classification found) => found is { Family: "redis", Code: "ERR" };

    internal static Classification Resolve(Classification found, string message, TextRules text) =>
        text.Find(message) is { Persistence: Persistence.Transient } better
            ? better with { Family = found.Family, Code = found.Code, Evidence = $"{found.Evidence}, {better.Evidence}" }
            : found;
}
