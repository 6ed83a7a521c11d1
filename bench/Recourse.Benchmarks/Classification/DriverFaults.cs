using System.Collections;
using System.Data.Common;
using System.Net;
using System.Net.Sockets;

namespace Recourse.Benchmarks.Classification;

/// <summary>
/// One failure for each family, shaped like what its driver throws: drivers are known by the name of the type, by members of the base class
/// library and by the form of the message, so stand-ins of the same name and form take the same way.
/// </summary>
internal static class DriverFaults
{
    internal static (string Name, Exception Fault)[] Typed { get; } =
    [
        ("SocketException", new SocketException((int)SocketError.ConnectionRefused)),
        ("HttpRequestException over SocketException", new HttpRequestException("x", new SocketException((int)SocketError.ConnectionReset))),
        ("HTTP status 503", new HttpRequestException("x", null, HttpStatusCode.ServiceUnavailable)),
        ("HTTP status 418 (by its class)", new HttpRequestException("x", null, (HttpStatusCode)418)),
        ("TimeoutException", new TimeoutException("x")),
        ("HttpClient's own timeout", new TaskCanceledException("x", new TimeoutException("y"))),
        ("IOException, errno or HRESULT", new IOException("x", OperatingSystem.IsWindows() ? unchecked((int)0x80070070) : 28)),
        ("PostgreSQL 40P01", new PostgresException("40P01")),
        ("PostgreSQL 22012 (by its class)", new PostgresException("22012")),
        ("SQL Server 1205", new SqlException("1205")),
        ("MySQL 1213", new MySqlException(1213)),
        ("SQLite 5", new SqliteException("SQLite Error 5: 'database is locked'.")),
        ("unknown driver, SQLSTATE 40001", new OtherException("40001")),
        ("gRPC UNAVAILABLE", new RpcException("Status(StatusCode=\"Unavailable\", Detail=\"failed to connect\")")),
        ("Redis LOADING", new RedisServerException("LOADING Redis is loading the dataset in memory")),
        ("type by name (EF Core concurrency)", new DbUpdateConcurrencyException("x")),
    ];

    internal static (string Name, string Text)[] Texts { get; } =
    [
        ("text of 67 characters", "The service is currently busy. Please retry the request later. (17)"),
        ("text of 135 characters", "A transport-level error has occurred when receiving results from the server. " +
            "An established connection was aborted by the host machine."),
        ("text of 107 characters, a code in it", "upstream connect error or disconnect/reset before headers. retried and the " +
            "last reset reason: ECONNREFUSED 1"),
        ("text of 84 characters that says nothing", "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor in it"),
    ];

    private sealed class PostgresException(string state) : DbException("deadlock")
    {
        public override string SqlState => state;
    }

    private sealed class SqlException : DbException
    {
        internal SqlException(string number) : base("Transaction was deadlocked") => Data["HelpLink.EvtID"] = number;
    }

    private sealed class MySqlException : DbException
    {
        private readonly Hashtable _data;

        internal MySqlException(int number) : base("Deadlock found") => _data = new Hashtable { ["Server Error Code"] = number };

        public override IDictionary Data => _data;
    }

    private sealed class SqliteException(string message) : DbException(message);

    private sealed class OtherException(string state) : DbException("something in the way")
    {
        public override string SqlState => state;
    }

    private sealed class RpcException(string message) : Exception(message);

    private sealed class RedisServerException(string message) : Exception(message);

    private sealed class DbUpdateConcurrencyException(string message) : Exception(message);
}
