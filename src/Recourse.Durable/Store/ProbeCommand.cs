namespace Recourse.Durable;

/// <summary>
/// Writes and commits so many bytes that mean nothing, to find out whether a store that refused takes work again. What it leaves behind is
/// replaced by the next probe and removed by the next <see cref="PruneCommand"/>; no query shows it.
/// </summary>
/// <param name="size">How many bytes, 1 to 1,048,576: as many as were refused, because a full disk often has room for a little.</param>
public sealed class ProbeCommand(int size) : StoreCommand<bool>
{
    /// <summary>How many bytes are written.</summary>
    public int Size { get; } = size is >= 1 and <= SizeMax
        ? size : throw new ArgumentOutOfRangeException(nameof(size), $"ProbeCommand.Size is {size}; it must be 1 to {SizeMax:N0}.");

    /// <summary>The most bytes of a probe: one MiB.</summary>
    public const int SizeMax = 1024 * 1024;
}
