using Recourse.Tables;

namespace Recourse;

/// <summary>
/// A code of which nobody says whose it is. All families that list it are named; where they agree on whether it passes, that is the
/// verdict, with the most careful of their other answers. For people who ask, not for calls: a number in an exception is too little to act
/// on.
/// </summary>
internal static class LonelyCodes
{
    private const int Longest = 64;
    private const int NamedMost = 6;

    internal static Classification? Find(string? code, CodeTable table)
    {
        code = code?.Trim();
        if (code is not { Length: > 0 and <= Longest } || code.Contains(' ', StringComparison.Ordinal)) return null;
        Classification[] found =
        [
            .. CodeFamilies.All.Select(family => table.Family(family.Name)!.FindListed(code)).OfType<Classification>(),
        ];
        return found switch
        {
            [] => null,
            [var only] => only with { Evidence = $"{only.Evidence}, the only family here with such a code" },
            _ => Together(code, found),
        };
    }

    private static Classification Together(string code, Classification[] found)
    {
        var names = string.Join(" or ", found.Take(NamedMost)
            .Select(each => $"{each.Family} ({each.Kind.Name()}, {Words(each.Persistence)})"));
        if (found.Length > NamedMost) names += $" or {found.Length - NamedMost} more";
        if (found.Any(each => each.Persistence != found[0].Persistence))
            return Classification.Unknown with { Evidence = $"nothing known without the family: {code} could be {names}" };
        return found[0] with
        {
            Scope = Same(found, each => each.Scope) ? found[0].Scope : RetryScope.Transaction,
            Applied = Same(found, each => each.Applied) ? found[0].Applied : Applied.Maybe,
            Blame = Same(found, each => each.Blame) ? found[0].Blame : Blame.Unknown,
            Throttling = found.All(each => each.Throttling),
            Family = null,
            Code = code,
            Evidence = $"{code} could be {names}, which agree",
        };
    }

    private static bool Same<T>(Classification[] found, Func<Classification, T> cell) => found.Select(cell).Distinct().Count() == 1;

    private static string Words(Persistence persistence) => persistence switch
    {
        Persistence.Transient => "passes",
        Persistence.Permanent => "stays",
        _ => "open",
    };
}
