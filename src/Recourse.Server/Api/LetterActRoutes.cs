using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>What people do with one dead letter: send it back, put it away, take it in hand, note what they know.</summary>
internal static class LetterActRoutes
{
    private const int AssigneeMax = 100;
    private const int NoteMax = 4_000;
    private static readonly string[] Keys = ["auto", "keep", "new"];

    public static void Map(ApiRoutes routes)
    {
        Act(routes, "replay", "replayed", DeliveryState.Waiting, "Sends a dead letter back into its queue, as a new generation.",
            (id, act) => new ReplayCommand(id, act.Actor!, act.Reason) { Key = Key(act) });
        Act(routes, "discard", "discarded", DeliveryState.Discarded, "Puts a dead letter away for good.",
            (id, act) => new DiscardCommand(id, act.Actor!, act.Reason));
        Act(routes, "resolve", "resolved", DeliveryState.Discarded, "Ends a dead letter that was settled in another way; says how.",
            (id, act) => new ResolveCommand(id, act.Actor!, string.IsNullOrWhiteSpace(act.Reason)
                ? throw LetterAccess.Bad("A letter is resolved with a reason: {\"reason\": \"how it was settled\"}.") : act.Reason));
        routes.Map(Route("take", "Takes a dead letter in hand for some minutes: others are told, and cannot act on it."), TakeAsync);
        Act(routes, "release", "released", DeliveryState.Dead, "Lets go of a dead letter that somebody has in hand.",
            (id, act) => new LetGoCommand(id, act.Actor!));
        routes.Map(new("PATCH", "/v1/dead-letters/{id}", "Notes who looks after a dead letter, what they know, whether a person decides.")
        {
            Takes = "application/json",
            Answer = typeof(DeadLetterDetailView),
            Problems = [400, 404, 409, 415, 503],
        }, PatchAsync);
    }

    private static ApiRoute Route(string verb, string summary) => new("POST", $"/v1/dead-letters/{{id}}:{verb}", summary)
    {
        Takes = "application/json",
        Answer = typeof(DeadLetterActView),
        Problems = [400, 404, 409, 415, 503],
    };

    private static void Act(ApiRoutes routes, string verb, string done, DeliveryState state, string summary,
        Func<DeliveryId, ActRequest, StoreCommand<DeadLetterOutcome>> command) =>
        routes.Map(Route(verb, summary), async (http, relay) =>
        {
            var id = LetterAccess.Id(http);
            var act = await LetterAccess.ReadActAsync(http.Request);
            await LetterAccess.CommitAsync(http, relay, id, command(id, act), done);
            await http.Response.WriteAsJsonAsync(new DeadLetterActView(id.ToString(), done, state.Name()),
                ApiJson.Plain.DeadLetterActView);
        });

    private static ReplayKey Key(ActRequest act) => Array.IndexOf(Keys, act.Key ?? "auto") is >= 0 and var key ? (ReplayKey)key
        : throw LetterAccess.Bad($"'key' is '{act.Key}'; it must be keep, new or auto (the default).");

    private static async Task TakeAsync(HttpContext http, Relay relay)
    {
        var id = LetterAccess.Id(http);
        var act = await LetterAccess.ReadActAsync(http.Request);
        var minutes = act.Minutes ?? relay.Configuration.DeadLetterQueue.VisibilityTimeout.TotalMinutes;
        if (minutes is not (> 0 and <= 7 * 24 * 60))
            throw LetterAccess.Bad($"'minutes' is {minutes}; it must be more than 0 and at most 10080, a week.");
        await LetterAccess.CommitAsync(http, relay, id, new TakeCommand(id, act.Actor!, TimeSpan.FromMinutes(minutes)), "taken");
        await http.Response.WriteAsJsonAsync(new DeadLetterActView(id.ToString(), "taken", DeliveryState.Dead.Name()),
            ApiJson.Plain.DeadLetterActView);
    }

    private static async Task PatchAsync(HttpContext http, Relay relay)
    {
        var id = LetterAccess.Id(http);
        await LetterAccess.CommitAsync(http, relay, id, Annotation(http, id, await LetterAccess.ReadJsonAsync(http.Request)), "annotated");
        var letter = await LetterAccess.FindAsync(http, relay);
        await http.Response.WriteAsJsonAsync(ViewMapping.DeadLetterDetail(letter, relay.Configuration.DeadLetterQueue),
            ApiJson.Plain.DeadLetterDetailView);
    }

    /// <summary>What is left out stays; null takes away.</summary>
    private static AnnotateCommand Annotation(HttpContext http, DeliveryId id, ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            string? assignee = null, note = null, actor = null;
            bool? manual = null;
            foreach (var field in document.RootElement.EnumerateObject())
            {
                switch (field.Name)
                {
                    case "assignee": assignee = field.Value.GetString() ?? ""; break;
                    case "note": note = field.Value.GetString() ?? ""; break;
                    case "manual": manual = field.Value.GetBoolean(); break;
                    case "actor": actor = field.Value.GetString(); break;
                    default: throw LetterAccess.Bad($"'{field.Name}' is no field here; assignee, note, manual and actor are.");
                }
            }
            if (assignee is null && note is null && manual is null)
                throw LetterAccess.Bad("Nothing is to be changed: give assignee, note or manual.");
            return new(id, LetterAccess.Actor(http, actor))
            {
                Assignee = assignee?.Length > AssigneeMax
                    ? throw LetterAccess.Bad($"An assignee may have {AssigneeMax} characters.")
                    : assignee,
                Note = note?.Length > NoteMax
                    ? throw LetterAccess.Bad($"A note may have {NoteMax:N0} characters.")
                    : note,
                Manual = manual,
            };
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw LetterAccess.Bad($"The body is not {{\"assignee\": …, \"note\": …, \"manual\": …}}: {error.Message}");
        }
    }
}
