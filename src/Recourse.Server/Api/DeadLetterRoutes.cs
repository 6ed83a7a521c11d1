using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Dead letters: found, looked at, sent back, put away.</summary>
internal static class DeadLetterRoutes
{
    private const int MaxAct = 16 * 1024;
    private const int MaxReason = 1_000;

    internal static readonly QueryParameter[] ListQuery =
        [QueryReader.Queue, QueryReader.Kind, QueryReader.Service, QueryReader.Text, QueryReader.After, QueryReader.Limit];

    public static void Map(ApiRoutes routes)
    {
        routes.Map(new("GET", "/v1/dead-letters", "Finds dead letters, newest first.")
        {
            Query = ListQuery,
            Answer = typeof(ListView<DeadLetterView>),
            Problems = [400, 404, 503],
        }, ListAsync);
        routes.Map(new("GET", "/v1/dead-letters/{id}", "One dead letter with its attempts and decisions.")
        {
            Answer = typeof(DeadLetterDetailView),
            Problems = [404, 503],
        }, GetAsync);
        routes.Map(new("GET", "/v1/dead-letters/{id}/payload", "The body of a dead letter, byte for byte.")
        {
            AnswerType = "*/*",
            Problems = [404, 503],
        }, PayloadAsync);
        routes.Map(Act("replay", "Sends a dead letter back into its queue, as a new generation."),
            (http, relay) => ActAsync(http, relay, "replayed", DeliveryState.Waiting, (id, act) =>
                new ReplayCommand(id, act.Actor!, act.Reason)));
        routes.Map(Act("discard", "Puts a dead letter away for good."),
            (http, relay) => ActAsync(http, relay, "discarded", DeliveryState.Discarded, (id, act) =>
                new DiscardCommand(id, act.Actor!, act.Reason)));
    }

    private static ApiRoute Act(string verb, string summary) => new("POST", $"/v1/dead-letters/{{id}}:{verb}", summary)
    {
        Takes = "application/json",
        Answer = typeof(DeadLetterActView),
        Problems = [400, 404, 409, 415, 503],
    };

    private static async Task ListAsync(HttpContext http, Relay relay)
    {
        var filter = QueryReader.Filter(http.Request.Query, ListQuery, relay.Configuration) with { State = DeliveryState.Dead };
        var page = await Pages.ReadAsync(relay, filter, http.RequestAborted);
        var rules = relay.Configuration.DeadLetterQueue;
        await http.Response.WriteAsJsonAsync(new([.. page.Items.Select(letter => ViewMapping.DeadLetter(letter, rules))], page.Next),
            ApiJson.Plain.ListViewDeadLetterView);
    }

    private static async Task GetAsync(HttpContext http, Relay relay)
    {
        var letter = await FindAsync(http, relay);
        await http.Response.WriteAsJsonAsync(ViewMapping.DeadLetterDetail(letter, relay.Configuration.DeadLetterQueue),
            ApiJson.Plain.DeadLetterDetailView);
    }

    private static async Task PayloadAsync(HttpContext http, Relay relay)
    {
        var letter = await FindAsync(http, relay);
        if (await relay.Store.Queries.PayloadAsync(letter.Id, http.RequestAborted) is not { } payload)
            throw new ProblemException(Unknown(letter.Id.ToString()));
        // What a stranger sent must never run as a page of this site, whatever type it claims: downloaded, sandboxed, not sniffed.
        http.Response.ContentType = payload.ContentType ?? "application/octet-stream";
        http.Response.ContentLength = payload.Body.Length;
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"{letter.Id}\"";
        await http.Response.BodyWriter.WriteAsync(payload.Body, http.RequestAborted);
    }

    private static async Task ActAsync(HttpContext http, Relay relay, string done, DeliveryState state,
        Func<DeliveryId, ActRequest, StoreCommand<DeadLetterOutcome>> command)
    {
        var text = (string)http.Request.RouteValues["id"]!;
        if (!DeliveryId.TryParse(text, out var id))
            throw new ProblemException(Unknown(text));
        var act = await ReadActAsync(http.Request);
        switch (await relay.Store.CommitAsync(command(id, act)))
        {
            case DeadLetterOutcome.NotFound:
                throw new ProblemException(Unknown(text));
            case DeadLetterOutcome.NotDead:
                var now = await relay.Store.Queries.DeliveryAsync(id, http.RequestAborted);
                throw new ProblemException(Problem.Of(StatusCodes.Status409Conflict, "not-dead",
                    $"The delivery '{text}' is {now?.State.Name() ?? "gone"}, not dead; only a dead letter can be {done}."));
            default:
                await http.Response.WriteAsJsonAsync(new DeadLetterActView(text, done, state.Name()), ApiJson.Plain.DeadLetterActView);
                break;
        }
    }

    /// <summary>The body is optional: <c>{"reason": …, "actor": …}</c>.</summary>
    internal static async Task<ActRequest> ReadActAsync(HttpRequest request)
    {
        if (await BodyReader.ReadAsync(request, MaxAct) is not { } body)
            throw new ProblemException(Problem.Of(StatusCodes.Status413PayloadTooLarge, "body-too-large",
                $"The body of this call may have {MaxAct:N0} bytes."));
        if (body.IsEmpty)
            return new(null, "operator");
        if (!request.HasJsonContentType())
            throw new ProblemException(Problem.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type",
                "The body of this call is JSON, content type application/json, or there is none."));
        ActRequest? act;
        try
        {
            act = JsonSerializer.Deserialize(body.Span, ApiJson.Plain.ActRequest);
        }
        catch (JsonException error)
        {
            throw new ProblemException(Problem.Of(StatusCodes.Status400BadRequest, "bad-json",
                $"The body is not {{\"reason\": …, \"actor\": …}} with two texts: see byte {error.BytePositionInLine ?? 0:N0}."));
        }
        if (act?.Reason?.Length > MaxReason || act?.Actor?.Length > 100)
            throw new ProblemException(Problem.Of(StatusCodes.Status400BadRequest, "bad-json",
                $"A reason may have {MaxReason:N0} characters, an actor 100."));
        return new(act?.Reason, act?.Actor is { Length: > 0 } actor ? actor : "operator");
    }

    private static async Task<StoredDelivery> FindAsync(HttpContext http, Relay relay)
    {
        var text = (string)http.Request.RouteValues["id"]!;
        return DeliveryId.TryParse(text, out var id)
            && await relay.Store.Queries.DeliveryAsync(id, http.RequestAborted) is { State: DeliveryState.Dead } letter
            ? letter : throw new ProblemException(Unknown(text));
    }

    private static Problem Unknown(string id) => Problem.Of(StatusCodes.Status404NotFound, "unknown-dead-letter",
        $"There is no dead letter '{id}'. Its id is that of a delivery: the message's id, a dot and a number. It may have been replayed or "
            + "discarded.");
}
