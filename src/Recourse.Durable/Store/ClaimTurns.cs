namespace Recourse.Durable;

/// <summary>A delivery that is due, as a claim weighs it.</summary>
/// <param name="DueAt">Since when.</param>
/// <param name="Key">The delivery.</param>
/// <param name="Lane">The lane whose head it is; null for none.</param>
/// <param name="Rank">See <see cref="Ranks"/>.</param>
/// <param name="Queue">Whose turn it takes.</param>
internal readonly record struct DueDelivery(long DueAt, long Key, long? Lane, int Rank, string Queue);

/// <summary>
/// Chooses among what is due, the same in every store: the share of replay jobs, then rank, then the queues in turn (so that a flood in one
/// does not starve another), then time. It remembers for each service whose turn was last; forgetting that costs a turn, no more.
/// </summary>
internal sealed class ClaimTurns
{
    private readonly Dictionary<(string Service, bool Bulk), string> _last = [];

    /// <summary>Cuts the list down to what is taken, in the order of taking.</summary>
    public void Choose(string service, List<DueDelivery> due, int max, int bulkMax)
    {
        if (due.Count == 0)
            return;
        if (Alike(due))
        {
            Cut(due, max);
            _last[(service, Ranks.IsBulk(due[0].Rank))] = due[0].Queue;
            return;
        }
        var bulk = due.FindAll(static delivery => Ranks.IsBulk(delivery.Rank));
        due.RemoveAll(static delivery => Ranks.IsBulk(delivery.Rank));
        var forBulk = Math.Min(bulk.Count, Math.Max(Math.Min(bulkMax, max), max - due.Count));
        Turns((service, false), due, max - forBulk);
        Turns((service, true), bulk, forBulk);
        due.AddRange(bulk);
    }

    /// <summary>For suspects, which run one at a time: by time alone.</summary>
    public static void Oldest(List<DueDelivery> due, int max) => Cut(due, max);

    public void Forget() => _last.Clear();

    // The ordinary case: one queue, one rank. Whose turn it was does not matter then.
    private static bool Alike(List<DueDelivery> due)
    {
        for (var i = 1; i < due.Count; i++)
        {
            if (due[i].Rank != due[0].Rank || !ReferenceEquals(due[i].Queue, due[0].Queue) && due[i].Queue != due[0].Queue)
                return false;
        }
        return true;
    }

    private static void Cut(List<DueDelivery> due, int max)
    {
        due.Sort(static (left, right) => (left.DueAt, left.Key).CompareTo((right.DueAt, right.Key)));
        if (due.Count > max)
            due.RemoveRange(max, due.Count - max);
    }

    private void Turns((string, bool) whose, List<DueDelivery> due, int max)
    {
        if (due.Count == 0)
            return;
        if (max <= 0)
        {
            due.Clear();
            return;
        }
        due.Sort(static (left, right) => (left.DueAt, left.Key).CompareTo((right.DueAt, right.Key)));
        var last = _last.GetValueOrDefault(whose);
        var taken = new List<DueDelivery>(Math.Min(max, due.Count));
        foreach (var rank in due.GroupBy(delivery => delivery.Rank).OrderByDescending(rank => rank.Key))
        {
            // The queues by name, beginning with the one behind the last that had its turn.
            var queues = rank.GroupBy(delivery => delivery.Queue).OrderBy(queue => queue.Key, StringComparer.Ordinal)
                .Select(queue => new Queue<DueDelivery>(queue)).ToList();
            var at = last is null ? 0 : queues.FindIndex(queue => string.CompareOrdinal(queue.Peek().Queue, last) > 0);
            at = Math.Max(at, 0);
            while (queues.Count > 0 && taken.Count < max)
            {
                at = at < queues.Count ? at : 0;
                taken.Add(queues[at].Dequeue());
                last = taken[^1].Queue;
                if (queues[at].Count == 0)
                    queues.RemoveAt(at);
                else
                    at++;
            }
        }
        _last[whose] = last!;
        due.Clear();
        due.AddRange(taken);
    }
}
