namespace Recourse.Server.Tests.Configuration;

/// <summary>A folder that is gone after the test.</summary>
public sealed class Folder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("recourse-test-").FullName;

    public string Path(string name) => System.IO.Path.Combine(_root, name);

    public string Write(string name, string text)
    {
        var file = Path(name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
        return file;
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}

/// <summary>Finds files of the repository from where the tests run.</summary>
public static class Repository
{
    public static string Find(string path)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Recourse.slnx")))
                return Path.Combine(folder.FullName, path);
        }
        throw new FileNotFoundException(path);
    }
}
