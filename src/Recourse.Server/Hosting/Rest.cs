using Recourse.Durable;

namespace Recourse.Server;

/// <summary>
/// Tells when a relay has come to rest, from its books: they were the same at two looks in a row. Says so once, until something happens
/// again.
/// </summary>
internal sealed class Rest
{
    private long _seen = -1;
    private bool _told;

    /// <summary>True at the look at which rest has begun.</summary>
    public bool Begins(IReadOnlyList<QueueCounts> books)
    {
        // Every change moves one of these: what comes in, what is tried, how it ends.
        var hash = new HashCode();
        foreach (var queue in books)
        {
            hash.Add((queue.Queue, queue.Accepted, queue.Leased));
            hash.Add((queue.Delivered, queue.Dead, queue.Discarded, queue.Expired, queue.Delayed));
        }
        var now = (uint)hash.ToHashCode();
        var same = now == _seen;
        _seen = now;
        var begins = same && !_told;
        _told = same;
        return begins;
    }
}
