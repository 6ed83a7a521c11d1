using System.Globalization;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>
/// Reads the query of a list. An unknown name or value is an error: a filter that is passed over would show, and touch, too much.
/// </summary>
internal static class QueryReader
{
    public static readonly QueryParameter After = new("after", "The cursor 'next' of the page before.");
    public static readonly QueryParameter Limit = new("limit", "1 to 500 items. Default 50.");
    public static readonly QueryParameter Queue = new("queue", "Only this queue.");
    public static readonly QueryParameter Service = new("service", "Only this service.");
    public static readonly QueryParameter Kind = new("kind", "Only this kind of the last fault, such as connection_refused.");
    public static readonly QueryParameter Key = new("key", "Only this order key.");
    public static readonly QueryParameter Text = new("text", "Only where the last error contains this, in any case.");
    public static readonly QueryParameter State = new("state", "Only this state.", ViewMapping.States);

    public static readonly QueryParameter Group = new("group", "Only this group, by its id: 16 hexadecimal digits.");
    public static readonly QueryParameter Pattern = new("pattern", "The same as group.");
    public static readonly QueryParameter Since = new("since", "Only what died at this time or later, RFC 3339.");
    public static readonly QueryParameter Until = new("until", "Only what died before this time, RFC 3339.");
    public static readonly QueryParameter AttemptsMin = new("attempts_min", "Only what was tried at least so often.");
    public static readonly QueryParameter Persistence = new("persistence", "Whether the fault passes.", Names<Persistence>());
    public static readonly QueryParameter Blame = new("blame", "What the fault speaks against.", Names<Blame>());
    public static readonly QueryParameter Generation = new("generation", "Only this generation; 0 was never replayed.");
    public static readonly QueryParameter Assignee = new("assignee", "Only what this person looks after; 'nobody' for what nobody does.");
    public static readonly QueryParameter Manual = new("manual", "true: what waits for a person; false: the rest.", ["true", "false"]);
    public static readonly QueryParameter Resolved = new("resolved", "true: what was resolved instead of what is dead.", ["true", "false"]);
    public static readonly QueryParameter VisibleTo = new("visible_to", "Not what others than this person have in hand.");

    /// <summary>The parameters as they stand in the query; unknown names, repetitions and empty values are errors.</summary>
    public static Dictionary<string, string> Values(IQueryCollection query, IReadOnlyList<QueryParameter> allowed)
    {
        CheckNames(query, allowed);
        var found = new Dictionary<string, string>();
        foreach (var (name, values) in query)
        {
            var known = allowed.First(parameter => parameter.Name == name);
            if (values.Count != 1)
                throw Bad($"'{name}' stands in the query {values.Count} times; once is allowed.", null);
            var value = values.ToString();
            if (value.Length is 0 or > 1_024)
                throw Bad($"'{name}' has {value.Length} characters; 1 to 1,024 are allowed. Leave the parameter out for no condition.",
                    null);
            if (known.Allowed is { } few && !few.Contains(value))
                throw Bad($"'{name}' is '{value}'.", few);
            found.Add(name, value);
        }
        return found;
    }

    public static DeliveryFilter Filter(IQueryCollection query, IReadOnlyList<QueryParameter> allowed, RelayConfiguration configuration)
    {
        var filter = new DeliveryFilter();
        foreach (var (name, value) in Values(query, allowed))
            filter = Set(filter, name, value, configuration);
        return filter;
    }

    /// <summary>Refuses a parameter that the call does not have; asked for every call of the API, those that write included.</summary>
    public static void CheckNames(IQueryCollection query, IReadOnlyList<QueryParameter> allowed)
    {
        foreach (var (name, _) in query)
        {
            if (allowed.Any(parameter => parameter.Name == name))
                continue;
            var names = allowed.Select(parameter => parameter.Name).ToList();
            throw Bad(names.Count == 0 ? $"'{name}' is no parameter here; this call takes none."
                : Spelling.Nearest(name, names) is { } near ? $"'{name}' is no parameter here. Did you mean '{near}'?"
                : $"'{name}' is no parameter here.", names);
        }
    }

    private static DeliveryFilter Set(DeliveryFilter filter, string name, string value, RelayConfiguration configuration) => name switch
    {
        "after" => filter with { After = value },
        "limit" => filter with { Limit = LimitOf(value) },
        "queue" => filter with { Queue = NameOf(name, value, configuration.Queues.Keys) },
        "service" => filter with { Service = NameOf(name, value, configuration.Services.Keys) },
        "kind" => FaultKinds.TryParse(value, out var kind)
            ? filter with { Kind = kind }
                : throw Bad($"'{value}' is no kind of fault.", [.. Enum.GetValues<FaultKind>().Select(known => known.Name())]),
        "state" => State.Allowed!.ToList().IndexOf(value) is >= 0 and var state
            ? filter with { State = (DeliveryState)state } : throw Bad($"'{value}' is no state.", State.Allowed),
        "key" => filter with { OrderKey = value },
        "text" => filter with { Text = value },
        _ => OfLetters(filter, name, value, configuration),
    };

    private static DeliveryFilter OfLetters(DeliveryFilter filter, string name, string value, RelayConfiguration configuration) =>
        name switch
        {
            "group" or "pattern" => value.Length == 16 && value.All(char.IsAsciiHexDigitLower) ? filter with { Group = value }
                : throw Bad($"'{name}' is '{value}'; an id has 16 hexadecimal digits. GET /v1/dead-letters/groups lists them.", null),
            "since" => filter with { Since = TimeOf(name, value) },
            "until" => filter with { Until = TimeOf(name, value) },
            "attempts_min" => filter with { AttemptsMin = WholeOf(name, value) },
            "generation" => filter with { Generation = WholeOf(name, value) },
            "persistence" => filter with { Persistence = (Persistence)Persistence.Allowed!.ToList().IndexOf(value) },
            "blame" => filter with { Blame = (Blame)Blame.Allowed!.ToList().IndexOf(value) },
            "assignee" => filter with { Assignee = value == "nobody" ? "" : value },
            "manual" => filter with { Manual = value == "true", SecondChances = configuration.DeadLetterQueue.MaxRetries },
            "resolved" => filter with { Resolved = value == "true" ? true : null },
            "visible_to" => filter with { VisibleTo = value },
            _ => filter,
        };

    private static string[] Names<T>() where T : struct, Enum => [.. Enum.GetValues<T>().Select(ViewMapping.Snake)];

    public static int LimitOf(string value) => int.TryParse(value, out var limit) && limit is >= 1 and <= 500
        ? limit : throw Bad($"'limit' is '{value}'; it must be a whole number from 1 to 500.", null);

    public static DateTimeOffset TimeOf(string name, string value) => value.Contains('T', StringComparison.OrdinalIgnoreCase)
        && DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time : throw Bad($"'{name}' is '{value}'; it must be a time such as 2026-01-31T10:30:00Z.", null);

    private static int WholeOf(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number : throw Bad($"'{name}' is '{value}'; it must be a whole number from 0.", null);

    // A name that is not configured may still be in the store, so only what can be no name at all is refused.
    private static string NameOf(string name, string value, IEnumerable<string> known) =>
        GroupReader.IsName(value) ? value
            : throw Bad($"'{name}' is '{value}'; a name is 1 to 64 of a-z, 0-9, '.', '_' and '-'.", [.. known]);

    public static ProblemException Bad(string detail, IReadOnlyList<string>? allowed) =>
        new(Problem.Of(StatusCodes.Status400BadRequest, "bad-query", detail) with { Allowed = allowed });
}
