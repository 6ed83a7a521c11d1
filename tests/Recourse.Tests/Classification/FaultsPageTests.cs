namespace Recourse.Tests.Classification;

/// <summary>The table in docs/concepts/faults.md is the table in the code.</summary>
public sealed class FaultsPageTests
{
    [Fact]
    public void The_page_lists_every_kind_with_the_defaults_of_the_code()
    {
        var expected = Enum.GetValues<FaultKind>()
            .OrderBy(kind => kind.Category() == FaultCategory.Unknown)
            .ThenBy(kind => kind.Category())
            .ThenBy(kind => kind.Name(), StringComparer.Ordinal)
            .Select(Row)
            .ToArray();
        var page = File.ReadAllLines(Page())
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal) && line.Count(c => c == '|') == 9);

        Assert.Equal(string.Join('\n', expected), string.Join('\n', page));
    }

    [Fact]
    public void The_page_names_every_family()
    {
        var text = File.ReadAllText(Page());

        Assert.All(Recourse.Tables.CodeFamilies.All, family => Assert.Contains($"`{family.Name}`", text));
    }

    private static string Row(FaultKind kind)
    {
        var row = FaultClassifier.Default.ForKind(kind);
        string?[] cells =
        [
            $"`{kind.Name()}`", kind.Category().ToString(), row.Persistence.ToString(), row.Scope.ToString(), row.Applied.ToString(),
            row.Blame.ToString(), row.Throttling ? "yes" : "", kind.Severity().ToString(),
        ];
        return $"| {string.Join(" | ", cells.Select(cell => cell!.StartsWith('`') ? cell : cell.ToLowerInvariant()))} |";
    }

    private static string Page()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var page = Path.Combine(folder.FullName, "docs", "concepts", "faults.md");
            if (File.Exists(page)) return page;
        }

        throw new FileNotFoundException("docs/concepts/faults.md is in no folder above the tests.");
    }
}
