using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Recourse.Repo.Tests;

/// <summary>What the documents say is there and compiles.</summary>
public partial class DocsTests
{
    private static readonly string[] Pages = [.. Repository.Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal))];

    [Fact]
    public void Links_between_pages_lead_somewhere()
    {
        var broken = from page in Pages
                     from Match link in Link().Matches(Repository.Read(page))
                     let target = link.Groups["target"].Value
                     where !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith('#')
                         && !target.StartsWith("mailto:", StringComparison.Ordinal)
                     let path = Path.Combine(Repository.Root, Path.GetDirectoryName(page)!, target.Split('#')[0])
                     where !File.Exists(path) && !Directory.Exists(path)
                     select $"{page}: {target}";
        Assert.Empty(broken);
    }

    [Fact]
    public void Every_page_has_one_title()
    {
        var wrong = Pages.Where(page => WithoutCode(Repository.Read(page)).Split('\n').Count(line =>
            line.StartsWith("# ", StringComparison.Ordinal)) != 1);
        Assert.Empty(wrong);
    }

    [Fact]
    public void CSharp_in_the_pages_compiles()
    {
        var errors = from page in Pages
                     from Match block in CSharpBlock().Matches(Repository.Read(page))
                     from error in Compile(block.Groups["code"].Value)
                     select $"{page}: {error}";
        Assert.Empty(errors);
    }

    private static IEnumerable<string> Compile(string code)
    {
        const string usings = """
            global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
            global using System.Net.Http;
            global using System.Threading; global using System.Threading.Tasks; global using Recourse; global using Recourse.Durable;
            global using Microsoft.Extensions.DependencyInjection;
            """;
        var parse = new CSharpParseOptions(LanguageVersion.Latest);
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create("Page", [CSharpSyntaxTree.ParseText(usings, parse), CSharpSyntaxTree.ParseText(code,
            parse)], references,
            new CSharpCompilationOptions(
                CSharpSyntaxTree.ParseText(code, parse).GetCompilationUnitRoot().Members.Any(SyntaxKind.GlobalStatement)
                    ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary,
                nullableContextOptions: NullableContextOptions.Enable));
        return compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)
            .Select(diagnostic => $"{diagnostic.GetMessage()} in «{Line(code, diagnostic)}»");
    }

    private static string? Line(string code, Diagnostic diagnostic) =>
        code.Split('\n').ElementAtOrDefault(diagnostic.Location.GetLineSpan().StartLinePosition.Line)?.Trim();

    private static string WithoutCode(string page) => Fence().Replace(page, "");

    [GeneratedRegex(@"(?<!!)\[[^\]\n]+\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^```csharp\r?\n(?<code>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CSharpBlock();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fence();
}
