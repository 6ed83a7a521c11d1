using System.Runtime.CompilerServices;
using System.Text;

namespace Recourse.Durable.Tests;

public class DecisionDocsTests
{
    private const string Begin = "<!-- decisions: begin -->";
    private const string End = "<!-- decisions: end -->";

    [Fact]
    public void The_page_on_delivery_shows_the_decisions_that_the_code_makes()
    {
        var path = PagePath();
        var page = File.ReadAllText(path);
        var (begin, end) = (page.IndexOf(Begin, StringComparison.Ordinal), page.IndexOf(End, StringComparison.Ordinal));
        Assert.True(begin >= 0 && end > begin, $"{path} has lost the marks '{Begin}' and '{End}' around its table.");
        var expected = page[..(begin + Begin.Length)] + "\n" + Table() + page[end..];
        if (Environment.GetEnvironmentVariable("RECOURSE_APPROVE") == "1") File.WriteAllText(path, expected);
        else Assert.True(expected == page, $"The table in {path} differs from the code. Run this test with RECOURSE_APPROVE=1.");
    }

    private static string Table()
    {
        var text = new StringBuilder("| after an attempt that failed like this | it is decided |\n|---|---|\n");
        foreach (var one in DecisionCases.All)
            text.Append($"| {one.Situation} | `{DeliveryDecider.Decide(one.Failure, one.Policy, one.Service)}` |\n");
        return text.ToString();
    }

    private static string PagePath([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "docs", "concepts", "delivery.md"));
}
