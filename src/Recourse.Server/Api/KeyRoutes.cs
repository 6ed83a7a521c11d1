using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;
using Recourse.Server.Security;

namespace Recourse.Server.Api;

/// <summary>Who may do what: keys are made, listed and taken away. The secret is shown in the one answer that makes it.</summary>
internal static class KeyRoutes
{
    public static void Map(ApiRoutes routes)
    {
        routes.Map(new("GET", "/v1/keys", "All keys, oldest first, without their secrets.")
        {
            Needs = Role.Admin,
            Answer = typeof(ListView<KeyView>),
            Problems = [503],
        }, ListAsync);
        routes.Map(new("POST", "/v1/keys", "Makes a key; the answer is the only place that shows its secret.")
        {
            Needs = Role.Admin,
            Takes = "application/json",
            Answer = typeof(NewKeyView),
            Status = StatusCodes.Status201Created,
            Problems = [400, 409, 415, 503],
        }, AddAsync);
        routes.Map(new("DELETE", "/v1/keys/{name}", "Takes a key away, by its name or id, with the sessions that were begun with it.")
        {
            Needs = Role.Admin,
            Status = StatusCodes.Status204NoContent,
            Problems = [404, 409, 503],
        }, RemoveAsync);
    }

    private static async Task ListAsync(HttpContext http, Relay relay)
    {
        var all = await relay.Store.Queries.KeysAsync(http.RequestAborted);
        var sessions = all.Where(key => key.Parent is not null && key.ExpiresAt > relay.Time.GetUtcNow()).ToLookup(key => key.Parent);
        await http.Response.WriteAsJsonAsync(
            new([.. all.Where(key => key.Parent is null).Select(key => new KeyView(key.Id, key.Name, key.Role.Name(), key.CreatedAt,
                key.CreatedBy, key.ExpiresAt, key.ExpiresAt <= relay.Time.GetUtcNow(), sessions[key.Id].Count()))], null),
            ApiJson.Plain.ListViewKeyView);
    }

    private static async Task AddAsync(HttpContext http, Relay relay)
    {
        var asked = await ReadAsync(http.Request);
        if (!Roles.TryParse(asked.Role ?? "", out var role))
            throw Bad($"'role' is '{asked.Role}'; it must be producer, viewer, operator or admin.");
        var secret = KeySecret.New();
        var name = asked.Name ?? $"{role.Name()}-{secret.Id}";
        if (!GroupReader.IsName(name))
            throw Bad($"'name' is '{name}'; it must have 1 to 64 of a-z, 0-9, '.', '_' and '-'.");
        var lifetime = asked.ExpiresInSeconds is { } seconds ? seconds is >= 60 and <= 3_650d * 86_400 ? TimeSpan.FromSeconds(seconds)
            : throw Bad($"'expires_in_seconds' is {seconds}; it must be from 60 to 315360000, ten years.") : (TimeSpan?)null;
        var outcome = await relay.Store.CommitAsync(
            new AddKeyCommand(secret.Id, name, role, secret.Hash(), LetterAccess.Actor(http, asked.Actor)) { Lifetime = lifetime });
        if (outcome is not KeyOutcome.Done)
            throw Conflict(outcome, name);
        http.Response.StatusCode = StatusCodes.Status201Created;
        await http.Response.WriteAsJsonAsync(
            new(secret.Id, name, role.Name(), secret.Text, lifetime is { } lasting ? relay.Time.GetUtcNow() + lasting : null),
            ApiJson.Plain.NewKeyView);
    }

    private static async Task RemoveAsync(HttpContext http, Relay relay)
    {
        var asked = (string)http.Request.RouteValues["name"]!;
        var all = (await relay.Store.Queries.KeysAsync(http.RequestAborted)).Where(key => key.Parent is null).ToList();
        var found = all.Find(key => key.Name == asked) ?? all.Find(key => key.Id == asked)
            ?? throw new ProblemException(Problem.Of(StatusCodes.Status404NotFound, "unknown-key",
                Spelling.Nearest(asked, all.Select(key => key.Name)) is { } near ? $"There is no key '{asked}'. Did you mean '{near}'?"
                    : $"There is no key '{asked}'. {Named(all)}"));
        if (all.Count == 1 && relay.ListensBeyondLoopback)
        {
            await relay.Store.CommitAsync(new NoteActCommand(LetterAccess.Actor(http, null), "key.remove", $"key/{found.Name}",
                $"{found.Role.Name()}, id {found.Id}", "last-key"));
            throw new ProblemException(Problem.Of(StatusCodes.Status409Conflict, "last-key",
                "It is the last key, and the relay listens beyond loopback: nobody could reach it any more. "
                + "Make another admin's key first."));
        }
        var outcome = await relay.Store.CommitAsync(new RemoveKeyCommand(found.Id, LetterAccess.Actor(http, null)));
        if (outcome is not (KeyOutcome.Done or KeyOutcome.NotFound))
            throw Conflict(outcome, found.Name);
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    // Only an admin asks.
    private static string Named(List<ApiKey> all) => all.Count == 0 ? "No key was made yet."
        : $"There are: {string.Join(", ", all.Take(10).Select(key => key.Name))}{(all.Count > 10 ? " …" : "")}.";

    private static async Task<NewKey> ReadAsync(HttpRequest request)
    {
        var body = await LetterAccess.ReadJsonAsync(request);
        try
        {
            return (body.IsEmpty ? null : JsonSerializer.Deserialize(body.Span, ApiJson.Plain.NewKey))
                ?? throw Bad("The body is {\"role\": …, \"name\": …}.");
        }
        catch (JsonException error)
        {
            throw Bad($"The body is no {{\"role\": …, \"name\": …, \"expires_in_seconds\": …}}: {error.Message}");
        }
    }

    /// <summary>What a refusal of the store means, in words.</summary>
    internal static string Words(KeyOutcome outcome, string name) => outcome switch
    {
        KeyOutcome.NameTaken => $"There is a key '{name}' already; remove it, or give this one another name.",
        KeyOutcome.NeedsAdmin => "The first key must be an admin's: with any other, nobody could make a second one.",
        KeyOutcome.LastAdmin => $"'{name}' is the last admin's key, and there are others that nobody could look after. "
            + "Make another admin's key first, or remove the others.",
        KeyOutcome.Full => "There are 1,000 keys, as many as are kept; remove some.",
        _ => $"There is no key '{name}'.",
    };

    private static ProblemException Conflict(KeyOutcome outcome, string name) =>
        new(Problem.Of(StatusCodes.Status409Conflict, outcome switch
        {
            KeyOutcome.NameTaken => "name-taken",
            KeyOutcome.NeedsAdmin => "needs-admin",
            KeyOutcome.LastAdmin => "last-admin",
            _ => "keys-full",
        }, Words(outcome, name)));

    private static ProblemException Bad(string detail) => LetterAccess.Bad(detail);
}

/// <summary>A key without its secret.</summary>
/// <param name="Id">Stands in the secret too.</param>
/// <param name="Name">The actor of all that is done with it.</param>
/// <param name="Role">producer, viewer, operator or admin.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="ExpiresAt">From when on it counts for nothing; null for never.</param>
/// <param name="Expired">It counts for nothing any more.</param>
/// <param name="Sessions">How many browsers are signed in with it.</param>
internal sealed record KeyView(
    string Id, string Name, string Role, DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset? ExpiresAt, bool Expired, int Sessions);

/// <summary>What is asked for.</summary>
internal sealed record NewKey(string? Role, string? Name, double? ExpiresInSeconds, string? Actor);

/// <summary>A key that was made; the secret is shown here and nowhere else.</summary>
internal sealed record NewKeyView(string Id, string Name, string Role, string Secret, DateTimeOffset? ExpiresAt);
