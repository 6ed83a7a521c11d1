using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;
using Recourse.Server.Security;

namespace Recourse.Server.Api;

/// <summary>Dead letters out of this relay as NDJSON, and into this or another one.</summary>
internal static class LetterTransferRoutes
{
    private const int PageSize = 200;
    private const int InFlight = 64;
    private static readonly QueryParameter As = new("as",
        "dead (the default): each line becomes the dead letter that it was; new: a message for its service.", ["dead", "new"]);
    private static readonly QueryParameter Actor = new("actor", "Who imports, for the histories of dead letters.");

    public static void Map(ApiRoutes routes, IReadOnlyList<QueryParameter> filters)
    {
        routes.Map(new("GET", "/v1/dead-letters/export", "The dead letters that match, whole, a line each; newest first.")
        {
            Query = filters,
            AnswerType = Ndjson.MediaType,
            Answer = typeof(LetterLine),
            Problems = [400, 503],
        }, (http, relay) => ExportAsync(http, relay, filters));
        routes.Map(new("POST", "/v1/dead-letters/import", "Takes exported lines; answers each, in order. A bad line costs itself.")
        {
            Query = [As, Actor],
            Takes = Ndjson.MediaType,
            AnswerType = Ndjson.MediaType,
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
        http.Response.ContentType = Ndjson.MediaType;
        while (true)
        {
            foreach (var letter in page.Items)
            {
                var line = await LetterLine.ReadAsync(queries, letter, http.RequestAborted);
                line = whole ? line.WithWarningOfMasks(relay.Redactor) : line.WithoutPayload();
                await Ndjson.WriteAsync(http, line, ApiJson.Plain.LetterLine);
            }
            if (page.Next is null)
                return;
            page = await Pages.ReadAsync(relay, filter with { After = page.Next }, http.RequestAborted);
        }
    }

    private static async Task ImportAsync(HttpContext http, Relay relay)
    {
        var values = QueryReader.Values(http.Request.Query, [As, Actor]);
        var actor = LetterAccess.Actor(http, values.GetValueOrDefault("actor"));
        var import = new LetterImport(relay, values.GetValueOrDefault("as") != "new", actor);
        BodyReader.Unbind(http.Request);
        http.Response.ContentType = Ndjson.MediaType;
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
                await Ndjson.WriteAsync(http, await waiting.Dequeue(), ApiJson.Plain.ImportLine);
            waiting.Enqueue(import.TakeAsync(number, line));
        }
        while (waiting.TryDequeue(out var answer))
            await Ndjson.WriteAsync(http, await answer, ApiJson.Plain.ImportLine);
        await relay.Store.CommitAsync(
            new NoteActCommand(actor, "import", "dead-letters", $"{number:N0} lines", "done"));
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
                var rest = skipping ? null : buffer.ToArray();
                // A body that is not given back ends the connection, under a next request that may be on its way.
                reader.AdvanceTo(read.Buffer.End);
                if (rest is not { Length: 0 })
                    yield return rest;
                yield break;
            }
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }
}
