using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Recourse.Cli.Client;

/// <summary>Which dead letters: the conditions hold together, a null is none.</summary>
internal sealed record DeadLetterQuery
{
    public string? Queue { get; init; }
    public string? Service { get; init; }
    public string? Kind { get; init; }
    public string? Text { get; init; }

    /// <summary>Further conditions, by the names of the relay's parameters.</summary>
    public IReadOnlyList<(string Name, string Value)> More { get; init; } = [];

    /// <summary>There is no condition at all: this means every dead letter.</summary>
    public bool IsEmpty => !Conditions().Any();

    /// <summary>The conditions in words, for questions and summaries.</summary>
    public override string ToString() => IsEmpty ? "all" : string.Join(", ", Conditions().Select(part => $"{part.Name} {part.Value}"));

    /// <summary>The path of one page.</summary>
    public string Path(string? after, int limit)
    {
        var path = new StringBuilder($"v1/dead-letters?limit={limit}");
        foreach (var (name, value) in Conditions()) path.Append($"&{name}={Uri.EscapeDataString(value)}");
        if (after is not null) path.Append($"&after={Uri.EscapeDataString(after)}");
        return path.ToString();
    }

    /// <summary>The path of an export of all that match.</summary>
    public string ExportPath() =>
        "v1/dead-letters/export" + string.Concat(Conditions().Select((part, place) =>
            $"{(place == 0 ? '?' : '&')}{part.Name}={Uri.EscapeDataString(part.Value)}"));

    /// <summary>The conditions by the names that the relay knows.</summary>
    public IEnumerable<(string Name, string Value)> Conditions()
    {
        if (Queue is not null) yield return ("queue", Queue);
        if (Service is not null) yield return ("service", Service);
        if (Kind is not null) yield return ("kind", Kind);
        if (Text is not null) yield return ("text", Text);
        foreach (var condition in More) yield return condition;
    }
}

/// <summary>Walks through lists page by page.</summary>
internal static class Paging
{
    /// <summary>The most rows of one page that the relay gives.</summary>
    public const int PageLimit = 500;

    /// <summary>Every dead letter that matches, newest first; each also as the JSON it came as.</summary>
    public static async IAsyncEnumerable<(DeadLetterAnswer Value, JsonElement Json)> DeadLettersAsync(
        this RelayClient relay, DeadLetterQuery query, int pageSize = PageLimit,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string? after = null;
        do
        {
            using var page = JsonDocument.Parse(await relay.ReadAsync(query.Path(after, pageSize), cancellationToken));
            foreach (var item in page.RootElement.GetProperty("items").EnumerateArray())
                yield return (item.Deserialize(RelayJson.Default.DeadLetterAnswer)!, item);
            after = page.RootElement.TryGetProperty("next", out var next) ? next.GetString() : null;
        }
        while (after is not null);
    }
}
