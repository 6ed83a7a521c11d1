using System.Globalization;

namespace Recourse;

// Explaining: what a family, a code and a text say together, any of them missing.
public sealed partial class FaultClassifier
{
    /// <summary>
    /// What a failure means of which only words are known. The code decides if its family knows it; a code without a family counts as an
    /// HTTP status if it is one; else the text decides, in which codes are found as well; else a code alone is looked up in all families,
    /// and means what they agree on; else it is unknown.
    /// </summary>
    /// <param name="family">postgres, http, kafka … in any case; null or empty when not known.</param>
    /// <param name="code">The code as its family writes it; null or empty when there is none.</param>
    /// <param name="message">The text; null or empty when there is none.</param>
    public ClassificationReport Explain(string? family, string? code, string? message)
    {
        var classification = ByCode(family?.Trim(), code?.Trim(), message) ?? ClassifyText(message);
        if (ReferenceEquals(classification, Classification.Unknown))
        {
            var isKnown = !string.IsNullOrWhiteSpace(family) && _codes.Family(family.Trim()) is not null;
            var alone = isKnown ? null : LonelyCodes.Find(string.IsNullOrWhiteSpace(code) ? message : code, _codes);
            if (alone is not null) classification = alone;
            else if (!string.IsNullOrWhiteSpace(family)) classification = classification with { Evidence = Unlisted(family.Trim(), code) };
        }

        return new ClassificationReport { Classification = classification, Severity = classification.Kind.Severity() };
    }

    private string Unlisted(string family, string? code)
    {
        var name = family.Length <= 64 ? family : family[..64];
        if (_codes.Family(family) is not { } known) return $"nothing known: there is no family \"{name}\"";
        return string.IsNullOrWhiteSpace(code)
            ? $"nothing known: no code of {known.Name} was given"
            : $"nothing known: {known.Name} has no such code";
    }

    private Classification? ByCode(string? family, string? code, string? message)
    {
        if (string.IsNullOrEmpty(code)) return null;
        if (!string.IsNullOrEmpty(family) && _codes.Family(family) is { } known) return Classify(known.Name, code, message);
        // A family of which nothing is known: its code is taken for an HTTP status only where the name says so or no name is given.
        var suggestsHttp = string.IsNullOrEmpty(family)
            || family.Contains("http", StringComparison.OrdinalIgnoreCase)
            || family.Contains("api", StringComparison.OrdinalIgnoreCase)
            || (message is not null && message.Contains("http", StringComparison.OrdinalIgnoreCase));
        if (suggestsHttp && code.Length == 3 && int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var status))
            return DriverFacts.Http(_codes, status);
        // ECONNRESET and 40P01 are recognised without a family, as they are in a text.
        return _text.Value.FindCode(code) ?? (string.IsNullOrEmpty(message) ? _text.Value.Find(code) : null);
    }
}
