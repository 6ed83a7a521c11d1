using System.Xml.Linq;

namespace Recourse.Repo.Tests;

public class ProjectGraphTests
{
    // The drawing of ARCHITECTURE.md: who may reference whom. Anything else is a change of the architecture.
    private static readonly Dictionary<string, string[]> Drawing = new()
    {
        ["Recourse"] = [],
        ["Recourse.Durable"] = ["Recourse"],
        ["Recourse.Http"] = ["Recourse"],
        ["Recourse.Sqlite"] = ["Recourse.Durable"],
        ["Recourse.Postgres"] = ["Recourse.Durable"],
        ["Recourse.Server"] = ["Recourse.Durable", "Recourse.Http"],
        ["Recourse.Cli"] = ["Recourse.Postgres", "Recourse.Server", "Recourse.Sqlite"],
    };

    private static readonly string[] WithoutAspNet = ["Recourse", "Recourse.Durable", "Recourse.Http", "Recourse.Sqlite",
        "Recourse.Postgres"];

    [Fact]
    public void Projects_reference_each_other_exactly_as_drawn()
    {
        var found = Projects().ToDictionary(project => project.Name, project => References(project.Xml, "ProjectReference"));
        Assert.Equal(Drawing.Keys.Order(StringComparer.Ordinal), found.Keys.Order(StringComparer.Ordinal));
        foreach (var (project, references) in found)
            Assert.Equal(Drawing[project], references);
    }

    [Fact]
    public void Libraries_take_no_ASP_NET_framework_reference()
    {
        foreach (var (name, xml) in Projects().Where(project => WithoutAspNet.Contains(project.Name)))
            Assert.True(xml.Descendants("FrameworkReference").FirstOrDefault() is null, $"{name} references a shared framework.");
    }

    [Fact]
    public void Package_versions_stand_only_in_the_central_file()
    {
        var withVersion = Repository.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal))
            .Where(file => XDocument.Parse(Repository.Read(file)).Descendants("PackageReference").Any(package =>
            package.Attribute("Version") is not null));
        Assert.Empty(withVersion);
    }

    private static IEnumerable<(string Name, XDocument Xml)> Projects() =>
        Repository.Files.Where(file => file.StartsWith("src/", StringComparison.Ordinal)
            && file.EndsWith(".csproj", StringComparison.Ordinal))
            .Select(file => (Path.GetFileNameWithoutExtension(file), XDocument.Parse(Repository.Read(file))));

    private static string[] References(XDocument xml, string element) =>
        [.. xml.Descendants(element).Select(reference =>
            Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value)).Order(StringComparer.Ordinal)];
}
