using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Dead letters: found, grouped, summed up, looked at.</summary>
internal static class DeadLetterRoutes
{
    internal static readonly QueryParameter[] ListQuery =
    [
        QueryReader.Queue, QueryReader.Kind, QueryReader.Service, QueryReader.Text, QueryReader.Key, QueryReader.Group, QueryReader.Pattern,
        QueryReader.Since, QueryReader.Until, QueryReader.AttemptsMin, QueryReader.Persistence, QueryReader.Blame, QueryReader.Generation,
        QueryReader.Assignee, QueryReader.Manual, QueryReader.Resolved, QueryReader.VisibleTo, QueryReader.After, QueryReader.Limit,
    ];

    private static readonly QueryParameter Sort = new("sort", "dead: the largest first; recent: what died last first.", ["dead", "recent"]);

    private static readonly QueryParameter[] GroupQuery =
        [QueryReader.Service, QueryReader.Kind, QueryReader.Text, Sort, QueryReader.After, QueryReader.Limit];

    public static void Map(ApiRoutes routes)
    {
        routes.Map(new("GET", "/v1/dead-letters", "Finds dead letters, newest first.")
        {
            Query = ListQuery,
            Answer = typeof(ListView<DeadLetterView>),
            Problems = [400, 503],
        }, ListAsync);
        routes.Map(new("GET", "/v1/dead-letters/groups", "Dead letters that died alike, with counts, first and last.")
        {
            Query = GroupQuery,
            Answer = typeof(ListView<GroupView>),
            Problems = [400, 503],
        }, GroupsAsync);
        routes.Map(new("GET", "/v1/dead-letters/stats", "What is dead, by kind, service and age.")
        {
            Answer = typeof(StatsView),
            Problems = [400, 503],
        }, StatsAsync);
        routes.Map(new("GET", "/v1/dead-letters/{id}", "One dead letter with its attempts, decisions and history.")
        {
            Answer = typeof(DeadLetterDetailView),
            Problems = [400, 404, 503],
        }, GetAsync);
        LetterTransferRoutes.Map(routes, [.. ListQuery.Except([QueryReader.After, QueryReader.Limit])]);
        LetterPayloadRoutes.Map(routes);
        LetterActRoutes.Map(routes);
    }

    private static async Task ListAsync(HttpContext http, Relay relay)
    {
        var filter = QueryReader.Filter(http.Request.Query, ListQuery, relay.Configuration);
        var page = await Pages.ReadAsync(relay, filter with { State = filter.Resolved is true ? null : DeliveryState.Dead },
            http.RequestAborted);
        var rules = relay.Configuration.DeadLetterQueue;
        await http.Response.WriteAsJsonAsync(new([.. page.Items.Select(letter => ViewMapping.DeadLetter(letter, rules))], page.Next),
            ApiJson.Plain.ListViewDeadLetterView);
    }

    private static async Task GroupsAsync(HttpContext http, Relay relay)
    {
        var conditions = QueryReader.Filter(http.Request.Query, GroupQuery, relay.Configuration);
        var sort = http.Request.Query["sort"].ToString();
        if (sort is not ("" or "dead" or "recent"))
            throw QueryReader.Bad($"'sort' is '{sort}'.", Sort.Allowed);
        var filter = new DeadLetterGroupFilter
        {
            Service = conditions.Service,
            Kind = conditions.Kind,
            Text = conditions.Text,
            Order = sort == "recent" ? DeadLetterGroupOrder.Recent : DeadLetterGroupOrder.Dead,
            After = conditions.After,
            Limit = conditions.Limit,
        };
        var page = await Pages.GroupsAsync(relay, filter, http.RequestAborted);
        await http.Response.WriteAsJsonAsync(new([.. page.Items.Select(ViewMapping.Group)], page.Next), ApiJson.Plain.ListViewGroupView);
    }

    private static async Task StatsAsync(HttpContext http, Relay relay)
    {
        var stats = await relay.Store.Queries.DeadLetterStatsAsync(http.RequestAborted);
        await http.Response.WriteAsJsonAsync(ViewMapping.Stats(stats, relay.Configuration.DeadLetterQueue.MaxSize),
            ApiJson.Plain.StatsView);
    }

    private static async Task GetAsync(HttpContext http, Relay relay)
    {
        var letter = await LetterAccess.FindAsync(http, relay);
        await http.Response.WriteAsJsonAsync(ViewMapping.DeadLetterDetail(letter, relay.Configuration.DeadLetterQueue),
            ApiJson.Plain.DeadLetterDetailView);
    }
}
