using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Who did what, when, on what, why, and what it came to.</summary>
internal static class AuditRoutes
{
    private const int PageSize = 500;
    private static readonly QueryParameter Actor = new("actor", "Only what this one did: the name of a key.");
    private static readonly QueryParameter Verb = new("verb", "Only this verb, such as replay, discard, pause, key.add or refused.");
    private static readonly QueryParameter Since = new("since", "Only what was done at this time or later, RFC 3339.");
    private static readonly QueryParameter Until = new("until", "Only what was done before this time, RFC 3339.");
    private static readonly QueryParameter[] Filters = [Actor, Verb, Since, Until];

    public static void Map(ApiRoutes routes)
    {
        routes.Map(new("GET", "/v1/audit", "What was done by people and keys, newest first.")
        {
            Needs = Role.Operator,
            Query = [.. Filters, QueryReader.After, QueryReader.Limit],
            Answer = typeof(ListView<AuditView>),
            Problems = [400, 503],
        }, ListAsync);
        routes.Map(new("GET", "/v1/audit/export", "The same, all of it, a line each.")
        {
            Needs = Role.Operator,
            Query = Filters,
            AnswerType = Ndjson.MediaType,
            Answer = typeof(AuditView),
            Problems = [400, 503],
        }, ExportAsync);
    }

    private static async Task ListAsync(HttpContext http, Relay relay)
    {
        var filter = Filter(http.Request.Query, [.. Filters, QueryReader.After, QueryReader.Limit]);
        var page = await PageAsync(relay, filter, http.RequestAborted);
        await http.Response.WriteAsJsonAsync(new([.. page.Items.Select(AuditView.Of)], page.Next), ApiJson.Plain.ListViewAuditView);
    }

    private static async Task ExportAsync(HttpContext http, Relay relay)
    {
        var filter = Filter(http.Request.Query, Filters) with { Limit = PageSize };
        // The first page before the first byte: what is wrong with the filter is an answer of its own.
        var page = await PageAsync(relay, filter, http.RequestAborted);
        http.Response.ContentType = Ndjson.MediaType;
        while (true)
        {
            foreach (var act in page.Items)
                await Ndjson.WriteAsync(http, AuditView.Of(act), ApiJson.Plain.AuditView);
            if (page.Next is null)
                return;
            page = await PageAsync(relay, filter with { After = page.Next }, http.RequestAborted);
        }
    }

    private static async Task<Page<AuditEntry>> PageAsync(Relay relay, AuditFilter filter, CancellationToken cancellationToken)
    {
        try
        {
            return await relay.Store.Queries.AuditAsync(filter, cancellationToken);
        }
        catch (ArgumentException error)
        {
            throw QueryReader.Bad(error.Message, null);
        }
    }

    internal static AuditFilter Filter(IQueryCollection query, IReadOnlyList<QueryParameter> allowed)
    {
        var values = QueryReader.Values(query, allowed);
        return new()
        {
            Actor = values.GetValueOrDefault("actor"),
            Verb = values.GetValueOrDefault("verb"),
            Since = values.TryGetValue("since", out var since) ? QueryReader.TimeOf("since", since) : null,
            Until = values.TryGetValue("until", out var until) ? QueryReader.TimeOf("until", until) : null,
            After = values.GetValueOrDefault("after"),
            Limit = values.TryGetValue("limit", out var limit) ? QueryReader.LimitOf(limit) : 50,
        };
    }
}

/// <summary>One act.</summary>
internal sealed record AuditView(
    long Number, DateTimeOffset At, string Actor, string Verb, string Target, string? Reason, string Outcome)
{
    public static AuditView Of(AuditEntry act) => new(act.Number, act.At, act.Actor, act.Verb, act.Target, act.Reason, act.Outcome);
}
