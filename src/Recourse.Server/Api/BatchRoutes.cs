using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Many messages in one request: a line each, an answer line each, many commits in flight.</summary>
internal static class BatchRoutes
{
    public const string EnvelopeType = "application/vnd.recourse+ndjson";

    private static readonly string[] PlainTypes =
        ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-lines",
            "text/plain"];

    public static void Map(ApiRoutes routes) => routes.Map(new("POST", "/v1/queues/{queue}/messages:batch",
        "Sends a message per line and answers a line for each, in order. Each message is committed for itself.")
    {
        Needs = Role.Producer,
        Takes = Ndjson.MediaType,
        AnswerType = Ndjson.MediaType,
        Answer = typeof(BatchLine),
        Problems = [400, 404, 413, 415, 429],
    }, PostAsync);

    private static async Task PostAsync(HttpContext http, Relay relay)
    {
        var door = await QueueDoor.OpenAsync(http, relay);
        var request = http.Request;
        foreach (var name in (string[])[IntakeHeaders.IdempotencyKey, IntakeHeaders.OrderKey, .. MessageTiming.Headers])
        {
            if (request.Headers.ContainsKey(name))
                throw IntakeHeaders.Bad($"{name} belongs to one message; in a batch it stands in the envelope of a line (content type "
                    + $"{EnvelopeType}).");
        }
        var limits = relay.Configuration.Limits;
        if (request.ContentLength > limits.MaxBatch)
            throw new ProblemException(Problem.Of(StatusCodes.Status413PayloadTooLarge, "batch-too-large",
                $"A batch may have {limits.MaxBatch:N0} bytes."));
        var batch = new BatchIntake(relay, door, IsEnvelope(request.ContentType), IntakeHeaders.TraceParent(request.Headers));
        BodyReader.Unbind(request);
        await batch.RunAsync(http);
    }

    private static bool IsEnvelope(string? contentType)
    {
        if (string.IsNullOrEmpty(contentType))
            return false;
        var type = contentType.Split(';', 2)[0].Trim();
        if (type.Equals(EnvelopeType, StringComparison.OrdinalIgnoreCase))
            return true;
        if (PlainTypes.Contains(type, StringComparer.OrdinalIgnoreCase))
            return false;
        throw new ProblemException(Problem.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type",
            $"A batch is NDJSON; the content type '{type}' is not taken.") with
        { Allowed = [EnvelopeType, .. PlainTypes] });
    }
}
