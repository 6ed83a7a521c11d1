using System.Data.Common;
using Recourse.Tables;

namespace Recourse;

/// <summary>What the type of an exception says when it carries no code.</summary>
/// <param name="Classification">The row of the type; null when it has none.</param>
/// <param name="IsWrapper">Whether what it wraps says more than the type itself.</param>
/// <param name="CarriesCode">Whether its message carries the code in a form that its driver has kept for years.</param>
internal sealed record TypeFact(Classification? Classification, bool IsWrapper, bool CarriesCode)
{
    private static readonly string[] Carriers =
    [
        "RpcException", "OperationInterruptedException", "AlreadyClosedException", "RedisServerException", "RedisCommandException",
        "OracleException", "DB2Exception", "Neo4jException", "ClientException", "TransientException", "RequestFailedException", "CosmosException",
    ];

    /// <summary>The row of the type's name, or of its nearest ancestor that has one.</summary>
    internal static TypeFact Of(Type exceptionType, CodeTable table)
    {
        var family = table.Family("dotnet");
        var carries = false;
        for (var type = exceptionType; type is not null && type != typeof(Exception); type = type.BaseType)
        {
            carries |= Carriers.Contains(type.Name);
            if (family?.Find(type.Name) is { } found) return new TypeFact(found, IsWrapperName(type.Name), carries);
        }

        return new TypeFact(null, false, carries);
    }

    /// <summary>What members of the base class library say more weakly than a code: HttpRequestError, DbException.IsTransient.</summary>
    internal static Classification? ByMember(Exception exception, CodeTable table, KindTable kinds) => exception switch
    {
        HttpRequestException { InnerException: null, HttpRequestError: not HttpRequestError.Unknown } http
            => table.Sockets.Find(http.HttpRequestError.ToString()),
        DbException { InnerException: null, IsTransient: true }
            => kinds.Classify(FaultKind.TemporaryFailure, null, "the driver says that it is transient"),
        _ => null,
    };

    private static bool IsWrapperName(string name) =>
        name is "HttpRequestException" or "WebException" or "IOException" or "NpgsqlException" or "HttpIOException"
            or "TypeInitializationException" or "BrokerUnreachableException" or "MongoConnectionException";
}
