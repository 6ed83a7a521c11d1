using System.Text;

namespace Recourse.Durable;

/// <summary>
/// What many error texts share: <c>Timeout after 800 ms on order 4711</c> becomes <c>Timeout after &lt;*&gt; ms on order &lt;*&gt;</c>.
/// Words with a digit in them, long hexadecimal words, quoted values and what follows a <c>?</c> in an address are taken for values;
/// everything else stays, the names and sentences of JSON too. A pure function; its own result is its fixed point, so a template is its own
/// template.
/// </summary>
internal static class ErrorTemplate
{
    /// <summary>Stored with each group: a later way of making templates must not be mixed with this one.</summary>
    public const int Version = 1;

    public const int CharsMax = 400;
    public const string Value = "<*>";

    private const int HexWordMin = 8;

    /// <summary>The template of an error text, at most 400 characters; empty for none.</summary>
    public static string Of(string? error)
    {
        var text = Once(error ?? "");
        // A value that goes can make what stood around it a value too; each pass after the first only shortens, so this ends.
        for (var next = Once(text); next != text; next = Once(text))
            text = next;
        return text;
    }

    private static string Once(string text)
    {
        var made = new StringBuilder(Math.Min(text.Length, CharsMax) + Value.Length);
        var at = 0;
        while (at < text.Length && made.Length <= CharsMax)
        {
            var length = Next(text.AsSpan(at), at == 0 ? ' ' : text[at - 1], out var isValue);
            if (isValue)
                AddValue(made);
            else if (char.IsWhiteSpace(text[at]))
                AddSpace(made);
            else
                made.Append(text, at, length);
            at += length;
        }
        return Shortened(made, at < text.Length);
    }

    /// <summary>The length of what comes next: a quoted value, a query, a word, or one character.</summary>
    private static int Next(ReadOnlySpan<char> rest, char before, out bool isValue)
    {
        isValue = true;
        if (rest.StartsWith(Value))
            return Value.Length;
        if (rest[0] is '\'' or '"' or '`' && !char.IsLetterOrDigit(before) && Quoted(rest) is > 0 and var quoted)
        {
            // What a service answers in JSON: names and sentences say what happened, and are read like all other words.
            isValue = rest[0] is not '"' || !(rest[..quoted].Contains(' ') || rest[quoted..].StartsWith(":"));
            return isValue ? quoted : 1;
        }
        if (rest[0] is '?' && rest.Length > 1 && IsOfWord(rest[1]) && !char.IsWhiteSpace(before))
            return Query(rest);
        if (!IsOfWord(rest[0]))
        {
            isValue = false;
            return rest.Length > 1 && char.IsSurrogatePair(rest[0], rest[1]) ? 2 : 1;
        }
        var word = Word(rest);
        isValue = HasDigit(rest[..word]) || IsHex(rest[..word]);
        return word;
    }

    /// <summary>The length of a quoted value with its quotes; 0 when the quote is an apostrophe or is not closed on its line.</summary>
    private static int Quoted(ReadOnlySpan<char> rest)
    {
        for (var i = 1; i < rest.Length && rest[i] is not ('\n' or '\r'); i++)
        {
            if (rest[i] == rest[0] && (i + 1 == rest.Length || !char.IsLetterOrDigit(rest[i + 1])))
                return i + 1;
        }
        return 0;
    }

    private static int Query(ReadOnlySpan<char> rest)
    {
        var end = 1;
        while (end < rest.Length && (IsOfWord(rest[end]) || rest[end] is '&' or '=' or '%' or ';' or '-' or '.' or '+' or ':' or '/'))
            end++;
        return end;
    }

    /// <summary>Letters and digits, and between two of them what joins numbers, times, addresses and names.</summary>
    private static int Word(ReadOnlySpan<char> rest)
    {
        var end = 1;
        while (end < rest.Length && (IsOfWord(rest[end]) || (rest[end] is '.' or ':' or '-' or '+' or '@' or ',' && Joins(rest, end))))
            end++;
        return end;
    }

    // A comma joins digits only: 1,024 is one number, "a,b" are two words.
    private static bool Joins(ReadOnlySpan<char> rest, int at) => at + 1 < rest.Length
        && (rest[at] is ',' ? char.IsDigit(rest[at - 1]) && char.IsDigit(rest[at + 1]) : IsOfWord(rest[at - 1]) && IsOfWord(rest[at + 1]));

    private static bool IsOfWord(char c) => char.IsLetterOrDigit(c) || c is '_';

    private static bool HasDigit(ReadOnlySpan<char> word)
    {
        foreach (var c in word)
        {
            if (char.IsDigit(c))
                return true;
        }
        return false;
    }

    private static bool IsHex(ReadOnlySpan<char> word)
    {
        if (word.Length < HexWordMin)
            return false;
        foreach (var c in word)
        {
            if (!char.IsAsciiHexDigit(c) && c is not '-')
                return false;
        }
        return true;
    }

    /// <summary>Values side by side, however many, are one: a list of three ids and one of five make the same template.</summary>
    private static void AddValue(StringBuilder made)
    {
        var end = made.Length;
        while (end > 0 && made[end - 1] is ' ' or ',' or ';')
            end--;
        if (end >= Value.Length && made[end - 1] == '>' && made[end - 2] == '*' && made[end - 3] == '<')
            made.Length = end;
        else
            made.Append(Value);
    }

    private static void AddSpace(StringBuilder made)
    {
        if (made.Length > 0 && made[^1] != ' ')
            made.Append(' ');
    }

    private static string Shortened(StringBuilder made, bool more)
    {
        if (made.Length > CharsMax || more)
        {
            made.Length = Math.Min(made.Length, CharsMax - 1);
            if (made.Length > 0 && char.IsHighSurrogate(made[^1]))
                made.Length--;
            made.Append('…');
        }
        while (made.Length > 0 && made[^1] == ' ')
            made.Length--;
        return made.ToString();
    }
}
