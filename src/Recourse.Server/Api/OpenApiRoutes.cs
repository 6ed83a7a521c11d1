using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace Recourse.Server.Api;

/// <summary>The OpenAPI document, made from the same table that maps the routes.</summary>
internal static partial class OpenApiRoutes
{
    private static readonly int[] Foreign = [403];
    private static readonly int[] Closed = [401, 403];

    private const string Document = "/openapi/{documentName}.json";

    public static void Map(IEndpointRouteBuilder endpoints, ApiRoutes routes)
    {
        var relay = endpoints.ServiceProvider.GetRequiredService<Relay>();
        relay.Routes = routes.All;
        // Only the built endpoint knows under which prefix the relay was mounted.
        endpoints.MapOpenApi(Document).Add(built => relay.Prefix = ((RouteEndpointBuilder)built).RoutePattern.RawText is { } whole
            && whole.EndsWith(Document, StringComparison.Ordinal) ? whole[..^Document.Length] : "");
    }

    public static void Configure(OpenApiOptions options) => options.AddDocumentTransformer(FillAsync);

    private static async Task FillAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context,
        CancellationToken cancellationToken)
    {
        var relay = context.ApplicationServices.GetRequiredService<Relay>();
        document.Info = new()
        {
            Title = "Recourse relay",
            Version = RelayVersion.Text,
            Description = "Messages come in, are kept, are delivered; what cannot be delivered waits as a dead letter.",
        };
        document.Paths = [];
        var problem = await context.GetOrCreateSchemaAsync(typeof(Problem), null, cancellationToken);
        foreach (var route in relay.Routes)
        {
            if (!document.Paths.TryGetValue(relay.Prefix + route.Pattern, out var path))
                document.Paths[relay.Prefix + route.Pattern] = path = new OpenApiPathItem { Operations = [] };
            var answer = route.Answer is null ? new OpenApiSchema()
                : await context.GetOrCreateSchemaAsync(route.Answer, null, cancellationToken);
            path.Operations![new HttpMethod(route.Method)] = Operation(route, answer, problem);
        }
    }

    private static OpenApiOperation Operation(ApiRoute route, OpenApiSchema answer, OpenApiSchema problem)
    {
        var operation = new OpenApiOperation
        {
            Summary = route.Summary,
            Parameters = [.. Parameters(route)],
            Responses = new() { [route.Status.ToString()] = Response(route.Status, route.AnswerType, answer) },
        };
        if (route.Takes is { } takes)
            operation.RequestBody = new OpenApiRequestBody { Content = new Dictionary<string, OpenApiMediaType> { [takes] = new() } };
        foreach (var status in route.Problems.Concat(route.Open ? Foreign : Closed).Order())
            operation.Responses[status.ToString()] = Response(status, Problem.MediaType, problem);
        return operation;
    }

    private static OpenApiResponse Response(int status, string mediaType, OpenApiSchema schema) => new()
    {
        Description = ReasonPhrases.GetReasonPhrase(status),
        Content = new Dictionary<string, OpenApiMediaType> { [mediaType] = new() { Schema = schema } },
    };

    private static IEnumerable<IOpenApiParameter> Parameters(ApiRoute route) =>
        PathParameter().Matches(route.Pattern).Select(match => Parameter(match.Groups[1].Value, ParameterLocation.Path, "", null))
            .Concat(route.Query.Select(query => Parameter(query.Name, ParameterLocation.Query, query.About, query.Allowed)))
            .Concat(route.Headers.Select(header => Parameter(header.Name, ParameterLocation.Header, header.About, null)));

    private static OpenApiParameter Parameter(
        string name, ParameterLocation location, string about, IReadOnlyList<string>? allowed) => new()
        {
            Name = name,
            In = location,
            Required = location is ParameterLocation.Path,
            Description = about,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String, Enum = allowed?.Select(value => (JsonNode)value).ToList() },
        };

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex PathParameter();
}
