namespace Recourse.Sqlite;

/// <summary>
/// Some room on the disk that is kept for a bad day, in a file beside the store. On a full disk it is given up for what must go on: ending
/// attempts, discarding, purging. New messages are refused until it is there again, so that they cannot eat it.
/// </summary>
internal sealed class Reserve(string storePath, long bytes)
{
    private readonly string _path = storePath + "-reserve";

    /// <summary>False from when it was given up until it could be made again.</summary>
    public bool Whole { get; private set; } = true;

    /// <summary>Makes it, where there is room for it; true when it is there.</summary>
    public bool TryMake()
    {
        try
        {
            if (!File.Exists(_path) && new DriveInfo(Path.GetDirectoryName(_path)!).AvailableFreeSpace < bytes)
                return Whole = false;
            using var file = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 1);
            var block = new byte[64 << 10];
            for (var at = file.Length; at < bytes; at += block.Length)
            {
                file.Position = at;
                file.Write(block, 0, (int)Math.Min(block.Length, bytes - at));
            }
            return Whole = true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What was written of it counts as room again.
            GiveUp();
            return false;
        }
    }

    /// <summary>Gives the room back to the disk.</summary>
    public void GiveUp()
    {
        Whole = false;
        try
        {
            File.Delete(_path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Then there is no more room than before; the next try shows whether that is enough.
        }
    }
}
