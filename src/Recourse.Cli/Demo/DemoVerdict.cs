using Recourse.Cli.Client;

namespace Recourse.Cli.Demo;

/// <summary>The relay's books, all queues together, in deliveries.</summary>
internal sealed record RelayBooks(long Accepted, long Delivered, long Dead, long Discarded, long Expired, long Waiting)
{
    /// <summary>Adds up the queues; what is delayed or in hand counts as waiting.</summary>
    public static RelayBooks Of(IEnumerable<QueueAnswer> queues) => queues.Aggregate(new RelayBooks(0, 0, 0, 0, 0, 0), (sum, queue) => new(
        sum.Accepted + queue.Accepted, sum.Delivered + queue.Delivered, sum.Dead + queue.Dead, sum.Discarded + queue.Discarded,
        sum.Expired + queue.Expired, sum.Waiting + queue.Waiting + queue.Delayed + queue.Leased));
}

/// <summary>Whether everything that was acknowledged is accounted for: what was seen from outside against what the relay says.</summary>
internal sealed record DemoVerdict(int Lost, IReadOnlyList<string> Objections)
{
    /// <summary>
    /// Nothing was lost, altered, doubled without cause or put out of order, and the relay's books say the same as the services.
    /// </summary>
    public bool Balanced => Objections.Count == 0;

    /// <summary>
    /// Judges. <paramref name="held"/> are the missing deliveries that the relay still holds (dead or waiting);
    /// <paramref name="permits"/> is how many deliveries of one service can be in the relay's hands at once.
    /// </summary>
    public static DemoVerdict Of(Findings seen, RelayBooks books, int held, int permits)
    {
        var objections = new List<string>();
        var lost = seen.Missing.Count - held;
        void Object(bool wrong, string sentence)
        {
            if (wrong) objections.Add(sentence);
        }
        Object(lost != 0, $"{lost} acknowledged deliveries arrived nowhere, and the relay does not hold them");
        Object(seen.Altered > 0, $"{seen.Altered} arrived with another body than was sent");
        Object(seen.RepeatedWithoutCause > 0,
            $"{seen.RepeatedWithoutCause} were delivered again although the answer had arrived and no kill was near");
        Object(seen.MostAfterOneKill > permits,
            $"{seen.MostAfterOneKill} repeats of one service after one kill are more than the {permits} that can have been in hand");
        Object(seen.KeyChanged > 0, $"{seen.KeyChanged} repeats came with another Idempotency-Key");
        Object(seen.OutOfOrder > 0, $"{seen.OutOfOrder} overtook an earlier message of their order key");
        Object(seen.Unacknowledged > 0, $"{seen.Unacknowledged} arrived that no sender holds a receipt for");
        Object(books.Accepted != seen.Owed, $"the relay says that it accepted {books.Accepted}, the senders hold receipts for {seen.Owed}");
        Object(books.Accepted != books.Delivered + books.Dead + books.Discarded + books.Expired + books.Waiting,
            $"the relay's books do not add up: {books}");
        // An arrival whose answer was lost is still waiting (or dead) for the relay, so only this direction is certain.
        Object(books.Delivered > seen.Arrived, $"the relay says that it delivered {books.Delivered}, the services saw {seen.Arrived}");
        return new(lost, objections);
    }
}
