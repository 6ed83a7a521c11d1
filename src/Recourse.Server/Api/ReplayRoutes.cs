using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Bulk replay as a durable job: started with a filter, watched, paused, resumed, cancelled.</summary>
internal static class ReplayRoutes
{
    private const int MaxBody = 64 * 1024;

    private static readonly QueryParameter Outcome =
        new("outcome", "Only letters with this outcome.", [.. Enum.GetValues<ReplayOutcome>().Select(ViewMapping.Snake)]);
    private static readonly QueryParameter[] PageQuery = [QueryReader.After, QueryReader.Limit];

    public static void Map(ApiRoutes routes)
    {
        routes.Map(new("POST", "/v1/replays", "Sends dead letters back as a durable job; with dry_run only counts them.")
        {
            Takes = "application/json",
            Answer = typeof(ReplayView),
            Status = StatusCodes.Status202Accepted,
            Problems = [400, 413, 415, 503],
        }, PostAsync);
        routes.Map(new("GET", "/v1/replays", "All replays, newest first.")
        {
            Query = PageQuery,
            Answer = typeof(ListView<ReplayView>),
            Problems = [400, 503],
        }, ListAsync);
        routes.Map(new("GET", "/v1/replays/{id}", "One replay with its progress.")
        {
            Answer = typeof(ReplayView),
            Problems = [404, 503],
        }, GetAsync);
        routes.Map(new("GET", "/v1/replays/{id}/items", "The letters of a replay with what became of each, in the order of their storing.")
        {
            Query = [Outcome, .. PageQuery],
            Answer = typeof(ListView<ReplayItemView>),
            Problems = [400, 404, 503],
        }, ItemsAsync);
        foreach (var (verb, name, about) in (ReadOnlySpan<(ReplayVerb, string, string)>)
            [
                (ReplayVerb.Pause, "pause", "Sends nothing more until it is resumed."),
                (ReplayVerb.Resume, "resume", "Goes on; after a canary that failed, without another."),
                (ReplayVerb.Cancel, "cancel", "Ends it; what was sent back stays sent."),
            ])
        {
            var asked = verb;
            routes.Map(new("POST", $"/v1/replays/{{id}}:{name}", about)
            {
                Takes = "application/json",
                Answer = typeof(ReplayView),
                Problems = [400, 404, 409, 415, 503],
            }, (http, relay) => SteerAsync(http, relay, asked));
        }
    }

    private static async Task PostAsync(HttpContext http, Relay relay)
    {
        var body = await ReadAsync(http.Request);
        var request = Request(http, body, relay.Configuration);
        try
        {
            if (body.DryRun)
            {
                var preview = await relay.Replays.PreviewAsync(request, http.RequestAborted);
                var rules = relay.Configuration.DeadLetterQueue;
                await http.Response.WriteAsJsonAsync(
                    new(true, preview.Matched, [.. preview.Sample.Select(letter => ViewMapping.DeadLetter(letter, rules))]),
                    ApiJson.Default.ReplayPreviewView);
                return;
            }
            var job = await relay.Replays.StartJobAsync(request, http.RequestAborted);
            http.Response.StatusCode = StatusCodes.Status202Accepted;
            await http.Response.WriteAsJsonAsync(ReplayView.Of(job), ApiJson.Default.ReplayView);
        }
        catch (ArgumentException error)
        {
            throw Bad(error.Message);
        }
    }

    private static async Task<ReplayBody> ReadAsync(HttpRequest request)
    {
        if (!request.HasJsonContentType())
            throw new ProblemException(Problem.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type",
                "The body of this call is JSON, content type application/json."));
        if (await BodyReader.ReadAsync(request, MaxBody) is not { } body)
            throw new ProblemException(Problem.Of(StatusCodes.Status413PayloadTooLarge, "body-too-large",
                $"The body of this call may have {MaxBody:N0} bytes."));
        Zeros.Check(body.Span);
        try
        {
            return JsonSerializer.Deserialize(body.Span, ApiJson.Default.ReplayBody) ?? throw Bad("The body is empty.");
        }
        catch (JsonException error)
        {
            throw Bad($"The body is no replay (filter, all, limit, canary, canary_share, rate, batch_size, key, actor, reason, dry_run): "
                + error.Message);
        }
    }

    private static ReplayRequest Request(HttpContext http, ReplayBody body, RelayConfiguration configuration) => new()
    {
        Filter = Filter(body.Filter ?? [], configuration),
        All = body.All,
        Limit = body.Limit,
        Canary = body.Canary,
        CanaryShare = body.CanaryShare ?? 1,
        Rate = body.Rate,
        BatchSize = Math.Min(body.BatchSize ?? int.MaxValue, configuration.DeadLetterQueue.BatchSize),
        Key = body.Key switch
        {
            null or "auto" => ReplayKey.Auto,
            "keep" => ReplayKey.Keep,
            "new" => ReplayKey.New,
            _ => throw Bad($"'key' is '{body.Key}'; it is auto, keep or new."),
        },
        Actor = LetterAccess.Actor(http, body.Actor),
        Reason = LetterAccess.Reason(body.Reason),
    };

    /// <summary>The same reader as the list's: what can be listed can be replayed, and an unknown condition is refused alike.</summary>
    private static DeliveryFilter Filter(Dictionary<string, JsonElement> conditions, RelayConfiguration configuration)
    {
        var query = new Dictionary<string, StringValues>();
        foreach (var (name, value) in conditions)
        {
            query[name] = value.ValueKind switch
            {
                JsonValueKind.String => value.GetString(),
                JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
                _ => throw Bad($"'{name}' in the filter is a text, a number or a truth value."),
            };
        }
        var allowed = DeadLetterRoutes.ListQuery.Where(parameter => parameter != QueryReader.After && parameter != QueryReader.Limit);
        return QueryReader.Filter(new QueryCollection(query), [.. allowed], configuration);
    }

    private static async Task ListAsync(HttpContext http, Relay relay)
    {
        var asked = QueryReader.Filter(http.Request.Query, PageQuery, relay.Configuration);
        var page = await PageAsync(asked.After, () => relay.Store.Queries.ReplaysAsync(asked.After, asked.Limit, http.RequestAborted));
        await http.Response.WriteAsJsonAsync(new([.. page.Items.Select(ReplayView.Of)], page.Next), ApiJson.Default.ListViewReplayView);
    }

    private static async Task GetAsync(HttpContext http, Relay relay)
    {
        await http.Response.WriteAsJsonAsync(ReplayView.Of(await FindAsync(http, relay)), ApiJson.Default.ReplayView);
    }

    private static async Task ItemsAsync(HttpContext http, Relay relay)
    {
        var job = await FindAsync(http, relay);
        var query = http.Request.Query.ToDictionary(pair => pair.Key, pair => pair.Value);
        ReplayOutcome? outcome = null;
        if (query.Remove(Outcome.Name, out var named))
            outcome = Outcome.Allowed!.ToList().IndexOf(named.ToString()) is >= 0 and var found ? (ReplayOutcome)found
                : throw QueryReader.Bad($"'{named}' is no outcome.", Outcome.Allowed);
        var asked = QueryReader.Filter(new QueryCollection(query), PageQuery, relay.Configuration);
        var page = await PageAsync(asked.After, () =>
            relay.Store.Queries.ReplayItemsAsync(job.Id, outcome, asked.After, asked.Limit, http.RequestAborted));
        await http.Response.WriteAsJsonAsync(
            new([.. page.Items.Select(item => new ReplayItemView(
                item.Id.ToString(), item.Generation, item.At, ViewMapping.Snake(item.Outcome), item.EndedAt, item.Reason))], page.Next),
            ApiJson.Default.ListViewReplayItemView);
    }

    private static async Task SteerAsync(HttpContext http, Relay relay, ReplayVerb verb)
    {
        var act = await LetterAccess.ReadActAsync(http.Request);
        var id = Id(http);
        var steered = await relay.Replays.SteerAsync(id, verb, act.Actor!, act.Reason, http.RequestAborted);
        if (steered.Job is not { } job)
            throw Unknown(id.ToString());
        if (!steered.Done)
            throw new ProblemException(Problem.Of(StatusCodes.Status409Conflict, "wrong-state",
                $"The replay is {ViewMapping.Snake(job.State)}; from there it cannot {ViewMapping.Snake(verb)}."));
        await http.Response.WriteAsJsonAsync(ReplayView.Of(job), ApiJson.Default.ReplayView);
    }

    private static async Task<ReplayJob> FindAsync(HttpContext http, Relay relay)
    {
        var id = Id(http);
        return await relay.Store.Queries.ReplayAsync(id, http.RequestAborted) ?? throw Unknown(id.ToString());
    }

    private static Guid Id(HttpContext http)
    {
        var text = (string)http.Request.RouteValues["id"]!;
        return Guid.TryParseExact(text, "D", out var id) ? id : throw Unknown(text);
    }

    private static async Task<Page<T>> PageAsync<T>(string? after, Func<Task<Page<T>>> read)
    {
        try
        {
            return await read();
        }
        catch (ArgumentException) when (after is not null)
        {
            throw QueryReader.Bad("'after' is no cursor of this list. Take it from 'next' of the page before, as it is.", null);
        }
    }

    private static ProblemException Bad(string detail) => new(Problem.Of(StatusCodes.Status400BadRequest, "bad-replay", detail));

    private static ProblemException Unknown(string id) => new(Problem.Of(StatusCodes.Status404NotFound, "unknown-replay",
        $"There is no replay '{id}'. GET /v1/replays lists them."));
}
