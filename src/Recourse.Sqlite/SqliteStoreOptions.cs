using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Where the store is, and its bounds.</summary>
public sealed record SqliteStoreOptions
{
    /// <summary>
    /// The file; made when it is missing, in a folder that exists. Not in memory and not on a network drive: neither survives what it must.
    /// </summary>
    public required string Path { get; init; }

    /// <summary>
    /// What an acknowledged command survives. Default <see cref="StoreDurability.Full"/>; <see cref="StoreDurability.Os"/> is several times
    /// faster where few commands are under way at once, and loses what was committed since the log was last copied (16 MiB of it, by
    /// default) when the system or the power fails.
    /// </summary>
    public StoreDurability Durability { get; init; } = StoreDurability.Full;

    /// <summary>Connections that read beside the writer. Default 4; 1 to 64.</summary>
    public int Readers { get; init; } = 4;

    /// <summary>
    /// Commands that may wait for a commit; as many callers again may wait for room, further ones are refused as busy. Default 8,192; at
    /// least 1.
    /// </summary>
    public int PendingMax { get; init; } = 8192;

    /// <summary>How much write-ahead log gathers before it is copied into the file. Default 16 MiB; at least 64 KiB.</summary>
    public long CheckpointBytes { get; init; } = 16 << 20;

    /// <summary>
    /// The most write-ahead log that a long read may hold up: at this size reads under way are ended and the log is emptied. Default 256
    /// MiB; at least twice <see cref="CheckpointBytes"/>.
    /// </summary>
    public long WalBytesMax { get; init; } = 256 << 20;

    /// <summary>How long one read may take before it is ended as too long. Default 30 s; more than zero.</summary>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether a file of an older schema is copied to <c>{file}.v{schema}-{time}.bak</c> before it is changed. Default true; false is for
    /// those who have a backup and no room for another.
    /// </summary>
    public bool BackupBeforeMigration { get; init; } = true;

    /// <summary>The steps of the schema; those of this program, except in tests of the steps themselves.</summary>
    internal IReadOnlyList<Migration> Migrations { get; init; } = Migration.Of(typeof(SqliteStoreOptions).Assembly);

    internal SqliteStoreOptions Checked()
    {
        That(!string.IsNullOrWhiteSpace(Path), $"{nameof(Path)} is empty; it must be the path of a file");
        That(Enum.IsDefined(Durability), $"{nameof(Durability)} is {(int)Durability}; it must be {nameof(StoreDurability.Full)} or "
            + nameof(StoreDurability.Os));
        That(Readers is >= 1 and <= 64, $"{nameof(Readers)} is {Readers}; it must be 1 to 64");
        That(PendingMax >= 1, $"{nameof(PendingMax)} is {PendingMax}; it must be at least 1");
        That(CheckpointBytes >= 64 << 10, $"{nameof(CheckpointBytes)} is {CheckpointBytes}; it must be at least 65536");
        That(WalBytesMax >= 2 * CheckpointBytes,
            $"{nameof(WalBytesMax)} is {WalBytesMax}; it must be at least twice {nameof(CheckpointBytes)}");
        That(ReadTimeout > TimeSpan.Zero, $"{nameof(ReadTimeout)} is {ReadTimeout}; it must be more than zero");
        return this;
    }

    private static void That(bool good, string message)
    {
        if (!good)
            throw new ArgumentException($"SqliteStoreOptions.{message}.");
    }
}
