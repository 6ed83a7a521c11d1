using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Recourse.Server;

/// <summary>
/// Waits until something is on the disk, or says that it is not. <c>FileStream.Flush(true)</c> says nothing when the disk refuses; what
/// is removed in one place may go only when it is known to be kept in the other.
/// </summary>
internal static partial class DiskSync
{
    private const int ReadOnly = 0;

    /// <exception cref="IOException">The disk refused.</exception>
    public static void File(SafeFileHandle handle, string path)
    {
        if (OperatingSystem.IsWindows())
#pragma warning disable RS0030 // The flaw that the ban is about is in the call of Unix; Windows has no fsync to call instead.
            RandomAccess.FlushToDisk(handle);
#pragma warning restore RS0030
        else if (FSync(handle) != 0)
            throw Refused(path);
    }

    /// <summary>Names of files in it: new, moved, gone. Windows keeps them with the files.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public static void Folder(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        using var handle = Open(path, ReadOnly);
        if (handle.IsInvalid || FSync(handle) != 0)
            throw Refused(path);
    }

    private static IOException Refused(string path) =>
        new($"'{path}' could not be synced to the disk (errno {Marshal.GetLastPInvokeError()}).");

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle handle);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);
}
