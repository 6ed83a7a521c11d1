using Recourse.Durable;

namespace Recourse.Server.Dashboard;

internal readonly record struct QueueRate(double AcceptedPerSecond, double DeliveredPerSecond, TimeSpan Over);

// The books of a queue are totals; a rate is the difference of two looks at them. Looks are kept for half a minute, at most one a second,
// so that several open pages share them and the figures do not jump. After a pause longer than that the first look shows no rate.
internal sealed class QueueRates(TimeProvider time)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Apart = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Queue<Look> _looks = new();
    private Look? _newest;

    public IReadOnlyDictionary<string, QueueRate> Add(IReadOnlyList<QueueCounts> queues)
    {
        var look = new Look(time.GetTimestamp(), queues.ToDictionary(queue => queue.Queue, queue => (queue.Accepted, queue.Delivered)));
        lock (_gate)
        {
            while (_looks.TryPeek(out var oldest) && time.GetElapsedTime(oldest.At, look.At) > Window)
                _looks.Dequeue();
            var first = _looks.TryPeek(out var kept) ? kept : null;
            if (_newest is null || first is null || time.GetElapsedTime(_newest.At, look.At) >= Apart)
                _looks.Enqueue(_newest = look);
            return first is null ? new Dictionary<string, QueueRate>() : Between(first, look);
        }
    }

    private Dictionary<string, QueueRate> Between(Look first, Look last)
    {
        var rates = new Dictionary<string, QueueRate>();
        var over = time.GetElapsedTime(first.At, last.At);
        if (over < Apart)
            return rates;
        foreach (var (queue, (accepted, delivered)) in last.Totals)
        {
            // A queue that was not there yet began at zero.
            var before = first.Totals.GetValueOrDefault(queue);
            rates[queue] = new(
                Math.Max(0, accepted - before.Accepted) / over.TotalSeconds, Math.Max(0, delivered - before.Delivered) / over.TotalSeconds,
                over);
        }
        return rates;
    }

    private sealed record Look(long At, IReadOnlyDictionary<string, (long Accepted, long Delivered)> Totals);
}
