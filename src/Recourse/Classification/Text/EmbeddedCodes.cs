using System.Globalization;
using Recourse.Tables;

namespace Recourse.Phrases;

/// <summary>
/// Codes that a message carries in the form its family always gives them: a SQLSTATE in front, an HTTP status beside a word that says so,
/// ORA-00060, ECONNRESET, the first word of a Redis reply. A number on its own in running text is no code.
/// </summary>
internal static class EmbeddedCodes
{
    private const string SqlitePrefix = "SQLite Error ";
    private const string RpcPrefix = "Status(StatusCode=\"";
    private const string Amqp = "AMQP";

    private static readonly string[] HttpWords = ["http", "status", "code", "statuscode", "response", "returned", "success", "error"];
    private static readonly string[] MailWords = ["mail", "recipient", "sender", "smtp", "transmission", "domain", "address rejected"];

    internal static Classification? Find(ReadOnlySpan<char> text, CodeTable table)
    {
        text = text.Trim();
        return AtStart(text, table) ?? InTokens(text, table);
    }

    private static Classification? AtStart(ReadOnlySpan<char> text, CodeTable table)
    {
        if (text.StartsWith(SqlitePrefix, StringComparison.Ordinal)) return Number(text[SqlitePrefix.Length..], table, "sqlite");
        if (text.StartsWith(RpcPrefix, StringComparison.Ordinal))
        {
            var rest = text[RpcPrefix.Length..];
            var end = rest.IndexOf('"');
            return end < 0 ? null : table.Grpc.FindListed(rest[..end]);
        }

        // Npgsql writes "40P01: deadlock detected".
        if (text.Length > 7 && text[5] == ':' && text[6] == ' '
            && IsSqlState(text[..5])) return table.Find("postgres", text[..5].ToString());
        if (text.Length == 5 && IsSqlState(text) && table.Postgres.FindListed(text) is { } state) return state;
        var word = text[..Word(text, 0)];
        if (word.Length >= 3 && IsUpper(word) && (word.Length == text.Length || text[word.Length] == ' ')
            && !word.Equals("ERR", StringComparison.Ordinal) && table.Redis.FindListed(word) is { } redis) return redis;
        return word.Length == 3 && word[0] is '4' or '5' && IsMail(text) ? Number(word, table, "smtp") : null;
    }

    private static Classification? InTokens(ReadOnlySpan<char> text, CodeTable table)
    {
        var isAmqp = text.Contains(Amqp, StringComparison.Ordinal);
        var previous = default(ReadOnlySpan<char>);
        for (var start = 0; start < text.Length;)
        {
            var end = Word(text, start);
            if (end == start)
            {
                start++;
                continue;
            }

            var token = text[start..end];
            if (Token(text, start, end, previous, isAmqp, table) is { } found) return found;
            previous = token;
            start = end;
        }

        return null;
    }

    private static Classification? Token(
        ReadOnlySpan<char> text, int start, int end, ReadOnlySpan<char> previous, bool isAmqp, CodeTable table)
    {
        var token = text[start..end];
        return token[0] switch
        {
            'E' when token.Length is >= 5 and <= 24 && IsUpper(token) => table.Sockets.FindListed(token),
            'N' when token.StartsWith("Neo.", StringComparison.Ordinal) => table.Find("neo4j", token.TrimEnd('.').ToString()),
            'O' when token.Length == 9 && token.StartsWith("ORA-", StringComparison.Ordinal) => table.Family("oracle")?.FindListed(token),
            'S' when token.Length is 8 or 9 && token[^1] == 'N' && token.StartsWith("SQL", StringComparison.Ordinal) =>
                table.Family("db2")?.FindListed(token),
            >= '0' and <= '9' when token.Length == 3 && IsDigits(token) => ThreeDigits(text, start, end, previous, isAmqp, table),
            _ => token.Length == 5 && previous.Equals("SQLSTATE", StringComparison.OrdinalIgnoreCase) && IsSqlState(token)
                ? table.Find("postgres", token.ToString())
                : null,
        };
    }

    private static Classification? ThreeDigits(
        ReadOnlySpan<char> text, int start, int end, ReadOnlySpan<char> previous, bool isAmqp, CodeTable table)
    {
        var token = text[start..end];
        if (isAmqp) return previous.Equals("code", StringComparison.OrdinalIgnoreCase) ? Number(token, table, "rabbitmq") : null;
        if (token[0] is not ('4' or '5')) return null;
        var alone = token.Length == text.Length;
        var named = start > 0 && end < text.Length && text[start - 1] == '(' && text[end] == ')';
        return alone || named || IsHttpWord(previous) ? DriverFacts.Http(table, Parse(token)) : null;
    }

    // HTTP/1.1 503 counts as well: the token before the number is then "HTTP/1.1" or what the slash leaves of it.
    private static bool IsHttpWord(ReadOnlySpan<char> word)
    {
        foreach (var known in HttpWords)
        {
            if (word.Equals(known, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return word is "1.0" or "1.1" or "2.0";
    }

    private static bool IsMail(ReadOnlySpan<char> text)
    {
        // An enhanced status code (4.7.0) follows the reply, or the words are those of mail.
        if (text.Length > 8 && text[3] is ' ' or '-' && text[4] == text[0] && text[5] == '.' && char.IsAsciiDigit(text[6])) return true;
        foreach (var word in MailWords)
        {
            if (text.Contains(word, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }

    private static bool IsSqlState(ReadOnlySpan<char> state)
    {
        var digits = 0;
        foreach (var c in state)
        {
            if (char.IsAsciiDigit(c)) digits++;
            else if (!char.IsAsciiLetterUpper(c)) return false;
        }

        return digits >= 2;
    }

    private static bool IsUpper(ReadOnlySpan<char> word)
    {
        foreach (var c in word)
        {
            if (!char.IsAsciiLetterUpper(c) && c != '_') return false;
        }

        return true;
    }

    private static bool IsDigits(ReadOnlySpan<char> word) => !word.ContainsAnyExceptInRange('0', '9');

    private static int Word(ReadOnlySpan<char> text, int start)
    {
        var end = start;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || (end > start && text[end] is '_' or '.' or '-'))) end++;
        // A full stop that ends a sentence is no part of the word.
        while (end > start && text[end - 1] is '.' or '-') end--;
        return end;
    }

    private static Classification? Number(ReadOnlySpan<char> text, CodeTable table, string family)
    {
        var end = 0;
        while (end < text.Length && end < 9 && char.IsAsciiDigit(text[end])) end++;
        return end == 0 ? null : table.Family(family)?.Find(Parse(text[..end]));
    }

    private static int Parse(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
}
