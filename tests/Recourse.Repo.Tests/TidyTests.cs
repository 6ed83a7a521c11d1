using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Recourse.Repo.Tests;

/// <summary>The budgets of STYLE.md.</summary>
public class TidyTests
{
    private const int FileLinesMax = 400;
    private const int MethodLinesMax = 60;
    private const int LineLengthMax = 140;
    private const int MedianFileLinesMax = 90;
    private const int RootFilesMax = 12;

    private static readonly string[] Sources = [.. Repository.Files.Where(file => file.EndsWith(".cs", StringComparison.Ordinal))];

    [Fact]
    public void No_source_file_is_longer_than_400_lines()
    {
        var tooLong = Sources.Select(file => (file, lines: Repository.Lines(file).Length)).Where(entry => entry.lines > FileLinesMax);
        Assert.Empty(tooLong);
    }

    [Fact]
    public void No_line_is_longer_than_140_characters()
    {
        var tooLong = Sources.SelectMany(file => Repository.Lines(file).Select((line, index) =>
            (place: $"{file}:{index + 1}", line.Length)))
            .Where(line => line.Length > LineLengthMax);
        Assert.Empty(tooLong);
    }

    [Fact]
    public void The_median_source_file_is_short()
    {
        var lines = Sources.Where(file => file.StartsWith("src/", StringComparison.Ordinal)).Select(file =>
            Repository.Lines(file).Length).Order().ToArray();
        Assert.InRange(lines[lines.Length / 2], 1, MedianFileLinesMax);
    }

    [Fact]
    public void No_method_is_longer_than_60_lines()
    {
        var tooLong = Sources.SelectMany(file => Parse(file).DescendantNodes().Where(node =>
            node is BaseMethodDeclarationSyntax or LocalFunctionStatementSyntax)
            .Select(node => (place: $"{file}:{Line(node)}", lines: Lines(node))).Where(entry => entry.lines > MethodLinesMax));
        Assert.Empty(tooLong);
    }

    [Fact]
    public void Each_line_of_a_log_has_a_number_of_its_own_in_its_file()
    {
        var twice = Sources.SelectMany(file => Parse(file).DescendantNodes().OfType<AttributeSyntax>()
            .Where(attribute => attribute.Name.ToString() == "LoggerMessage")
            .GroupBy(attribute => attribute.ArgumentList!.Arguments[0].ToString()).Where(alike => alike.Count() > 1)
            .Select(alike => (file, number: alike.Key)));
        Assert.Empty(twice);
    }

    [Fact]
    public void The_root_of_the_core_holds_only_the_spine()
    {
        var root = Sources.Where(file => Path.GetDirectoryName(file) == Path.Combine("src", "Recourse"));
        Assert.InRange(root.Count(), 1, RootFilesMax);
    }

    [Fact]
    public void Public_interfaces_are_few()
    {
        var interfaces = Sources.Where(file => file.StartsWith("src/", StringComparison.Ordinal))
            .SelectMany(file => Parse(file).DescendantNodes().OfType<InterfaceDeclarationSyntax>())
            .Where(type => type.Modifiers.Any(SyntaxKind.PublicKeyword)).Select(type => type.Identifier.Text);
        Assert.InRange(interfaces.Count(), 0, 12);
    }

    [Fact]
    public void Doc_comments_say_more_than_gets_or_sets()
    {
        var empty = Sources.Where(file => file.StartsWith("src/", StringComparison.Ordinal))
            .SelectMany(file => Repository.Lines(file).Select((line, index) => (place: $"{file}:{index + 1}", line)))
            .Where(entry => entry.line.Contains("Gets or sets", StringComparison.Ordinal)
            || entry.line.Contains("<summary></summary>", StringComparison.Ordinal));
        Assert.Empty(empty);
    }

    [Fact]
    public void Nothing_is_left_unfinished()
    {
        var unfinished = Sources.Where(file => file.StartsWith("src/", StringComparison.Ordinal))
            .SelectMany(file => Repository.Lines(file).Select((line, index) => (place: $"{file}:{index + 1}", line)))
            .Where(entry => entry.line.Contains("NotImplementedException", StringComparison.Ordinal)
                || entry.line.Contains("// TODO", StringComparison.Ordinal) || entry.line.Contains("// FIXME", StringComparison.Ordinal));
        Assert.Empty(unfinished);
    }

    private static SyntaxNode Parse(string file) => CSharpSyntaxTree.ParseText(Repository.Read(file)).GetRoot();

    private static int Line(SyntaxNode node) => node.GetLocation().GetLineSpan().StartLinePosition.Line + 1;

    private static int Lines(SyntaxNode node)
    {
        var span = node.GetLocation().GetLineSpan();
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
    }
}
