using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Finds the letter that a call is about, reads what its caller says, and tells what a command on it came to.</summary>
internal static class LetterAccess
{
    public const string NobodyNamed = "operator";
    private const int ActMax = 16 * 1024;
    private const int ReasonMax = 1_000;
    private const int ActorMax = 100;

    /// <summary>The delivery that the path names, whatever its state.</summary>
    public static DeliveryId Id(HttpContext http)
    {
        var text = (string)http.Request.RouteValues["id"]!;
        return DeliveryId.TryParse(text, out var id) ? id : throw new ProblemException(Unknown(text));
    }

    /// <summary>The dead or resolved letter that the path names.</summary>
    public static async Task<StoredDelivery> FindAsync(HttpContext http, Relay relay)
    {
        var id = Id(http);
        return await relay.Store.Queries.DeliveryAsync(id, http.RequestAborted) is { } letter
            && (letter.State is DeliveryState.Dead || letter.Resolved) ? letter : throw new ProblemException(Unknown(id.ToString()));
    }

    /// <summary>Commits an act; anything but done is a problem that says why.</summary>
    public static async Task CommitAsync(HttpContext http, Relay relay, DeliveryId id, StoreCommand<DeadLetterOutcome> command, string verb)
    {
        DeadLetterOutcome outcome;
        try
        {
            outcome = await relay.Store.CommitAsync(command);
        }
        catch (ArgumentException error)
        {
            throw Bad(error.Message);
        }
        if (outcome is DeadLetterOutcome.Done)
            return;
        var now = await relay.Store.Queries.DeliveryAsync(id, http.RequestAborted);
        throw new ProblemException(outcome switch
        {
            DeadLetterOutcome.NotFound => Unknown(id.ToString()),
            DeadLetterOutcome.Taken => Problem.Of(StatusCodes.Status409Conflict, "taken",
                $"The dead letter '{id}' is in the hands of {now?.TakenBy ?? "somebody else"} until {now?.TakenUntil:u}. "
                + "Ask them, wait, or :release it."),
            DeadLetterOutcome.Stale => Problem.Of(StatusCodes.Status412PreconditionFailed, "stale",
                $"The payload of '{id}' was edited since it was read: it is edit {now?.Edits} now. Read it again."),
            _ => Problem.Of(StatusCodes.Status409Conflict, "not-dead",
                $"The delivery '{id}' is {now?.State.Name() ?? "gone"}, not dead; only a dead letter can be {verb}."),
        });
    }

    /// <summary>The body is optional: <c>{"reason": …, "actor": …}</c> and what the verb takes beside.</summary>
    public static async Task<ActRequest> ReadActAsync(HttpRequest request)
    {
        var body = await ReadJsonAsync(request);
        if (body.IsEmpty)
            return new(null, Actor(request.HttpContext, null), null, null);
        ActRequest? act;
        try
        {
            act = JsonSerializer.Deserialize(body.Span, ApiJson.Plain.ActRequest);
        }
        catch (JsonException error)
        {
            throw Bad($"The body is not {{\"reason\": …, \"actor\": …}} with two texts: see byte {error.BytePositionInLine ?? 0:N0}.");
        }
        return (act ?? new(null, null, null, null)) with { Reason = Reason(act?.Reason), Actor = Actor(request.HttpContext, act?.Actor) };
    }

    /// <summary>A small JSON body; empty when there is none.</summary>
    public static async Task<ReadOnlyMemory<byte>> ReadJsonAsync(HttpRequest request)
    {
        if (await BodyReader.ReadAsync(request, ActMax) is not { } body)
            throw new ProblemException(Problem.Of(StatusCodes.Status413PayloadTooLarge, "body-too-large",
                $"The body of this call may have {ActMax:N0} bytes."));
        if (!body.IsEmpty && !request.HasJsonContentType())
            throw new ProblemException(Problem.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type",
                "The body of this call is JSON, content type application/json, or there is none."));
        Zeros.Check(body.Span);
        return body;
    }

    public static string? Reason(string? text) => text?.Length > ReasonMax ? throw TooLong() : text;

    /// <summary>Who acts: whom the key, or the application around the relay, says; only where nobody does, what the caller says.</summary>
    public static string Actor(HttpContext http, string? text) =>
        http.User.Identity is { IsAuthenticated: true, Name: { Length: > 0 } known } ? known : text?.Length > ActorMax
            ? throw TooLong()
            : string.IsNullOrWhiteSpace(text) ? NobodyNamed
            : text.Trim() is var said && said == "policy" ? throw Bad("The actor 'policy' stands for what the configuration does.")
            : said;

    private static ProblemException TooLong() => Bad($"A reason may have {ReasonMax:N0} characters, an actor {ActorMax}.");

    public static ProblemException Bad(string detail) => new(Problem.Of(StatusCodes.Status400BadRequest, "bad-json", detail));

    public static Problem Unknown(string id) => Problem.Of(StatusCodes.Status404NotFound, "unknown-dead-letter",
        $"There is no dead letter '{id}'. Its id is that of a delivery: the message's id, a dot and a number. It may have been replayed or "
            + "discarded.");
}
