using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>The way into one queue: whether it takes messages now, how large, and what of their headers goes on.</summary>
internal sealed class QueueDoor(QueueConfiguration queue, RelayConfiguration configuration)
{
    public string Name => queue.Name;

    public long MaxBody { get; } = queue.MaxBody ?? configuration.Limits.MaxBody;

    public FrozenSet<string> AllowedHeaders { get; } = queue.DeliverTo.SelectMany(service => configuration.Services[service].AllowHeaders)
        .ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>The door of a configured queue that has room for what may come of its messages.</summary>
    public static async ValueTask<QueueDoor> OpenAsync(HttpContext http, Relay relay)
    {
        var name = (string?)http.Request.RouteValues["queue"] ?? "";
        if (!relay.Intake.TryGetValue(name, out var door))
            throw new ProblemException(Unknown(name, relay.Configuration));
        if (relay.IsStopping)
        {
            relay.Meters.Refused(name, "stopping");
            throw new ProblemException(StoreProblems.Stopping);
        }
        if (relay.Configuration.DeadLetterQueue.MaxSize is { } max && await relay.Books.DeadAsync() >= max)
        {
            relay.Meters.Refused(name, "dead_letters_full");
            throw new ProblemException(Problem.Of(StatusCodes.Status429TooManyRequests, "dead-letters-full",
                $"There are {max} dead letters, as many as may be kept (dead_letter_queue.max_size). Replay or discard some.")
                with
            { RetryAfter = TimeSpan.FromSeconds(30) });
        }
        if (relay.Holds(ControlKind.QueueDraining, name))
        {
            relay.Meters.Refused(name, "draining");
            throw new ProblemException(Problem.Of(StatusCodes.Status429TooManyRequests, "queue-draining",
                $"The queue '{name}' drains: it delivers what it has and takes nothing more until it is resumed.")
                with
            { RetryAfter = TimeSpan.FromSeconds(30) });
        }
        return door;
    }

    public NewMessage Message(ReadOnlyMemory<byte> body, string? contentType, string? idempotencyKey, string? orderKey,
        IReadOnlyDictionary<string, string>? headers, string? traceParent, in MessageTiming timing, DateTimeOffset now) => new()
        {
            Queue = queue.Name,
            Body = body,
            ContentType = contentType,
            Services = queue.DeliverTo,
            // Without order there are no lanes: a key would only make messages wait for each other.
            OrderKey = queue.Ordered ? orderKey : null,
            IdempotencyKey = idempotencyKey,
            Headers = headers,
            TraceParent = traceParent,
            DeliverAt = timing.DeliverAt,
            // The queue's own expiry counts from when the message may go: a delay does not eat it up.
            ExpiresAt = timing.ExpiresAt ?? (queue.Expires is { } lasting ? (timing.DeliverAt ?? now) + lasting : null),
            Priority = timing.Priority ?? queue.Priority,
        };

    public EnqueueCommand Command(NewMessage message) => new(message) { IdempotencyWindow = queue.IdempotencyWindow };

    public Problem TooLarge() => Problem.Of(StatusCodes.Status413PayloadTooLarge, "body-too-large",
        $"A message in the queue '{queue.Name}' may have {MaxBody:N0} bytes.");

    public static Problem KeyConflict(Guid id) => Problem.Of(StatusCodes.Status422UnprocessableEntity, "key-conflict",
        "The Idempotency-Key was used before with another body, content type or Recourse-Key. Nothing was stored.") with
    { Id = id.ToString() };

    public static Problem Unknown(string name, RelayConfiguration configuration) =>
        Problem.Of(StatusCodes.Status404NotFound, "unknown-queue", Spelling.Nearest(name, configuration.Queues.Keys) is { } near
            ? $"There is no queue '{name}'. Did you mean '{near}'?" : $"There is no queue '{name}'. GET /v1/queues lists the queues.");
}
