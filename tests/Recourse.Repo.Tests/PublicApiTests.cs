using System.Reflection;

namespace Recourse.Repo.Tests;

/// <summary>Every public member stands in Api/*.approved.txt; a change of it is a change that a reviewer reads.</summary>
public class PublicApiTests
{
    public static TheoryData<string> Assemblies =>
        ["Recourse", "Recourse.Durable", "Recourse.Sqlite", "Recourse.Postgres", "Recourse.Http", "Recourse.Server"];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void The_public_API_is_the_approved_one(string name)
    {
        var path = Path.Combine(Repository.Root, "tests", "Recourse.Repo.Tests", "Api", $"{name}.approved.txt");
        var found = ApiText.Render(Assembly.Load(name));
        if (Environment.GetEnvironmentVariable("RECOURSE_APPROVE") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, found);
        }
        var approved = File.Exists(path) ? File.ReadAllText(path) : "";
        Assert.True(found == approved, $"""
            The public API of {name} differs from {path}. If that is meant, run the tests once with RECOURSE_APPROVE=1 and commit the file.
            Added:   {string.Join("\n         ", found.Split('\n').Except(approved.Split('\n')).Take(20))}
            Removed: {string.Join("\n         ", approved.Split('\n').Except(found.Split('\n')).Take(20))}
            """);
    }
}
