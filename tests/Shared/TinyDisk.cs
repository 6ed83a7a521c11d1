using System.Diagnostics;

namespace Recourse.Tests;

/// <summary>A file system of a few megabytes in memory, mounted for one test. Skips the test where mounting is not allowed.</summary>
internal sealed class TinyDisk : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-disk-");

    public TinyDisk(int megabytes)
    {
        if (Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", Path) is { Length: > 0 } refusal)
        {
            _folder.Delete();
            Assert.Skip($"a small file system cannot be mounted here: {refusal}");
        }
    }

    public string Path => _folder.FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Fills the disk with a file, to the last block.</summary>
    public void Fill(string name)
    {
        using var file = File.Create(this[name]);
        var block = new byte[4096];
        try
        {
            while (true)
            {
                file.Write(block);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // Full, as it should be.
        }
    }

    public void MakeReadOnly() => Assert.Equal("", Run("mount", "-o", "remount,ro", Path));

    public void Dispose()
    {
        Run("umount", Path);
        _folder.Delete();
    }

    private static string Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? "" : error.Trim().Length > 0 ? error.Trim() : $"{program} ended with {process.ExitCode}";
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            return error.Message;
        }
    }
}
