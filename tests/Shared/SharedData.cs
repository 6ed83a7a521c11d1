namespace Recourse.Tests;

/// <summary>
/// Finds test data that is not part of the repository: in the folder that RECOURSE_SHARED_DATA names, or in <c>shared/data</c> beside a
/// folder above the tests.
/// </summary>
internal static class SharedData
{
    /// <summary>The path of a file such as <c>webhooks/github.ndjson</c>; null where it is missing.</summary>
    public static string? Find(string file)
    {
        var folders = new List<string>();
        if (Environment.GetEnvironmentVariable("RECOURSE_SHARED_DATA") is { Length: > 0 } set) folders.Add(set);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            folders.Add(Path.Combine(folder.FullName, "shared", "data"));
        return folders.Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists);
    }
}
