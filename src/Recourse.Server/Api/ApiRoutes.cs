using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Recourse.Durable;
using Recourse.Server.Security;

namespace Recourse.Server.Api;

/// <summary>
/// Answers one request; errors are thrown as <see cref="ProblemException"/> or by the store, and written by the guard around it.
/// </summary>
internal delegate Task ApiHandler(HttpContext http, Relay relay);

/// <summary>One parameter in the query of a call.</summary>
internal sealed record QueryParameter(string Name, string About, IReadOnlyList<string>? Allowed = null);

/// <summary>What the OpenAPI document says about a route; the same table maps it, so neither can be forgotten.</summary>
internal sealed record ApiRoute(string Method, string Pattern, string Summary)
{
    public IReadOnlyList<QueryParameter> Query { get; init; } = [];
    public IReadOnlyList<QueryParameter> Headers { get; init; } = [];
    /// <summary>The media type of the request; null when it has no body.</summary>
    public string? Takes { get; init; }
    /// <summary>The shape of the answer; null when it is no JSON.</summary>
    public Type? Answer { get; init; }
    public string AnswerType { get; init; } = "application/json";
    /// <summary>The role that suffices. Default: viewer for what only reads, operator for what acts.</summary>
    public Role Needs { get; init; } = Method == "GET" ? Role.Viewer : Role.Operator;
    /// <summary>Anybody may call it, without a key.</summary>
    public bool Open { get; init; }
    public int Status { get; init; } = StatusCodes.Status200OK;
    public IReadOnlyList<int> Problems { get; init; } = [];
}

/// <summary>Collects the routes of all resources.</summary>
internal sealed class ApiRoutes(IEndpointRouteBuilder endpoints, Relay relay)
{
    public List<ApiRoute> All { get; } = [];

    public void Map(ApiRoute route, ApiHandler handler)
    {
        All.Add(route);
        endpoints.MapMethods(route.Pattern, [route.Method], http =>
        {
            QueryReader.CheckNames(http.Request.Query, route.Query);
            return handler(http, relay);
        }).WithMetadata(route, new Door(route.Open ? null : route.Needs));
    }
}
