using System.Data.Common;
using Recourse.Tables;

namespace Recourse;

/// <summary>What the type of an exception says when it carries no code.</summary>
internal sealed record TypeFact(Classification? Classification, bool IsWrapper)
{
    private static readonly TypeFact Nothing = new(null, false);

    /// <summary>The row of the type's name, or of its nearest ancestor that has one.</summary>
    internal static TypeFact Of(Type exceptionType, CodeTable table)
    {
        var family = table.Family("dotnet");
        for (var type = exceptionType; type is not null && type != typeof(Exception); type = type.BaseType)
        {
            if (family?.Find(type.Name) is { } found) return new TypeFact(found, IsWrapperName(type.Name));
        }

        return Nothing;
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
