using System.Globalization;

namespace Recourse.Durable;

/// <summary>The place after which a list goes on that runs by one number.</summary>
internal static class KeyCursor
{
    /// <summary>Checks a page's limit and reads its cursor; null for the beginning.</summary>
    /// <exception cref="ArgumentException">The limit is out of range, or the cursor is none of this list.</exception>
    public static long? Of(string? after, int limit)
    {
        if (limit is < 1 or > PageCursor.LimitMax)
            throw new ArgumentException($"The limit is {limit}; it must be 1 to {PageCursor.LimitMax}.");
        if (after is null)
            return null;
        return long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out var key) ? key
            : throw new ArgumentException($"'{after}' is no cursor of this list; use the 'next' of an earlier page.");
    }

    public static string Text(long key) => key.ToString(CultureInfo.InvariantCulture);
}
