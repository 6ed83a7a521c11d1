namespace Recourse.Server;

/// <summary>Files that hold payloads: one that is made may be read by its owner alone, one that is there keeps its mode.</summary>
internal static class OwnerFile
{
    /// <inheritdoc cref="FileStream(string, FileMode, FileAccess, FileShare)"/>
    public static FileStream Open(string path, FileMode mode, FileAccess access, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = access, Share = share };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new(path, options);
    }
}
