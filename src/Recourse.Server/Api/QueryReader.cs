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

    public static DeliveryFilter Filter(IQueryCollection query, IReadOnlyList<QueryParameter> allowed, RelayConfiguration configuration)
    {
        CheckNames(query, allowed);
        var filter = new DeliveryFilter();
        foreach (var (name, values) in query)
        {
            if (values.Count != 1)
                throw Bad($"'{name}' stands in the query {values.Count} times; once is allowed.", null);
            var value = values.ToString();
            if (value.Length is 0 or > 1_024)
                throw Bad($"'{name}' has {value.Length} characters; 1 to 1,024 are allowed. Leave the parameter out for no condition.",
                    null);
            filter = Set(filter, name, value, configuration);
        }
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
        "limit" => int.TryParse(value, out var limit) && limit is >= 1 and <= 500
            ? filter with { Limit = limit } : throw Bad($"'limit' is '{value}'; it must be a whole number from 1 to 500.", null),
        "queue" => filter with { Queue = NameOf(name, value, configuration.Queues.Keys) },
        "service" => filter with { Service = NameOf(name, value, configuration.Services.Keys) },
        "kind" => FaultKinds.TryParse(value, out var kind)
            ? filter with { Kind = kind }
                : throw Bad($"'{value}' is no kind of fault.", [.. Enum.GetValues<FaultKind>().Select(known => known.Name())]),
        "state" => State.Allowed!.ToList().IndexOf(value) is >= 0 and var state
            ? filter with { State = (DeliveryState)state } : throw Bad($"'{value}' is no state.", State.Allowed),
        "key" => filter with { OrderKey = value },
        "text" => filter with { Text = value },
        _ => filter,
    };

    // A name that is not configured may still be in the store, so only what can be no name at all is refused.
    private static string NameOf(string name, string value, IEnumerable<string> known) =>
        GroupReader.IsName(value) ? value
            : throw Bad($"'{name}' is '{value}'; a name is 1 to 64 of a-z, 0-9, '.', '_' and '-'.", [.. known]);

    public static ProblemException Bad(string detail, IReadOnlyList<string>? allowed) =>
        new(Problem.Of(StatusCodes.Status400BadRequest, "bad-query", detail) with { Allowed = allowed });
}
