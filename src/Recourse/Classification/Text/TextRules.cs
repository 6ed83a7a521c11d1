using Recourse.Tables;

namespace Recourse.Phrases;

/// <summary>
/// What a message alone says: phrases of the user, then codes that stand in the text as their family writes them, then general phrases.
/// </summary>
internal sealed class TextRules
{
    // A message can carry a whole page; what matters stands at its beginning, and the time spent on it has a bound.
    private const int MaxScanned = 4096;

    private static readonly (string Phrase, PhraseRow Row)[] BuiltInPhrases =
    [
        .. TextPhrases.Rows.SelectMany(row => row.Phrases.Split('|', StringSplitOptions.TrimEntries).Select(phrase => (phrase, row))),
    ];

    private static readonly Lazy<PhraseMachine> Machine =
        new(() => new PhraseMachine([.. BuiltInPhrases.Select(pair => (pair.Phrase, pair.Row.Weight))]));

    private readonly (string Phrase, Classification Classification)[] _own;
    private readonly Classification[] _builtIn;
    private readonly CodeTable _codes;

    internal TextRules(KindTable kinds, CodeTable codes, IEnumerable<KeyValuePair<string, FaultCells>> own)
    {
        _codes = codes;
        _own = [.. own.Select(pair => (pair.Key, kinds.Classify(pair.Value.Kind!.Value, pair.Value, $"rule text \"{pair.Key}\"")))];
        _builtIn = [.. BuiltInPhrases.Select(pair => Make(kinds, pair.Phrase, pair.Row))];
    }

    internal Classification? Find(string? message)
    {
        if (string.IsNullOrWhiteSpace(message)) return null;
        var text = message.AsSpan(0, Math.Min(message.Length, MaxScanned));
        foreach (var (phrase, classification) in _own)
        {
            if (text.Contains(phrase, StringComparison.OrdinalIgnoreCase)) return classification;
        }

        if (EmbeddedCodes.Find(text, _codes) is { } code) return code;
        var found = Machine.Value.Find(text);
        return found < 0 ? null : _builtIn[found];
    }

    /// <summary>The code that a short text is; null when it is none that is known without its family.</summary>
    internal Classification? FindCode(string code) => EmbeddedCodes.Find(code.AsSpan(0, Math.Min(code.Length, MaxScanned)), _codes);

    // Where the phrase says no more than the kind does, the cell stays open, so that an override of the kind reaches it.
    private static Classification Make(KindTable kinds, string phrase, PhraseRow row)
    {
        var cells = row.Persistence == KindTable.BuiltIn[row.Kind].Persistence ? null : new FaultCells { Persistence = row.Persistence };
        return kinds.Classify(row.Kind, cells, $"text \"{phrase.TrimEnd('*')}\"");
    }
}
