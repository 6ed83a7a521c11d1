using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Recourse.Durable;

namespace Recourse.Server.Dashboard;

// The filter of a list page, as it stands in the address: so that a page can be shared and bookmarked.
internal sealed record DeliverySearch
{
    public const int PageSize = 50;
    public const int TextLengthMax = 200;
    private const int NameLengthMax = 64;

    public string? Queue { get; init; }
    public string? Service { get; init; }
    public string? Kind { get; init; }
    public string? Text { get; init; }
    // A group by its id; come to from the page of groups.
    public string? Group { get; init; }
    public string? After { get; init; }

    public bool IsEmpty => this with { After = null } == new DeliverySearch();

    public static DeliverySearch From(IQueryCollection query) => new()
    {
        Queue = Value(query, "queue", NameLengthMax),
        Service = Value(query, "service", NameLengthMax),
        // A kind that does not exist is no condition: the list of kinds on the page shows which there are.
        Kind = FaultKinds.TryParse(Value(query, "kind", NameLengthMax), out var kind) ? kind.Name() : null,
        Text = Value(query, "text", TextLengthMax),
        // What is no group's id is no condition.
        Group = Value(query, "group", 16) is { Length: 16 } group && group.All(char.IsAsciiHexDigitLower) ? group : null,
        After = Value(query, "after", 500),
    };

    public DeliveryFilter Filter(DeliveryState state) => new()
    {
        State = state,
        Queue = Queue,
        Service = Service,
        Kind = FaultKinds.TryParse(Kind, out var kind) ? kind : null,
        Text = Text,
        Group = Group,
        After = After,
        Limit = PageSize,
    };

    public string Query(string? after = null)
    {
        var query = new QueryBuilder();
        Add(query, "queue", Queue);
        Add(query, "service", Service);
        Add(query, "kind", Kind);
        Add(query, "text", Text);
        Add(query, "group", Group);
        Add(query, "after", after);
        return query.ToString();
    }

    private static void Add(QueryBuilder query, string name, string? value)
    {
        if (value is not null)
            query.Add(name, value);
    }

    private static string? Value(IQueryCollection query, string name, int lengthMax)
    {
        var value = query[name].ToString().Trim();
        return value.Length == 0 ? null : value.Length > lengthMax ? value[..lengthMax] : value;
    }
}
