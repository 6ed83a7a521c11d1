namespace Recourse.Durable;

/// <summary>
/// Whether anything of a service may be due that nobody has looked for: only while nothing is may what is stored be claimed with its
/// storing. Pure but for the clock; safe for many threads.
/// </summary>
internal sealed class ClearView(TimeProvider time)
{
    // In UTC ticks; the past means that a look is owed.
    private long _until;
    private int _owed;

    /// <summary>The last look left nothing, and what comes next is not due yet.</summary>
    public bool IsClear => time.GetUtcNow().UtcTicks < Volatile.Read(ref _until);

    /// <summary>Something may be due that got no permit.</summary>
    public void OweLook()
    {
        Interlocked.Increment(ref _owed);
        Volatile.Write(ref _until, 0);
    }

    /// <summary>A look begins; its number is for <see cref="TryEnd"/>.</summary>
    public int Begin() => Volatile.Read(ref _owed);

    /// <summary>A look ended. False when another became owed meanwhile: it may have missed what came.</summary>
    /// <param name="begun">What <see cref="Begin"/> gave.</param>
    /// <param name="left">True when there may be more that is due.</param>
    /// <param name="next">When the next is due; null when none is known.</param>
    public bool TryEnd(int begun, bool left, DateTimeOffset? next)
    {
        var whole = begun == Volatile.Read(ref _owed);
        Volatile.Write(ref _until, left || !whole ? 0 : next?.UtcTicks ?? long.MaxValue);
        return whole;
    }
}
