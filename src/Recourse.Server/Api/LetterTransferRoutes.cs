using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;
using Recourse.Server.Security;

namespace Recourse.Server.Api;

/// <summary>Dead letters out of this relay as NDJSON, and into this or another one.</summary>
internal static class LetterTransferRoutes
{
    private const int PageSize = 200;
    private const int InFlight = 64;
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(365);
    private static readonly byte[] NewLine = "\n"u8.ToArray();
    private static readonly QueryParameter As = new("as", "messages: each line becomes a message for its service.", ["messages"]);

    public static void Map(ApiRoutes routes, IReadOnlyList<QueryParameter> filters)
    {
        routes.Map(new("GET", "/v1/dead-letters/export", "The dead letters that match, whole, a line each; newest first.")
        {
            Query = filters,
            AnswerType = "application/x-ndjson",
            Answer = typeof(LetterLine),
            Problems = [400, 503],
        }, (http, relay) => ExportAsync(http, relay, filters));
        routes.Map(new("POST", "/v1/dead-letters/import", "Takes exported lines; answers each, in order. A bad line costs itself.")
        {
            Query = [As],
            Takes = "application/x-ndjson",
            AnswerType = "application/x-ndjson",
            Answer = typeof(ImportLine),
            Problems = [400, 503],
        }, ImportAsync);
    }

    private static async Task ExportAsync(HttpContext http, Relay relay, IReadOnlyList<QueryParameter> filters)
    {
        var asked = QueryReader.Filter(http.Request.Query, filters, relay.Configuration);
        var filter = asked with { State = asked.Resolved is true ? null : DeliveryState.Dead, Limit = PageSize };
        var queries = relay.Store.Queries;
        // The first page before the first byte: what is wrong with the filter is an answer of its own.
        var page = await Pages.ReadAsync(relay, filter, http.RequestAborted);
        var whole = Caller.Of(http).SeesPayloads;
        await relay.Store.CommitAsync(new NoteActCommand(LetterAccess.Actor(http, null), "export", "dead-letters",
            http.Request.QueryString.Value is { Length: > 1 } query ? query[1..] : "all", whole ? "done" : "without payloads"));
        http.Response.ContentType = "application/x-ndjson";
        while (true)
        {
            foreach (var letter in page.Items)
            {
                var line = await LetterLine.ReadAsync(queries, letter, http.RequestAborted);
                if (!whole)
                    line = line.WithoutPayload();
                await http.Response.BodyWriter.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(line, ApiJson.Plain.LetterLine),
                    http.RequestAborted);
                await http.Response.BodyWriter.WriteAsync(NewLine, http.RequestAborted);
            }
            if (page.Next is null)
                return;
            page = await Pages.ReadAsync(relay, filter with { After = page.Next }, http.RequestAborted);
        }
    }

    private static async Task ImportAsync(HttpContext http, Relay relay)
    {
        if (!QueryReader.Values(http.Request.Query, [As]).ContainsKey("as"))
            throw QueryReader.Bad("'as' is missing: as=messages makes each line a message for the service it died at.", As.Allowed);
        BodyReader.Unbind(http.Request);
        http.Response.ContentType = "application/x-ndjson";
        var waiting = new Queue<Task<ImportLine>>();
        var number = 0;
        // Bodies twice, as base64, and the history around them.
        var lineMax = (relay.Configuration.Limits.MaxBody * 3) + (1 << 20);
        await foreach (var line in LinesAsync(http.Request.BodyReader, lineMax, http.RequestAborted))
        {
            number++;
            if (line is { Length: 0 })
                continue;
            if (waiting.Count == InFlight)
                await AnswerAsync(http, await waiting.Dequeue());
            waiting.Enqueue(TakeAsync(relay, number, line));
        }
        while (waiting.TryDequeue(out var answer))
            await AnswerAsync(http, await answer);
        await relay.Store.CommitAsync(
            new NoteActCommand(LetterAccess.Actor(http, null), "import", "dead-letters", $"{number:N0} lines", "done"));
    }

    private static async Task AnswerAsync(HttpContext http, ImportLine line)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(line, ApiJson.Plain.ImportLine);
        await http.Response.BodyWriter.WriteAsync(bytes, http.RequestAborted);
        await http.Response.BodyWriter.WriteAsync(NewLine, http.RequestAborted);
    }

    /// <summary>The message that a line becomes; the same line again is a duplicate, whatever became of the first.</summary>
    private static async Task<ImportLine> TakeAsync(Relay relay, int number, byte[]? line)
    {
        string? id = null;
        try
        {
            if (line is null)
                return new(number, null, "refused", "The line is longer than a letter can be.");
            var letter = JsonSerializer.Deserialize(line, ApiJson.Plain.LetterLine) ?? throw new JsonException("The line is null.");
            id = letter.Id;
            if (letter.Warning is not null || letter.BodyBase64 is null)
                return new(number, id, "refused", "The line has no body: its row could not be read when it was exported.");
            if (!relay.Intake.TryGetValue(letter.Queue, out var door))
                return new(number, id, "refused", $"There is no queue '{letter.Queue}'.");
            if (letter.BodyBase64.Length > door.MaxBody)
                return new(number, id, "refused", $"A message in the queue '{letter.Queue}' may have {door.MaxBody:N0} bytes.");
            var result = await relay.Store.CommitAsync(new EnqueueCommand(new()
            {
                Queue = letter.Queue,
                Services = [letter.Service],
                Body = letter.BodyBase64,
                ContentType = letter.ContentType,
                OrderKey = relay.Configuration.Queues[letter.Queue].Ordered ? letter.Key : null,
                IdempotencyKey = $"import:{letter.Id}",
                Headers = letter.Headers,
                TraceParent = letter.TraceParent,
            })
            { IdempotencyWindow = Remembered });
            return result.Status switch
            {
                EnqueueStatus.Accepted => new(number, result.MessageId.ToString(), "accepted", null),
                EnqueueStatus.Duplicate => new(number, result.MessageId.ToString(), "duplicate", null),
                _ => new(number, id, "refused", "This letter was imported before with another body."),
            };
        }
        catch (Exception error) when (error is JsonException or ArgumentException or StoreException)
        {
            return new(number, id, "refused", error.Message);
        }
    }

    /// <summary>The lines of a body; null for one that is too long, which is passed over.</summary>
    private static async IAsyncEnumerable<byte[]?> LinesAsync(PipeReader reader, long lineMax,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var skipping = false;
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            var buffer = read.Buffer;
            while (buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, end);
                buffer = buffer.Slice(buffer.GetPosition(1, end));
                yield return skipping || line.Length > lineMax ? null : line.ToArray().AsSpan().Trim("\r "u8).ToArray();
                skipping = false;
            }
            if (buffer.Length > lineMax)
                (skipping, buffer) = (true, buffer.Slice(buffer.End));
            if (read.IsCompleted)
            {
                if (skipping)
                    yield return null;
                else if (!buffer.IsEmpty)
                    yield return buffer.ToArray();
                yield break;
            }
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }
}
