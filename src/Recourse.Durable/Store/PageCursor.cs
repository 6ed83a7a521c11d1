using System.Buffers;
using System.Buffers.Binary;

namespace Recourse.Durable;

/// <summary>The place after which a list goes on: dead letters by the time of death, others by their key, newest first.</summary>
internal readonly record struct PageCursor(bool ByDeath, long DeadAt, long Key)
{
    public const int LimitMax = 500;

    /// <summary>How far the followers of a dead letter are counted: a list of them must not read a million rows.</summary>
    public const int HoldsMax = 10_000;

    private const int Size = 17;

    /// <summary>Dead letters are listed by death, so that what failed last is seen first; everything else by its key.</summary>
    public static bool IsByDeath(DeliveryFilter filter) => filter.IsOfLetters();

    /// <summary>The place before the first row.</summary>
    public static PageCursor Start(bool byDeath) => new(byDeath, long.MaxValue, long.MaxValue);

    /// <summary>Checks a filter's limit and reads its cursor.</summary>
    /// <exception cref="ArgumentException">The limit is out of range, or the cursor is none of this list.</exception>
    public static PageCursor Of(DeliveryFilter filter) =>
        Of(filter.Limit, filter.After, IsByDeath(filter), nameof(DeliveryFilter));

    /// <summary>Checks a limit and reads a cursor of a list.</summary>
    /// <exception cref="ArgumentException">The limit is out of range, or the cursor is none of this list.</exception>
    public static PageCursor Of(int limit, string? after, bool byDeath, string of)
    {
        if (limit is < 1 or > LimitMax)
            throw new ArgumentException($"{of}.Limit is {limit}; it must be 1 to {LimitMax}.");
        if (after is null)
            return Start(byDeath);
        if (!TryRead(after, out var cursor) || cursor.ByDeath != byDeath)
            throw new ArgumentException(
                $"{of}.After is '{after}', which is no cursor of this list; "
                + "use the 'next' of an earlier page with the same filter.");
        return cursor;
    }

    /// <summary>True for groups that come after this place, whatever number they are ordered by.</summary>
    public bool AdmitsGroup(long value, long fingerprint) => value < DeadAt || (value == DeadAt && fingerprint < Key);

    /// <summary>True for rows that come after this place.</summary>
    public bool Admits(long deadAt, long key) => ByDeath ? deadAt < DeadAt || (deadAt == DeadAt && key < Key) : key < Key;

    /// <summary>The cursor as text that can stand in a URL as it is.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        bytes[0] = ByDeath ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64BigEndian(bytes[1..], DeadAt);
        BinaryPrimitives.WriteInt64BigEndian(bytes[9..], Key);
        return Convert.ToHexStringLower(bytes);
    }

    private static bool TryRead(string text, out PageCursor cursor)
    {
        Span<byte> bytes = stackalloc byte[Size];
        cursor = default;
        if (text.Length != 2 * Size || Convert.FromHexString(text, bytes, out _, out _) is not OperationStatus.Done || bytes[0] > 1)
            return false;
        cursor = new(bytes[0] == 1, BinaryPrimitives.ReadInt64BigEndian(bytes[1..]), BinaryPrimitives.ReadInt64BigEndian(bytes[9..]));
        return true;
    }
}
