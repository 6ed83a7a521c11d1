using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Recourse.Repo.Tests;

/// <summary>The page of traps names tests that exist, and leaves no trap out.</summary>
public partial class TrapsTests
{
    private const string Page = "docs/reference/traps-durable.md";
    private const int Traps = 54;

    [Fact]
    public void Every_trap_has_a_row_and_each_row_a_test_or_the_reason_why_not()
    {
        var rows = Repository.Lines(Page).Select(line => Row().Match(line)).Where(match => match.Success).ToList();
        Assert.Equal(Enumerable.Range(1, Traps).Select(number => $"{number}"), rows.Select(row => row.Groups["number"].Value));
        Assert.All(rows, row => Assert.True(
            TestName().IsMatch(row.Groups["shown"].Value) || row.Groups["shown"].Value.StartsWith("later", StringComparison.Ordinal)
                || row.Groups["shown"].Value.StartsWith("not applicable: ", StringComparison.Ordinal),
            row.Value));
    }

    [Fact]
    public void Every_test_that_the_page_names_is_there()
    {
        var there = Repository.Files
            .Where(file => file.StartsWith("tests/", StringComparison.Ordinal) && file.EndsWith(".cs", StringComparison.Ordinal))
            .SelectMany(file => TestsIn(Repository.Read(file))).ToHashSet();
        var named = TestName().Matches(Repository.Read(Page)).Select(match => match.Groups["name"].Value).ToList();
        Assert.NotEmpty(named);
        Assert.Empty(named.Except(there));
    }

    /// <summary>Class.Method of each test in a file.</summary>
    private static IEnumerable<string> TestsIn(string text) =>
        from method in CSharpSyntaxTree.ParseText(text).GetRoot().DescendantNodes().OfType<MethodDeclarationSyntax>()
        where method.AttributeLists.SelectMany(list => list.Attributes).Any(attribute => attribute.Name.ToString() is "Fact" or "Theory")
        select $"{(method.Parent as TypeDeclarationSyntax)?.Identifier.Text}.{method.Identifier.Text}";

    [GeneratedRegex(@"^\| (?<number>\d+) \| (?<trap>[^|]+) \| (?<shown>[^|]+) \|$")]
    private static partial Regex Row();

    [GeneratedRegex(@"`(?<name>[A-Z]\w+\.[A-Z]\w+)`")]
    private static partial Regex TestName();
}
