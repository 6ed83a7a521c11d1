using System.Globalization;
using System.Text.RegularExpressions;

namespace Recourse.Repo.Tests;

/// <summary>
/// docs/reference/seeds.md accounts for every ability of the five documents, each once. Its links are tested with all others.
/// </summary>
public sealed partial class SeedsPageTests
{
    private const string Page = "docs/reference/seeds.md";

    private static readonly Dictionary<string, int> Abilities =
        new() { ["S0"] = 241, ["S1"] = 88, ["S2"] = 113, ["S3"] = 101, ["S4"] = 145 };

    [Fact]
    public void Every_ability_stands_on_the_page_once()
    {
        var named = Rows().SelectMany(row => Ids(row.Here).Concat(Ids(row.Later))).ToArray();
        var expected = Abilities.SelectMany(seed => Enumerable.Range(1, seed.Value).Select(number => (seed.Key, number)));

        Assert.Equal(expected.Order(), named.Order());
    }

    [Fact]
    public void What_is_here_has_a_link_and_what_is_later_has_none()
    {
        foreach (var row in Rows())
            Assert.True((row.Here.Length > 0) == row.Where.Contains("](", StringComparison.Ordinal), row.ToString());
    }

    [Fact]
    public void The_totals_at_the_top_are_those_of_the_tables()
    {
        var text = Repository.Read(Page);
        foreach (var (seed, all) in Abilities)
        {
            var here = Rows().SelectMany(row => Ids(row.Here)).Count(id => id.Seed == seed);
            Assert.Matches(string.Create(CultureInfo.InvariantCulture, $@"\| {seed}: [^|]+ \| {all} \| {here} \| {all - here} \|"), text);
        }
    }

    private static IEnumerable<Row> Rows() => Repository.Lines(Page)
        .Select(line => line.Trim('|', ' ').Length == 0 ? [] : line.Split('|', StringSplitOptions.TrimEntries))
        .Where(cells => cells is ["", _, var here, _, var later, ""] && Id().IsMatch(here + later))
        .Select(cells => new Row(cells[1], cells[2], cells[3], cells[4]));

    private static IEnumerable<(string Seed, int Number)> Ids(string cell)
    {
        foreach (Match match in Id().Matches(cell))
        {
            var from = int.Parse(match.Groups["from"].Value, CultureInfo.InvariantCulture);
            var to = match.Groups["to"].Success ? int.Parse(match.Groups["to"].Value, CultureInfo.InvariantCulture) : from;
            for (var number = from; number <= to; number++) yield return (match.Groups["seed"].Value, number);
        }
    }

    [GeneratedRegex(@"(?<seed>S\d)-(?<from>\d{3})( to (?<to>\d{3}))?", RegexOptions.ExplicitCapture)]
    private static partial Regex Id();

    private sealed record Row(string Part, string Here, string Where, string Later);
}
