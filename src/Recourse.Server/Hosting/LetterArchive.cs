using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Recourse.Durable;
using Recourse.Server.Api;

namespace Recourse.Server;

/// <summary>
/// A folder that gets dead letters before their retention removes them: <c>2026-11-22.ndjson</c> for the day, which is packed to
/// <c>.ndjson.gz</c> when the day (UTC) is over. A letter that was written and not removed, because the process ended between the two, is
/// written again: the id tells. A line that a kill cut off costs itself. Nothing here removes what was archived.
/// </summary>
internal sealed class LetterArchive(string folder)
{
    private const string Open = ".ndjson";
    private const string Packed = ".ndjson.gz";
    private const int SameDayMax = 1_000;

    /// <summary>Writes letters to the file of the day; when it returns they are on the disk.</summary>
    /// <returns>Those that may go now: what cannot be read whole is not archived.</returns>
    /// <exception cref="IOException">The file cannot be written or synced; then nothing may be removed.</exception>
    public async Task<List<DeliverySummary>> WriteAsync(
        StoreQueries queries, IReadOnlyList<DeliverySummary> letters, DateTimeOffset now, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, Day(now) + Open);
        var (isNew, kept) = (!File.Exists(path), new List<DeliverySummary>(letters.Count));
        await using (var file = OwnerFile.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read))
        {
            await EndLineAsync(file, cancellationToken);
            foreach (var letter in letters)
            {
                var line = await LetterLine.ReadAsync(queries, letter, cancellationToken);
                if (line.Warning is not null || line.BodyBase64 is null)
                    continue;
                kept.Add(letter);
                await file.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(line, ApiJson.Plain.LetterLine), cancellationToken);
                file.WriteByte((byte)'\n');
            }
            await file.FlushAsync(cancellationToken);
            DiskSync.File(file.SafeFileHandle, path);
        }
        if (isNew)
            DiskSync.Folder(folder);
        return kept;
    }

    /// <summary>Goes to the end; behind half a line that a kill left, a line of its own begins.</summary>
    private static async Task EndLineAsync(FileStream file, CancellationToken cancellationToken)
    {
        if (file.Length == 0)
            return;
        file.Seek(-1, SeekOrigin.End);
        var last = new byte[1];
        await file.ReadExactlyAsync(last, cancellationToken);
        if (last[0] != '\n')
            file.WriteByte((byte)'\n');
    }

    /// <summary>
    /// Packs the files of days that are over. The packed file is whole and on the disk under its name before the other goes, so a kill at
    /// any moment leaves one or both; where both are there, the next pass sees that they say the same. True when something was packed.
    /// </summary>
    public async Task<bool> PackAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(folder))
            return false;
        var packed = false;
        foreach (var path in Directory.GetFiles(folder, "*" + Open))
        {
            var name = Path.GetFileName(path)[..^Open.Length];
            if (!IsDay(name) || string.CompareOrdinal(name, Day(now)) >= 0)
                continue;
            if (await FreeNameAsync(path, name, cancellationToken) is { } target)
                await PackAsync(path, target, cancellationToken);
            File.Delete(path);
            DiskSync.Folder(folder);
            packed = true;
        }
        return packed;
    }

    private async Task PackAsync(string path, string target, CancellationToken cancellationToken)
    {
        var part = target + ".part";
        await using (var from = File.OpenRead(path))
        await using (var to = OwnerFile.Open(part, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            await using (var gzip = new GZipStream(to, CompressionLevel.Optimal, leaveOpen: true))
                await from.CopyToAsync(gzip, cancellationToken);
            await to.FlushAsync(cancellationToken);
            DiskSync.File(to.SafeFileHandle, part);
        }
        File.Move(part, target, overwrite: false);
        DiskSync.Folder(folder);
    }

    /// <summary>
    /// Where to pack to: the name of the day, or, when a clock that went back added to a day that was packed, the next free one. Null when
    /// a packed file says the same already.
    /// </summary>
    private async Task<string?> FreeNameAsync(string path, string name, CancellationToken cancellationToken)
    {
        for (var number = 1; number < SameDayMax; number++)
        {
            var target = Path.Combine(folder, number == 1 ? name + Packed
                : string.Create(CultureInfo.InvariantCulture, $"{name}-{number}{Packed}"));
            if (!File.Exists(target))
                return target;
            if (await SameAsync(path, target, cancellationToken))
                return null;
        }
        throw new IOException($"The archive '{folder}' has {SameDayMax} packed files of {name}; move some away.");
    }

    private static async Task<bool> SameAsync(string plain, string packed, CancellationToken cancellationToken)
    {
        await using var left = File.OpenRead(plain);
        await using var right = new GZipStream(File.OpenRead(packed), CompressionMode.Decompress);
        var (one, other) = (new byte[81_920], new byte[81_920]);
        while (true)
        {
            var read = await left.ReadAtLeastAsync(one, one.Length, throwOnEndOfStream: false, cancellationToken);
            var same = await right.ReadAtLeastAsync(other, other.Length, throwOnEndOfStream: false, cancellationToken);
            if (read != same || !one.AsSpan(0, read).SequenceEqual(other.AsSpan(0, same)))
                return false;
            if (read == 0)
                return true;
        }
    }

    private static string Day(DateTimeOffset now) => now.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    // Files that somebody else put there are left alone.
    private static bool IsDay(string name) =>
        DateOnly.TryParseExact(name, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
}
