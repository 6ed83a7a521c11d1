namespace Recourse;

/// <summary>An object that can stand in a pool's list.</summary>
internal interface IPooled<T>
    where T : class
{
    T? Next { get; set; }
}

/// <summary>
/// Objects to use again: one in each thread's hand, and up to 1,024 in a list that all threads share. What is more is left to the
/// collector.
/// </summary>
internal static class Pool<T>
    where T : class, IPooled<T>
{
    internal const int Capacity = 1024;

    private static readonly Lock ListLock = new();
    private static T? list;
    private static int count;

    [ThreadStatic]
    private static T? mine;

    /// <summary>An object, or null when there is none to use again.</summary>
    internal static T? Take()
    {
        var item = mine;
        if (item is null) return TakeShared();
        mine = null;
        return item;
    }

    /// <summary>Gives an object back; false when the pool is full and the object is not wanted.</summary>
    internal static bool Give(T item)
    {
        if (mine is not null) return GiveShared(item);
        mine = item;
        return true;
    }

    private static T? TakeShared()
    {
        if (Volatile.Read(ref count) == 0) return null;
        lock (ListLock)
        {
            if (list is not { } item) return null;
            list = item.Next;
            item.Next = null;
            count--;
            return item;
        }
    }

    private static bool GiveShared(T item)
    {
        lock (ListLock)
        {
            if (count >= Capacity) return false;
            item.Next = list;
            list = item;
            count++;
            return true;
        }
    }
}
