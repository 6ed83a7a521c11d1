using System.Buffers.Binary;
using System.Buffers.Text;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Messages: one comes in, one is looked at, those that fail now are found.</summary>
internal static class MessageRoutes
{
    private static readonly QueryParameter[] ListQuery =
    [
        QueryReader.State, QueryReader.Queue, QueryReader.Service, QueryReader.Kind, QueryReader.Key, QueryReader.After, QueryReader.Limit,
    ];

    /// <summary>No relay gave out an id before this day.</summary>
    private static readonly DateTimeOffset FirstId = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static ReadOnlySpan<byte> First => "{\"id\":\"00000000-0000-0000-0000-000000000000\",\"duplicate\":false}"u8;
    private static ReadOnlySpan<byte> Again => "{\"id\":\"00000000-0000-0000-0000-000000000000\",\"duplicate\":true}"u8;

    public static void Map(ApiRoutes routes)
    {
        routes.Map(new("POST", "/v1/queues/{queue}/messages", "Sends one message. The answer comes after it was committed to disk.")
        {
            Needs = Role.Producer,
            Headers =
            [
                new(IntakeHeaders.IdempotencyKey, "The same key with the same body within the window is the same message."),
                new(IntakeHeaders.OrderKey, "In an ordered queue, messages with the same key are sent one after the other."),
                new(MessageTiming.Delay, "Not before so long from now: 30s, 5m, 2h; a bare number is seconds."),
                new(MessageTiming.At, "Not before this time, by RFC 3339."),
                new(MessageTiming.Expires, "No attempt begins after so long, or after this time. Default: the queue's expires."),
                new(MessageTiming.Urgency, "0 to 9: of what is due for a service, the larger goes first. Default: the queue's, 4."),
                new("traceparent", "The W3C trace context; it goes on to the services."),
            ],
            Takes = "*/*",
            Answer = typeof(Accepted),
            Status = StatusCodes.Status202Accepted,
            Problems = [400, 404, 413, 422, 429, 503],
        }, PostAsync);
        routes.Map(new("GET", "/v1/messages", "Finds messages by the state of their deliveries, newest first.")
        {
            Query = ListQuery,
            Answer = typeof(ListView<MessageView>),
            Problems = [400, 404, 503],
        }, ListAsync);
        routes.Map(new("GET", "/v1/messages/{id}", "One message with its deliveries and all their attempts.")
        {
            Answer = typeof(MessageView),
            Problems = [400, 404, 410, 503],
        }, GetAsync);
    }

    // The hot path: no binding, one allocation for the body, an answer that is copied from a template.
    private static async Task PostAsync(HttpContext http, Relay relay)
    {
        var request = http.Request;
        var door = await QueueDoor.OpenAsync(http, relay);
        var now = relay.Time.GetUtcNow();
        var timing = MessageTiming.Of(request.Headers, now);
        var idempotencyKey = IntakeHeaders.Key(request.Headers, IntakeHeaders.IdempotencyKey);
        var orderKey = IntakeHeaders.Key(request.Headers, IntakeHeaders.OrderKey);
        var contentType = IntakeHeaders.ContentType(request.ContentType);
        if (await BodyReader.ReadAsync(request, door.MaxBody) is not { } body)
        {
            relay.Meters.Refused(door.Name, "too_large");
            throw new ProblemException(door.TooLarge());
        }
        var message = door.Message(body, contentType, idempotencyKey, orderKey,
            IntakeHeaders.ThatGoOn(request.Headers, door.AllowedHeaders), IntakeHeaders.TraceParent(request.Headers), timing, now);
        var result = await relay.Store.SendAsync(door.Command(message), CancellationToken.None);
        if (result.Status is EnqueueStatus.KeyConflict)
            throw new ProblemException(QueueDoor.KeyConflict(result.MessageId));
        await WriteAsync(http.Response, result);
    }

    private static async ValueTask WriteAsync(HttpResponse response, EnqueueResult result)
    {
        response.StatusCode = StatusCodes.Status202Accepted;
        response.ContentType = "application/json";
        Write(response, result, result.Status is EnqueueStatus.Duplicate ? Again : First);
        await response.BodyWriter.FlushAsync();
    }

    private static void Write(HttpResponse response, EnqueueResult result, ReadOnlySpan<byte> template)
    {
        response.ContentLength = template.Length;
        var span = response.BodyWriter.GetSpan(template.Length);
        template.CopyTo(span);
        Utf8Formatter.TryFormat(result.MessageId, span[7..], out _);
        response.BodyWriter.Advance(template.Length);
    }

    private static async Task ListAsync(HttpContext http, Relay relay)
    {
        var filter = QueryReader.Filter(http.Request.Query, ListQuery, relay.Configuration);
        var page = await Pages.ReadAsync(relay, filter, http.RequestAborted);
        // Deliveries of one message lie next to each other, so one item holds all of them that match (within a page).
        var items = new List<MessageView>();
        foreach (var delivery in page.Items)
        {
            var view = ViewMapping.View(delivery);
            if (items.Count > 0 && items[^1].Id == delivery.Id.MessageId)
                items[^1] = items[^1] with { Deliveries = [.. items[^1].Deliveries, view] };
            else
                items.Add(new()
                {
                    Id = delivery.Id.MessageId,
                    Queue = delivery.Queue,
                    CreatedAt = delivery.CreatedAt,
                    Deliveries = [view]
                });
        }
        await http.Response.WriteAsJsonAsync(new ListView<MessageView>(items, page.Next), ApiJson.Plain.ListViewMessageView);
    }

    private static async Task GetAsync(HttpContext http, Relay relay)
    {
        var text = (string)http.Request.RouteValues["id"]!;
        if (!Guid.TryParseExact(text, "D", out var id)
            || await relay.Store.Queries.MessageAsync(id, http.RequestAborted) is not { } message)
            throw new ProblemException(Missing(text, id, relay));
        await http.Response.WriteAsJsonAsync(ViewMapping.View(message), ApiJson.Plain.MessageView);
    }

    // An id holds the time at which it was given out. So an old one is told from one that never was, without a record of all that went.
    private static Problem Missing(string text, Guid id, Relay relay)
    {
        var configuration = relay.Configuration;
        // The message is gone, and its queue with it: each queue may keep for a time of its own.
        var times = configuration.Queues.Values.Select(queue => queue.KeepDelivered ?? configuration.KeepDelivered)
            .DefaultIfEmpty(configuration.KeepDelivered).ToList();
        var counts = configuration.Queues.Values.Select(queue => queue.KeepDeliveredMax ?? configuration.KeepDeliveredMax)
            .DefaultIfEmpty(configuration.KeepDeliveredMax).ToList();
        var (kept, longest) = (Measures.Duration(times.Min()), Measures.Duration(times.Max()));
        var howLong = kept == longest ? $"for {kept} (keep_delivered)" : $"for {kept} to {longest}, by queue (keep_delivered)";
        var (few, many) = ($"{counts.Min():N0}", $"{counts.Max():N0}");
        var howMany = $"the newest {(few == many ? few : $"{few} to {many}")} of a queue (keep_delivered_max)";
        if (id.Version == 7 && TimeOf(id) >= FirstId && relay.Time.GetUtcNow() - TimeOf(id) >= times.Min())
            return Problem.Of(StatusCodes.Status410Gone, "gone",
                $"The message '{text}' is not there any more: its id is of {TimeOf(id):yyyy-MM-dd HH:mm:ss} UTC, and delivered and "
                    + $"discarded messages can be looked at {howLong}, {howMany}.");
        return Problem.Of(StatusCodes.Status404NotFound, "unknown-message",
            $"There is no message '{text}'. Delivered messages can be looked at {howLong}, {howMany}; a queue without a history "
                + "keeps none.");
    }

    private static DateTimeOffset TimeOf(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        var milliseconds = BinaryPrimitives.ReadInt64BigEndian(bytes) >> 16;
        return DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(milliseconds, 0, DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()));
    }
}
