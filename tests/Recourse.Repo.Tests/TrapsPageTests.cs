using System.Text.RegularExpressions;

namespace Recourse.Repo.Tests;

/// <summary>docs/reference/traps.md and the tests that it names are held together in both directions.</summary>
public partial class TrapsPageTests
{
    private const int Traps = 33;

    // Traps of strategies that are not here yet; a row that is not among these has to name a test.
    private static readonly int[] Later = [30, 32];

    private static readonly HashSet<string> Tests =
    [
        .. from file in Repository.Files
           where file.StartsWith("tests/", StringComparison.Ordinal) && file.EndsWith(".cs", StringComparison.Ordinal)
           from Match method in Method().Matches(Repository.Read(file))
           select method.Groups["name"].Value,
    ];

    private static readonly ILookup<int, string> Page =
        (from Match row in Row().Matches(Repository.Read("docs/reference/traps.md"))
         let number = int.Parse(row.Groups["number"].ValueSpan)
         from name in Name().Matches(row.Groups["tests"].Value).Select(name => name.Groups[1].Value).DefaultIfEmpty("")
         select (number, name)).ToLookup(entry => entry.number, entry => entry.name);

    [Fact]
    public void Every_trap_has_a_row_and_a_test_or_belongs_to_a_later_strategy()
    {
        Assert.Equal(Enumerable.Range(1, Traps), Page.Select(row => row.Key).Order());
        Assert.Equal(Later, Page.Where(row => row.Contains("")).Select(row => row.Key).Order());
    }

    [Fact]
    public void Every_test_that_the_page_names_exists()
    {
        var page = Repository.Read("docs/reference/traps.md");
        var named = Name().Matches(page).Select(name => name.Groups[1].Value).ToArray();
        Assert.True(named.Length > Traps);
        Assert.DoesNotContain(named, name => !Tests.Contains(name));
    }

    [Fact]
    public void Every_test_with_the_number_of_a_trap_stands_in_its_row()
    {
        var missing = from test in Tests
                      let number = Number().Match(test)
                      where number.Success && !Page[int.Parse(number.Groups[1].ValueSpan)].Contains(test)
                      select test;
        Assert.Empty(missing);
    }

    [GeneratedRegex(@"^    public (?:async )?(?:void|Task|ValueTask) (?<name>\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Method();

    [GeneratedRegex(@"^\| T(?<number>\d\d) \|[^|]*\|(?<tests>[^|\n]*)\|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"`([A-Z]\w*_\w+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"^T(\d\d)_")]
    private static partial Regex Number();
}
