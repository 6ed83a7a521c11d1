using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>The body of a dead letter: as it will be sent, as it came in, and what an edit changed.</summary>
internal static class LetterPayloadRoutes
{
    private static readonly QueryParameter Original = new("original", "true: the body as it came in, before any edit.", ["true", "false"]);
    private static readonly QueryParameter Actor = new("actor", "Who edits; kept in the letter's history.");
    private static readonly QueryParameter Reason = new("reason", "Why; kept in the letter's history.");

    public static void Map(ApiRoutes routes)
    {
        routes.Map(new("GET", "/v1/dead-letters/{id}/payload", "The body of a dead letter, byte for byte, with its ETag.")
        {
            Needs = Role.Operator,
            Query = [Original],
            AnswerType = "*/*",
            Problems = [400, 404, 503],
        }, GetAsync);
        routes.Map(new("PUT", "/v1/dead-letters/{id}/payload", "Gives a dead letter another body; what came in is kept.")
        {
            Query = [Actor, Reason],
            Headers = [new("If-Match", "The ETag of the body that was read, or * for whatever is there.")],
            Takes = "*/*",
            Answer = typeof(EditView),
            Problems = [400, 404, 409, 412, 413, 428, 503],
        }, PutAsync);
        routes.Map(new("GET", "/v1/dead-letters/{id}/payload/diff", "What edits changed: JSON, or text for Accept: text/plain.")
        {
            Needs = Role.Operator,
            Answer = typeof(DiffView),
            Problems = [400, 404, 503],
        }, DiffAsync);
    }

    private static string ETag(int edits) => $"\"edit-{edits.ToString(CultureInfo.InvariantCulture)}\"";

    private static async Task GetAsync(HttpContext http, Relay relay)
    {
        var original = QueryReader.Values(http.Request.Query, [Original]).GetValueOrDefault("original") == "true";
        var letter = await LetterAccess.FindAsync(http, relay);
        var queries = relay.Store.Queries;
        var payload = await (original ? queries.OriginalPayloadAsync(letter.Id, http.RequestAborted)
            : queries.PayloadAsync(letter.Id, http.RequestAborted))
            ?? throw new ProblemException(LetterAccess.Unknown(letter.Id.ToString()));
        // What a stranger sent must never run as a page of this site, whatever type it claims: downloaded, sandboxed, not sniffed.
        http.Response.ContentType = payload.ContentType ?? "application/octet-stream";
        http.Response.ContentLength = payload.Body.Length;
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"{letter.Id}\"";
        http.Response.Headers.ETag = ETag(payload.Edits);
        await http.Response.BodyWriter.WriteAsync(payload.Body, http.RequestAborted);
    }

    private static async Task PutAsync(HttpContext http, Relay relay)
    {
        var values = QueryReader.Values(http.Request.Query, [Actor, Reason]);
        var id = LetterAccess.Id(http);
        var expected = Expected(http.Request, id);
        var letter = await LetterAccess.FindAsync(http, relay);
        var bound = relay.Intake.TryGetValue(letter.Queue, out var door) ? door.MaxBody : relay.Configuration.Limits.MaxBody;
        if (await BodyReader.ReadAsync(http.Request, bound) is not { } body)
            throw new ProblemException(Problem.Of(StatusCodes.Status413PayloadTooLarge, "body-too-large",
                $"A message in the queue '{letter.Queue}' may have {bound:N0} bytes."));
        var command = new EditPayloadCommand(
            id, LetterAccess.Actor(http, values.GetValueOrDefault("actor")), LetterAccess.Reason(values.GetValueOrDefault("reason")), body)
        {
            IfEdits = expected,
            ContentType = IntakeHeaders.ContentType(http.Request.ContentType),
        };
        await LetterAccess.CommitAsync(http, relay, id, command, "edited");
        var edits = (await relay.Store.Queries.PayloadAsync(id, http.RequestAborted))?.Edits ?? 0;
        http.Response.Headers.ETag = ETag(edits);
        await http.Response.WriteAsJsonAsync(new(id.ToString(), "edited", edits), ApiJson.Plain.EditView);
    }

    /// <summary>The edit that the caller has read; null for whatever is there.</summary>
    private static int? Expected(HttpRequest request, DeliveryId id)
    {
        var text = request.Headers.IfMatch.ToString();
        if (text.Length == 0)
            throw new ProblemException(Problem.Of(StatusCodes.Status428PreconditionRequired, "if-match-missing",
                "An edit says which payload it replaces: If-Match with the ETag of GET …/payload, or If-Match: * for whatever is there."));
        if (text == "*")
            return null;
        return EntityTagHeaderValue.TryParse(text, out var tag) && !tag.IsWeak && tag.Tag.StartsWith("\"edit-", StringComparison.Ordinal)
            && int.TryParse(tag.Tag.AsSpan()[6..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var edits)
            ? edits : throw new ProblemException(Problem.Of(StatusCodes.Status412PreconditionFailed, "stale",
                $"'{text}' is no ETag of the payload of '{id}'. Read it again."));
    }

    private static async Task DiffAsync(HttpContext http, Relay relay)
    {
        var letter = await LetterAccess.FindAsync(http, relay);
        var before = await relay.Store.Queries.OriginalPayloadAsync(letter.Id, http.RequestAborted);
        var after = await relay.Store.Queries.PayloadAsync(letter.Id, http.RequestAborted);
        if (before is null || after is null)
            throw new ProblemException(LetterAccess.Unknown(letter.Id.ToString()));
        var diff = PayloadDiff.Of(before, after);
        if (http.Request.Headers.Accept.ToString().StartsWith("text/", StringComparison.OrdinalIgnoreCase))
        {
            http.Response.ContentType = "text/plain; charset=utf-8";
            await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(diff.ToText()), http.RequestAborted);
            return;
        }
        await http.Response.WriteAsJsonAsync(
            new(letter.Id.ToString(), after.Edits, diff.Note,
                new(before.Body.Length, before.ContentType), new(after.Body.Length, after.ContentType),
                [.. diff.Lines.Select(line => new DiffLineView(Change(line.Sign), line.Text))]),
            ApiJson.Plain.DiffView);

        static string Change(char sign) => sign switch { '+' => "added", '-' => "removed", _ => "same" };
    }
}
