using System.Collections.ObjectModel;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Recourse.Durable;
using Recourse.Server.Dashboard.Pages;
using Recourse.Server.Security;

namespace Recourse.Server.Dashboard;

// Gathers what each page shows. Components do no I/O: by the time one is drawn, all is at hand.
internal sealed partial class DashboardPages(QueueRates rates, TimeProvider time)
{
    public async Task<IResult> OverviewAsync(HttpContext http)
    {
        var queries = Store(http).Queries;
        var data = http.RequestServices.GetService<DashboardData>();
        var counts = await queries.QueuesAsync(http.RequestAborted);
        var services = await queries.ServicesAsync(http.RequestAborted);
        var statuses = data?.Services ?? [];
        var perQueue = rates.Add(counts);
        var configured = data?.Queues ?? [];
        var controls = await queries.ControlsAsync(http.RequestAborted);
        var queues = counts
            .Concat(configured.Except(counts.Select(queue => queue.Queue)).Select(Unused))
            .OrderBy(queue => queue.Queue, StringComparer.Ordinal)
            .Select(queue => new QueueRow(
                queue, perQueue.TryGetValue(queue.Queue, out var rate) ? rate : null, Held(controls, queue.Queue)));
        var model = new OverviewModel(
            Headline.Of(counts, statuses, time.GetUtcNow()), [.. queues], Join(statuses, services, controls),
            configured is [var first, ..] ? first : "incoming-orders",
            $"{http.Request.Scheme}://{http.Request.Host}");
        return new PageResult<OverviewPage, OverviewModel>(Context(http, 0, "Overview", Section.Overview, counts), model);
    }

    public async Task<IResult> DeadLettersAsync(HttpContext http)
    {
        var queries = Store(http).Queries;
        var search = DeliverySearch.From(http.Request.Query);
        var counts = await queries.QueuesAsync(http.RequestAborted);
        var services = await queries.ServicesAsync(http.RequestAborted);
        var page = await queries.DeliveriesAsync(search.Filter(DeliveryState.Dead), http.RequestAborted);
        var known = Known(search, counts, services);
        var model = new DeadLettersModel(
            search, [.. counts.Select(queue => queue.Queue)], [.. services.Select(service => service.Service)], page,
            Found(search, page, known), Named(search.Text), OperatorForms.Runner(http) is not null);
        return new PageResult<DeadLettersPage, DeadLettersModel>(Context(http, 1, "Dead letters", Section.DeadLetters, counts), model);
    }

    public async Task<IResult> GroupsAsync(HttpContext http)
    {
        var queries = Store(http).Queries;
        var recent = http.Request.Query["sort"] == "recent";
        var after = http.Request.Query["after"].ToString();
        var counts = await queries.QueuesAsync(http.RequestAborted);
        var groups = await queries.GroupsAsync(new()
        {
            Order = recent ? DeadLetterGroupOrder.Recent : DeadLetterGroupOrder.Dead,
            After = after.Length == 0 ? null : after,
            Limit = DeliverySearch.PageSize,
        }, http.RequestAborted);
        return new PageResult<GroupsPage, GroupsModel>(
            Context(http, 2, "What dead letters died of", Section.DeadLetters, counts), new(groups, recent));
    }

    public async Task<IResult> FailingAsync(HttpContext http)
    {
        var queries = Store(http).Queries;
        var after = DeliverySearch.From(http.Request.Query).After;
        var counts = await queries.QueuesAsync(http.RequestAborted);
        var later = await queries.DeliveriesAsync(
            new() { State = DeliveryState.Delayed, Failing = true, After = after, Limit = DeliverySearch.PageSize }, http.RequestAborted);
        List<DeliverySummary> now = [];
        var more = false;
        if (after is null)
        {
            var leased = await queries.DeliveriesAsync(new() { State = DeliveryState.Leased, Failing = true }, http.RequestAborted);
            var waiting = await queries.DeliveriesAsync(new() { State = DeliveryState.Waiting, Failing = true }, http.RequestAborted);
            var due = leased.Items.Concat(waiting.Items).ToList();
            now = [.. due.Take(DeliverySearch.PageSize)];
            more = due.Count > now.Count || (leased.Next ?? waiting.Next) is not null;
        }
        var model = new FailingModel(now, later, after is null, more);
        return new PageResult<FailingPage, FailingModel>(Context(http, 1, "Failing now", Section.Failing, counts), model);
    }

    public async Task<IResult> DeliveryAsync(HttpContext http, string id)
    {
        var queries = Store(http).Queries;
        if (!DeliveryId.TryParse(id, out var key) || await queries.DeliveryAsync(key, http.RequestAborted) is not { } delivery)
            return NotFound(http, 2, "There is no such delivery, or it was pruned: delivered and discarded ones are not kept for ever.");
        var counts = await queries.QueuesAsync(http.RequestAborted);
        var shown = Caller.Of(http).SeesPayloads;
        var payload = shown ? await queries.PayloadAsync(key, http.RequestAborted) : null;
        var dead = delivery.State is DeliveryState.Dead;
        var original = payload is { Edits: > 0 } ? await queries.OriginalPayloadAsync(key, http.RequestAborted) : null;
        var model = new DeliveryModel(
            delivery, payload is null ? null : PayloadView.Of(payload), payload?.ContentType,
            payload?.Headers ?? ReadOnlyDictionary<string, string>.Empty)
        {
            Diff = original is null ? null : PayloadDiff.Of(original, payload!),
            Editable = dead && payload is not null ? EditableText.Of(payload) : null,
            Who = DeadLetterForms.Who(http),
            PayloadShown = shown,
        };
        var context = Context(http, 2, dead ? "Dead letter" : "Delivery", dead ? Section.DeadLetters : Section.None, counts);
        return new PageResult<DeliveryPage, DeliveryModel>(context, model);
    }

    // The bytes as they are, to be saved: never shown by the browser, which would run what a stranger wrote.
    public static async Task<IResult> PayloadAsync(HttpContext http, string id)
    {
        if (!DeliveryId.TryParse(id, out var key) || await Store(http).Queries.PayloadAsync(key, http.RequestAborted) is not { } payload)
            return Results.NotFound();
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        return Results.Bytes(payload.Body, "application/octet-stream", $"{key}.payload");
    }

    public async Task<IResult> MessageAsync(HttpContext http, string id)
    {
        var queries = Store(http).Queries;
        if (!Guid.TryParseExact(id, "D", out var key) || await queries.MessageAsync(key, http.RequestAborted) is not { } message)
            return NotFound(http, 2, "There is no such message, or it was pruned: delivered and discarded ones are not kept for ever.");
        var counts = await queries.QueuesAsync(http.RequestAborted);
        return new PageResult<MessagePage, MessageModel>(Context(http, 2, "Message", Section.None, counts), new(message));
    }

    public IResult NotFound(HttpContext http, int depth, string text) =>
        Problem(http, depth, StatusCodes.Status404NotFound, "Not found", text);

    public IResult Problem(HttpContext http, int depth, int status, string title, string text, string? detail = null) =>
        new PageResult<ProblemPage, ProblemModel>(Context(http, depth, title, Section.None, null), new(text, detail), status);

    public static MessageStore Store(HttpContext http) => http.RequestServices.GetRequiredService<MessageStore>();

    // Where the dashboard is mounted: the path without the segments that the route itself has.
    public static string Root(HttpContext http, int depth)
    {
        var path = http.Request.Path.ToUriComponent().TrimEnd('/');
        for (; depth > 0 && path.LastIndexOf('/') is >= 0 and var slash; depth--)
            path = path[..slash];
        return http.Request.PathBase.ToUriComponent() + path;
    }

    private PageContext Context(HttpContext http, int depth, string title, Section section, IReadOnlyList<QueueCounts>? counts)
    {
        var root = Root(http, depth);
        var fragment = http.Request.Query.ContainsKey("fragment");
        return new()
        {
            Root = root,
            Title = title,
            Section = section,
            Now = time.GetUtcNow(),
            DeadLetters = counts?.Sum(queue => queue.Dead),
            Token = FormGuard.Token(http, root),
            // A fragment replaces no flash, so it must not use one up.
            Flash = fragment ? null : Flash.Take(http, root),
            Fragment = fragment,
            Caller = Caller.Of(http),
        };
    }

    private static QueueCounts Unused(string queue) => new(queue, 0, 0, 0, 0, 0, 0, 0, 0, null);

    private static IReadOnlyList<ServiceRow> Join(
        IReadOnlyList<ServiceStatus> statuses, IReadOnlyList<ServiceCounts> counts, IReadOnlyList<Control> controls)
    {
        var byName = counts.ToDictionary(count => count.Service);
        return [.. statuses.Select(status => status.Name).Union(byName.Keys).Order(StringComparer.Ordinal).Select(name => new ServiceRow(
            name, statuses.FirstOrDefault(status => status.Name == name), byName.GetValueOrDefault(name) ?? new(name, 0, 0, 0, 0),
            controls.Any(control => control.Kind is ControlKind.ServicePaused && control.Name == name)))];
    }

    // How many there are in all, where the books say so without counting rows.
    private static long? Known(DeliverySearch search, IReadOnlyList<QueueCounts> queues, IReadOnlyList<ServiceCounts> services) =>
        search switch
        {
            { Kind: not null } or { Text: not null } or { Group: not null } => null,
            { Queue: null, Service: null } => queues.Sum(queue => queue.Dead),
            { Queue: { } name, Service: null } => queues.Where(queue => queue.Queue == name).Sum(queue => queue.Dead),
            { Queue: null, Service: { } name } => services.Where(service => service.Service == name).Sum(service => service.Dead),
            _ => null,
        };

    private static string Found(DeliverySearch search, Page<DeliverySummary> page, long? known)
    {
        var shown = page.Items.Count;
        if (known is { } all)
            return (shown == all ? "" : $"{shown} of ") + Wording.Counted(all, "dead letter", "dead letters");
        if (page.Next is not null)
            return $"{shown} dead letters on this page, and more that match";
        return search.After is null ? Wording.Counted(shown, "dead letter matches", "dead letters match") : $"the last {shown} that match";
    }

    // Someone who pastes an id into the search wants that message, not a text in its error.
    private static DeliveryId? Named(string? text)
    {
        if (Guid.TryParseExact(text, "D", out var message))
            return new(message, -1);
        return DeliveryId.TryParse(text, out var delivery) ? delivery : null;
    }
}
