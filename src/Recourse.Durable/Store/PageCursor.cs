using System.Buffers;
using System.Buffers.Binary;

namespace Recourse.Durable;

/// <summary>How a list of deliveries runs.</summary>
internal enum PageOrder
{
    /// <summary>By key, newest first.</summary>
    Newest = 0,
    /// <summary>By the time of death, newest first.</summary>
    Death = 1,
    /// <summary>By key, oldest first.</summary>
    Oldest = 2,
}

/// <summary>The place after which a list goes on.</summary>
internal readonly record struct PageCursor(PageOrder Order, long DeadAt, long Key)
{
    public const int LimitMax = 500;

    /// <summary>How far the followers of a dead letter are counted: a list of them must not read a million rows.</summary>
    public const int HoldsMax = 10_000;

    private const int Size = 17;

    /// <summary>Dead letters are listed by death, so that what failed last is seen first; everything else by its key.</summary>
    public static PageOrder OrderOf(DeliveryFilter filter) =>
        filter.OldestFirst ? PageOrder.Oldest : filter.IsOfLetters() ? PageOrder.Death : PageOrder.Newest;

    public bool ByDeath => Order is PageOrder.Death;

    /// <summary>The place before the first row.</summary>
    public static PageCursor Start(PageOrder order) =>
        new(order, long.MaxValue, order is PageOrder.Oldest ? long.MinValue : long.MaxValue);

    /// <summary>The place behind every row of a list that begins with the oldest.</summary>
    public static string EndOfOldest { get; } = new PageCursor(PageOrder.Oldest, 0, long.MaxValue).ToString();

    /// <summary>The place behind a row.</summary>
    public PageCursor Behind(long deadAt, long key) => new(Order, ByDeath ? deadAt : 0, key);

    /// <summary>Checks a filter's limit and reads its cursor.</summary>
    /// <exception cref="ArgumentException">The limit is out of range, or the cursor is none of this list.</exception>
    public static PageCursor Of(DeliveryFilter filter) =>
        Of(filter.Limit, filter.After, OrderOf(filter), nameof(DeliveryFilter));

    /// <summary>Checks a limit and reads a cursor of a list.</summary>
    /// <exception cref="ArgumentException">The limit is out of range, or the cursor is none of this list.</exception>
    public static PageCursor Of(int limit, string? after, PageOrder order, string of)
    {
        if (limit is < 1 or > LimitMax)
            throw new ArgumentException($"{of}.Limit is {limit}; it must be 1 to {LimitMax}.");
        if (after is null)
            return Start(order);
        if (!TryRead(after, out var cursor) || cursor.Order != order)
            throw new ArgumentException(
                $"{of}.After is '{after}', which is no cursor of this list; "
                + "use the 'next' of an earlier page with the same filter.");
        return cursor;
    }

    /// <summary>True for groups that come after this place, whatever number they are ordered by.</summary>
    public bool AdmitsGroup(long value, long fingerprint) => value < DeadAt || (value == DeadAt && fingerprint < Key);

    /// <summary>True for rows that come after this place.</summary>
    public bool Admits(long deadAt, long key) => Order switch
    {
        PageOrder.Death => deadAt < DeadAt || (deadAt == DeadAt && key < Key),
        PageOrder.Oldest => key > Key,
        _ => key < Key,
    };

    /// <summary>Which of two rows a page shows first.</summary>
    public int Compare((long DeadAt, long Key) left, (long DeadAt, long Key) right) => Order switch
    {
        PageOrder.Death => right.CompareTo(left),
        PageOrder.Oldest => left.Key.CompareTo(right.Key),
        _ => right.Key.CompareTo(left.Key),
    };

    /// <summary>The cursor as text that can stand in a URL as it is.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        bytes[0] = (byte)Order;
        BinaryPrimitives.WriteInt64BigEndian(bytes[1..], DeadAt);
        BinaryPrimitives.WriteInt64BigEndian(bytes[9..], Key);
        return Convert.ToHexStringLower(bytes);
    }

    private static bool TryRead(string text, out PageCursor cursor)
    {
        Span<byte> bytes = stackalloc byte[Size];
        cursor = default;
        if (text.Length != 2 * Size || Convert.FromHexString(text, bytes, out _, out _) is not OperationStatus.Done || bytes[0] > 2)
            return false;
        cursor = new((PageOrder)bytes[0], BinaryPrimitives.ReadInt64BigEndian(bytes[1..]), BinaryPrimitives.ReadInt64BigEndian(bytes[9..]));
        return true;
    }
}
