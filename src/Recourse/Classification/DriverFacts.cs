using System.Data.Common;
using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Net.Sockets;
using Recourse.Tables;

namespace Recourse;

/// <summary>
/// Reads codes out of exceptions. Only what the base class library shows is touched: virtual members of DbException, entries of
/// Exception.Data, and prefixes of messages that drivers have kept for years. No driver is referenced and nothing is reflected over.
/// </summary>
internal static class DriverFacts
{
    private const string SqlitePrefix = "SQLite Error ";
    private const string RpcPrefix = "Status(StatusCode=\"";

    /// <summary>What the exception itself (not its inner ones) says by a code; null when it says none.</summary>
    internal static Classification? Read(Exception exception, CodeTable table) => exception switch
    {
        SocketException socket => table.Sockets.FindListed(ToWinsock(socket)),
        HttpRequestException { StatusCode: { } status } => Http(table, (int)status),
        DbException database => Database(database, table),
        WebException web => Web(web, table),
        SmtpException smtp => smtp.StatusCode > 0 ? table.Find("smtp", (int)smtp.StatusCode) : null,
        IOException io => HResults.Find(io, table),
        _ => Message(exception, table),
    };

    internal static Classification? Http(CodeTable table, int status) => status < 400 ? null : table.Http.Find(status);

    // SocketException.SocketErrorCode is the Winsock number on every system; ErrorCode is the system's own.
    private static int ToWinsock(SocketException socket) => (int)socket.SocketErrorCode;

    private static Classification? Web(WebException web, CodeTable table) =>
        web.Response is HttpWebResponse response ? Http(table, (int)response.StatusCode)
        : web.Status is WebExceptionStatus.UnknownError or WebExceptionStatus.Success ? null
        : table.Sockets.Find(web.Status.ToString());

    private static Classification? Database(DbException exception, CodeTable table)
    {
        var message = exception.Message;
        if (message.StartsWith(SqlitePrefix, StringComparison.Ordinal)) return NumberAt(message, SqlitePrefix.Length) is { } sqlite
            ? table.Find("sqlite", sqlite)
            : null;
        if (message.StartsWith("ORA-", StringComparison.Ordinal)) return NumberAt(message, 4) is { } oracle ? table.Find("oracle", oracle) : null;
        // SqlClient and both MySQL drivers leave their number in Data.
        if (exception.Data is { Count: > 0 } data)
        {
            if (data["HelpLink.EvtID"] is string text && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
                return table.Find("sqlserver", number);
            if (data["Server Error Code"] is { } mysql) return MySql(mysql, table);
        }

        return exception.SqlState is { Length: 5 } state ? table.Find("postgres", state) : null;
    }

    private static Classification? MySql(object code, CodeTable table) => code switch
    {
        int number => table.Find("mysql", number),
        Enum name => table.Find("mysql", Convert.ToInt32(name, CultureInfo.InvariantCulture)),
        _ => null,
    };

    // Drivers whose exceptions carry the code in a fixed place of the message.
    private static Classification? Message(Exception exception, CodeTable table)
    {
        var message = exception.Message;
        if (message.StartsWith(RpcPrefix, StringComparison.Ordinal))
        {
            var end = message.IndexOf('"', RpcPrefix.Length);
            return end < 0 ? null : table.Find("grpc", message[RpcPrefix.Length..end]);
        }

        return null;
    }

    private static int? NumberAt(string text, int start)
    {
        var end = start;
        while (end < text.Length && end - start < 9 && char.IsAsciiDigit(text[end])) end++;
        return end == start ? null : int.Parse(text.AsSpan(start, end - start), NumberStyles.None, CultureInfo.InvariantCulture);
    }
}
