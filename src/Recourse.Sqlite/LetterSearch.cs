using System.Text;
using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// Turns a text that is looked for into what the index of three-letter pieces can answer. The index only narrows down: whether a letter
/// really contains the text is decided by its error itself, so a piece that is left out costs time, never an answer.
/// </summary>
internal static class LetterSearch
{
    private const int PieceLength = 3;
    private const int PiecesMax = 24;

    /// <summary>The query for the index; null when the text is too short for it.</summary>
    public static string? Query(string text)
    {
        var runes = LetterRules.Folded(text).EnumerateRunes().ToArray();
        if (runes.Length < PieceLength)
            return null;
        var count = runes.Length - PieceLength + 1;
        var step = Math.Max(1, (count + PiecesMax - 1) / PiecesMax);
        var query = new StringBuilder();
        for (var i = 0; i < count; i += step)
        {
            query.Append(query.Length == 0 ? "\"" : " AND \"");
            foreach (var rune in runes.AsSpan(i, PieceLength))
                query.Append(rune.Value == '"' ? "\"\"" : rune.ToString());
            query.Append('"');
        }
        return query.ToString();
    }
}
