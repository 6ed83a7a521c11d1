namespace Recourse.Server.Redaction;

/// <summary>
/// Where a value ends that stands behind a secret name in a text. Where that is not certain, it ends too late rather than too early.
/// </summary>
internal static class SecretValue
{
    /// <summary>The end of the value that begins at <paramref name="start"/>; the same place when there is none.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="start">Behind the sign and its spaces.</param>
    /// <param name="quote">The opening quote, with the backslashes before it; empty when the value is not quoted.</param>
    public static int End(string text, int start, out string quote)
    {
        quote = "";
        var slashes = 0;
        while (start + slashes < text.Length && text[start + slashes] == '\\')
            slashes++;
        if (start + slashes < text.Length && text[start + slashes] == '"')
        {
            quote = text[start..(start + slashes + 1)];
            return Quoted(text, start + quote.Length, slashes);
        }
        return start < text.Length && text[start] is '{' or '[' ? Nested(text, start) : Bare(text, start);
    }

    // JSON within a JSON string has \" for ", and \\\" within that: each level doubles the backslashes and adds one. A quote that has those
    // of the opening one, beside whole pairs of escaped backslashes, closes. One that nothing closes was cut off: it runs to the end.
    private static int Quoted(string text, int start, int slashes)
    {
        var run = 0;
        for (var i = start; i < text.Length; i++)
        {
            if (text[i] == '"' && run >= slashes && (run - slashes) % (2 * (slashes + 1)) == 0)
                return i + 1;
            run = text[i] == '\\' ? run + 1 : 0;
        }
        return text.Length;
    }

    // To the end of the line, and on to the bracket that closes it; brackets in strings may make that later, or the end of the text.
    private static int Nested(string text, int start)
    {
        var (depth, closed) = (0, text.Length);
        for (var i = start; i < text.Length && closed == text.Length; i++)
        {
            depth += text[i] is '{' or '[' ? 1 : text[i] is '}' or ']' ? -1 : 0;
            if (depth == 0)
                closed = i + 1;
        }
        var line = text.AsSpan(start).IndexOfAny('\r', '\n');
        return Math.Max(closed, line < 0 ? text.Length : start + line);
    }

    private static int Bare(string text, int start)
    {
        foreach (var scheme in (string[])["Bearer", "Basic", "Digest"])
        {
            if (string.Compare(text, start, scheme, 0, scheme.Length, StringComparison.OrdinalIgnoreCase) != 0)
                continue;
            var behind = start + scheme.Length;
            while (behind < text.Length && text[behind] is ' ' or '\t')
                behind++;
            if (behind > start + scheme.Length && Until(text, behind, ",;\"") is var end && end > behind)
                return end;
        }
        return Until(text, start, ",;\"&}]");
    }

    private static int Until(string text, int start, string stops)
    {
        var end = start;
        while (end < text.Length && !char.IsWhiteSpace(text[end]) && !stops.Contains(text[end], StringComparison.Ordinal))
            end++;
        return end;
    }
}
