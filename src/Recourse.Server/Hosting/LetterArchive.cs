using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Recourse.Durable;
using Recourse.Server.Api;

namespace Recourse.Server;

/// <summary>
/// Writes dead letters to a file before their retention removes them. When it returns they are on the disk; a letter that is written and
/// not removed, because the process ended between the two, is written again: the id tells.
/// </summary>
internal static partial class LetterArchive
{
    /// <exception cref="IOException">The file cannot be written or synced; then nothing may be removed.</exception>
    public static async Task WriteAsync(
        string path, StoreQueries queries, IReadOnlyList<DeliverySummary> letters, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);
        foreach (var letter in letters)
        {
            var line = await LetterLine.ReadAsync(queries, letter, cancellationToken);
            await file.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(line, ApiJson.Plain.LetterLine), cancellationToken);
            file.WriteByte((byte)'\n');
        }
        await file.FlushAsync(cancellationToken);
        Sync(file.SafeFileHandle, path);
    }

    // FileStream.Flush(true) says nothing when the disk refuses; a letter may go only when it is known to be kept.
    private static void Sync(SafeFileHandle handle, string path)
    {
        if (OperatingSystem.IsWindows())
#pragma warning disable RS0030 // The flaw that the ban is about is in the call of Unix; Windows has no fsync to call instead.
            RandomAccess.FlushToDisk(handle);
#pragma warning restore RS0030
        else if (FSync(handle) != 0)
            throw new IOException($"The archive '{path}' could not be synced to the disk (errno {Marshal.GetLastPInvokeError()}).");
    }

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle handle);
}
