namespace Recourse.Server;

/// <summary>Finds the word that was probably meant.</summary>
internal static class Spelling
{
    /// <summary>
    /// The candidate that was probably meant: a word for yes or no means the one of its sense, never the one of like letters.
    /// </summary>
    public static string? Meant(string word, string[] candidates)
    {
        string[] yes = ["on", "true", "yes", "y", "1"], no = ["off", "false", "no", "n", "0"];
        foreach (var sense in (string[][])[yes, no])
        {
            if (sense.Contains(word, StringComparer.OrdinalIgnoreCase) && Array.Find(candidates, sense.Contains) is { } same)
                return same;
        }
        return Nearest(word, candidates);
    }

    /// <summary>The nearest candidate, or null when none is near: at most a third of the letters (and at most 4) differ.</summary>
    public static string? Nearest(string word, IEnumerable<string> candidates)
    {
        if (word.Length > 64)
            return null;
        string? best = null;
        var least = int.MaxValue;
        foreach (var candidate in candidates)
        {
            var distance = Distance(word, candidate);
            if (distance < least)
                (best, least) = (candidate, distance);
        }
        return best is not null && least <= Math.Min(4, Math.Max(1, Math.Max(word.Length, best.Length) / 3)) ? best : null;
    }

    /// <summary>
    /// How many letters to insert, remove, replace or swap with their neighbour; case and <c>-</c> against <c>_</c> count nothing.
    /// </summary>
    public static int Distance(string left, string right)
    {
        left = left.ToLowerInvariant().Replace('-', '_');
        right = right.ToLowerInvariant().Replace('-', '_');
        var before = new int[right.Length + 1];
        var last = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var row = new int[right.Length + 1];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                row[j] = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
            }
            (before, last) = (last, row);
        }
        return last[right.Length];
    }
}
