using System.Data.Common;
using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Net.Sockets;
using Recourse.Tables;
using Recourse.Phrases;

namespace Recourse;

/// <summary>
/// Reads codes out of exceptions. Only what the base class library shows is touched: virtual members of DbException, entries of
/// Exception.Data, and prefixes of messages that drivers have kept for years. No driver is referenced and nothing is reflected over.
/// </summary>
internal static class DriverFacts
{
    private const string SqlitePrefix = "SQLite Error ";

    /// <summary>What the exception itself (not its inner ones) says by a code; null when it says none.</summary>
    internal static Classification? Read(Exception exception, CodePlace place, CodeTable table) => place switch
    {
        CodePlace.Nowhere => null,
        // SocketErrorCode is the Winsock number on every system; ErrorCode is the system's own.
        CodePlace.Socket => table.Sockets.FindListed((int)((SocketException)exception).SocketErrorCode),
        CodePlace.Http => ((HttpRequestException)exception).StatusCode is { } status ? Http(table, (int)status) : null,
        CodePlace.Web => Web((WebException)exception, table),
        CodePlace.Smtp => (int)((SmtpException)exception).StatusCode is > 0 and var reply ? table.Find("smtp", reply) : null,
        CodePlace.InputOutput => HResults.Find((IOException)exception, table),
        CodePlace.Message => EmbeddedCodes.Find(exception.Message, table),
        _ => Database((DbException)exception, place, table),
    };

    internal static Classification? Http(CodeTable table, int status) => status < 400 ? null : table.Http.Find(status);

    private static Classification? Web(WebException web, CodeTable table) =>
        web.Response is HttpWebResponse response ? Http(table, (int)response.StatusCode)
        : web.Status is WebExceptionStatus.UnknownError or WebExceptionStatus.Success ? null
        : table.Sockets.Find(web.Status.ToString());

    private static Classification? Database(DbException exception, CodePlace place, CodeTable table) => place switch
    {
        CodePlace.Postgres => State(exception, table),
        CodePlace.Sqlite => Sqlite(exception.Message, table),
        CodePlace.SqlServer or CodePlace.MySql => Entry(exception, table),
        // SQLSTATE comes last, because MySQL's are coarser than its own numbers.
        _ => Sqlite(exception.Message, table) ?? EmbeddedCodes.Find(exception.Message, table) ?? Entry(exception, table)
            ?? State(exception, table),
    };

    private static Classification? State(DbException exception, CodeTable table) =>
        exception.SqlState is { } state ? table.Postgres.FindState(state) : null;

    private static Classification? Sqlite(string message, CodeTable table) =>
        message.StartsWith(SqlitePrefix, StringComparison.Ordinal) && NumberAt(message, SqlitePrefix.Length) is { } code
            ? table.Sqlite.Find(code)
            : null;

    // SqlClient and both MySQL drivers leave their number in Data.
    private static Classification? Entry(DbException exception, CodeTable table)
    {
        if (exception.Data is not { Count: > 0 } data) return null;
        if (data["HelpLink.EvtID"] is string text
            && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            return table.SqlServer.Find(number);
        return data["Server Error Code"] is { } mysql ? MySql(mysql, table) : null;
    }

    // The number itself, or an enumeration over it, which unboxes as what it is made of; Convert would allocate on the way.
    private static Classification? MySql(object code, CodeTable table) =>
        Type.GetTypeCode(code.GetType()) == TypeCode.Int32 ? table.MySql.Find((int)code) : null;

    private static int? NumberAt(string text, int start)
    {
        var end = start;
        while (end < text.Length && end - start < 9 && char.IsAsciiDigit(text[end])) end++;
        return end == start ? null : int.Parse(text.AsSpan(start, end - start), NumberStyles.None, CultureInfo.InvariantCulture);
    }
}
