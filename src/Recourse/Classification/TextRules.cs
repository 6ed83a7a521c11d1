using System.Collections.Immutable;

namespace Recourse;

/// <summary>What a message alone says: the first phrase of the table that occurs in it.</summary>
internal sealed class TextRules
{
    private const int MaxScanned = 4096;

    private readonly ImmutableArray<(string Phrase, Classification Classification)> _phrases;

    internal TextRules(KindTable kinds, IReadOnlyList<KeyValuePair<string, FaultCells>> own) =>
        _phrases = [.. own.Select(pair => (pair.Key, kinds.Classify(pair.Value.Kind!.Value, pair.Value, $"rule text \"{pair.Key}\"")))];

    /// <summary>The table without any phrase of the user.</summary>
    internal static TextRules BuiltIn { get; } = new(KindTable.BuiltIn, []);

    internal Classification? Find(string? message)
    {
        if (string.IsNullOrEmpty(message)) return null;
        var text = message.AsSpan(0, Math.Min(message.Length, MaxScanned));
        foreach (var (phrase, classification) in _phrases)
        {
            if (text.Contains(phrase, StringComparison.OrdinalIgnoreCase)) return classification;
        }

        return null;
    }
}
