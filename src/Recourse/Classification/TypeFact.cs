using System.Data.Common;
using System.Net;
using System.Net.Mail;
using System.Net.Sockets;
using Recourse.Tables;

namespace Recourse;

/// <summary>Where an exception of some type keeps its code.</summary>
internal enum CodePlace : byte
{
    Nowhere = 0,
    Socket,
    Http,
    Web,
    Smtp,
    InputOutput,
    /// <summary>A driver whose name is not known: SQLSTATE, Data and message are all looked at.</summary>
    Database,
    Postgres,
    SqlServer,
    MySql,
    Sqlite,
    /// <summary>The message, in a form that the driver has kept for years.</summary>
    Message,
}

/// <summary>What the type of an exception says; worked out once for each type.</summary>
/// <param name="Type">The type itself.</param>
/// <param name="Place">Where its code is.</param>
/// <param name="Classification">The row of the type's name, or of its nearest ancestor that has one; null when none has.</param>
/// <param name="IsWrapper">Whether what it wraps says more than the type itself.</param>
internal sealed record TypeFact(Type Type, CodePlace Place, Classification? Classification, bool IsWrapper)
{
    /// <summary>Whether it holds several exceptions: walking up its ancestors once is enough.</summary>
    internal bool IsAggregate { get; } = Type.IsAssignableTo(typeof(AggregateException));

    /// <summary>Whether it is a cancellation.</summary>
    internal bool IsCancellation { get; } = Type.IsAssignableTo(typeof(OperationCanceledException));

    private static readonly string[] CarriersInMessage =
    [
        "RpcException", "OperationInterruptedException", "AlreadyClosedException", "RedisServerException", "RedisCommandException",
        "OracleException", "DB2Exception", "Neo4jException", "ClientException", "TransientException", "RequestFailedException",
        "CosmosException",
    ];

    private static readonly string[] Wrappers =
    [
        "HttpRequestException", "WebException", "IOException", "NpgsqlException", "HttpIOException", "TypeInitializationException",
        "BrokerUnreachableException", "MongoConnectionException",
    ];

    internal static TypeFact Of(Type type, CodeTable table)
    {
        var family = table.Family("dotnet");
        var place = PlaceOf(type);
        for (var current = type; current is not null && current != typeof(Exception); current = current.BaseType)
        {
            if (place == CodePlace.Nowhere && CarriersInMessage.Contains(current.Name)) place = CodePlace.Message;
            if (family?.Find(current.Name) is { } found) return new TypeFact(type, place, found, Wrappers.Contains(current.Name));
        }

        return new TypeFact(type, place, null, false);
    }

    /// <summary>What members of the base class library say more weakly than a code: HttpRequestError, DbException.IsTransient.</summary>
    /// <param name="exception">An exception of this type.</param>
    /// <param name="table">The codes.</param>
    /// <param name="transient">What a driver's own "transient" means.</param>
    internal Classification? ByMember(Exception exception, CodeTable table, Classification transient) => Place switch
    {
        CodePlace.Nowhere => null,
        CodePlace.Http when exception is HttpRequestException { InnerException: null, HttpRequestError: not HttpRequestError.Unknown } http
            => table.Sockets.Find(http.HttpRequestError.ToString()),
        >= CodePlace.Database and <= CodePlace.Sqlite when exception is DbException { InnerException: null, IsTransient: true }
            => transient,
        _ => null,
    };

    private static CodePlace PlaceOf(Type type) =>
        type.IsAssignableTo(typeof(SocketException)) ? CodePlace.Socket
        : type.IsAssignableTo(typeof(HttpRequestException)) ? CodePlace.Http
        : type.IsAssignableTo(typeof(DbException)) ? DriverOf(type.Name)
        : type.IsAssignableTo(typeof(WebException)) ? CodePlace.Web
        : type.IsAssignableTo(typeof(SmtpException)) ? CodePlace.Smtp
        : type.IsAssignableTo(typeof(IOException)) ? CodePlace.InputOutput
        : CodePlace.Nowhere;

    private static CodePlace DriverOf(string name) => name switch
    {
        "PostgresException" or "NpgsqlException" => CodePlace.Postgres,
        "SqlException" => CodePlace.SqlServer,
        "MySqlException" => CodePlace.MySql,
        "SqliteException" => CodePlace.Sqlite,
        _ => CodePlace.Database,
    };
}
