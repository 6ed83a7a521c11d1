namespace Recourse.Cli.Demo;

/// <summary>What senders and services saw, added up. A delivery is a message for one of its services.</summary>
internal sealed record Findings
{
    /// <summary>Deliveries that the relay owes: every acknowledged message times its services.</summary>
    public required int Owed { get; init; }

    /// <summary>Owed deliveries that arrived at least once.</summary>
    public required int Arrived { get; init; }

    /// <summary>Owed deliveries that never arrived: dead, waiting, or lost.</summary>
    public required IReadOnlyList<(string MessageId, string Service)> Missing { get; init; }

    /// <summary>Arrivals whose body is not the one that was sent.</summary>
    public required int Altered { get; init; }

    /// <summary>Repeats after an answer that the service had lost or that came when the relay no longer waited for it.</summary>
    public required int RepeatedAfterLostAnswer { get; init; }

    /// <summary>Repeats of what was in the relay's hands when it was killed.</summary>
    public required int RepeatedAfterKill { get; init; }

    /// <summary>The most repeats that one service saw after one kill: at most its permits, if the relay holds no more in hand.</summary>
    public required int MostAfterOneKill { get; init; }

    /// <summary>Repeats that nothing explains: must be 0.</summary>
    public required int RepeatedWithoutCause { get; init; }

    /// <summary>The arrivals before those repeats, for a look at what the relay says of them.</summary>
    public IReadOnlyList<Effect> Unexplained { get; init; } = [];

    /// <summary>Repeats with another Idempotency-Key than the arrival before: must be 0.</summary>
    public required int KeyChanged { get; init; }

    /// <summary>Deliveries of one order key that first arrived before an earlier one of the same key: must be 0.</summary>
    public required int OutOfOrder { get; init; }

    /// <summary>Arrivals of messages that no sender holds a receipt for.</summary>
    public required int Unacknowledged { get; init; }

    public int Repeated => RepeatedAfterLostAnswer + RepeatedAfterKill + RepeatedWithoutCause;

    /// <summary>
    /// Adds up a ledger. A repeat belongs to a kill when the arrival before it ended at most <paramref name="commitWindow"/> before that
    /// kill (or
    /// later): the answer may have been under way to the relay's disk.
    /// </summary>
    public static Findings From(LedgerPage page, TimeProvider clock, TimeSpan commitWindow)
    {
        var sent = page.Sent.ToDictionary(message => message.Id);
        var arrivals = page.Effects.GroupBy(effect => (effect.MessageId, effect.Service))
            .ToDictionary(group => group.Key, group => group.OrderBy(effect => effect.Arrival.Sequence).ToArray());
        var owed = page.Sent.SelectMany(message => message.Services.Select(service => (message.Id, service))).ToArray();
        int lostAnswer = 0, keyChanged = 0;
        var unexplained = new List<Effect>();
        var perKill = new Dictionary<(long Kill, string Service), int>();
        foreach (var times in arrivals.Values)
        {
            for (var i = 1; i < times.Length; i++)
            {
                if (times[i].IdempotencyKey != times[i - 1].IdempotencyKey) keyChanged++;
                if (times[i - 1].Answer == AnswerFate.Withheld) lostAnswer++;
                else if (page.Kills.Cast<long?>()
                    .FirstOrDefault(kill => Spans(times[i - 1], times[i], kill!.Value, clock, commitWindow)) is { } killed)
                    perKill[(killed, times[i].Service)] = perKill.GetValueOrDefault((killed, times[i].Service)) + 1;
                else if (times[i - 1].Answer != AnswerFate.Sent) lostAnswer++;
                else unexplained.Add(times[i - 1]);
            }
        }
        return new()
        {
            Owed = owed.Length,
            Arrived = owed.Count(arrivals.ContainsKey),
            Missing = [.. owed.Where(pair => !arrivals.ContainsKey(pair))],
            Altered = page.Effects.Count(
                effect => sent.TryGetValue(effect.MessageId, out var message) && message.BodyHash != effect.BodyHash),
            RepeatedAfterLostAnswer = lostAnswer,
            RepeatedAfterKill = perKill.Values.Sum(),
            MostAfterOneKill = perKill.Values.DefaultIfEmpty().Max(),
            RepeatedWithoutCause = unexplained.Count,
            Unexplained = unexplained,
            KeyChanged = keyChanged,
            OutOfOrder = CountOutOfOrder(page.Sent, arrivals),
            Unacknowledged = arrivals.Keys.Count(pair => !sent.ContainsKey(pair.MessageId)),
        };
    }

    private static bool Spans(Effect before, Effect after, long kill, TimeProvider clock, TimeSpan commitWindow) =>
        before.Arrival.At <= kill && kill <= after.Arrival.At
        && (before.EndedAt >= kill || clock.GetElapsedTime(before.EndedAt, kill) <= commitWindow);

    private static int CountOutOfOrder(IReadOnlyList<SentMessage> sent, Dictionary<(string, string), Effect[]> arrivals)
    {
        var last = new Dictionary<(string Queue, string Service, string Key), long>();
        var count = 0;
        foreach (var message in sent.Where(message => message.OrderKey is not null))
        {
            foreach (var service in message.Services)
            {
                if (!arrivals.TryGetValue((message.Id, service), out var times)) continue;
                var lane = (message.Queue, service, message.OrderKey!);
                var first = times[0].Arrival.Sequence;
                if (first < last.GetValueOrDefault(lane)) count++;
                last[lane] = Math.Max(first, last.GetValueOrDefault(lane));
            }
        }
        return count;
    }
}
