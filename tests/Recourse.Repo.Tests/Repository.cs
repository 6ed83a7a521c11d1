using System.Diagnostics;

namespace Recourse.Repo.Tests;

/// <summary>The files of this repository as git knows them.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<string> Files { get; } = GitFiles();

    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));

    public static string[] Lines(string file) => File.ReadAllLines(Path.Combine(Root, file));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Recourse.slnx")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"No Recourse.slnx above {AppContext.BaseDirectory}: run the tests from a checkout.");
    }

    private static string[] GitFiles()
    {
        var start = new ProcessStartInfo("git", ["ls-files", "--cached", "--others", "--exclude-standard"])
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
        };
        using var git = Process.Start(start) ?? throw new InvalidOperationException("git does not start");
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(file =>
            File.Exists(Path.Combine(Root, file))).Order(StringComparer.Ordinal)];
    }
}
