using Recourse.Durable;

namespace Recourse.Server.Dashboard;

internal enum HeadlineLevel
{
    Idle,
    Well,
    Attention,
    Degraded,
}

// The first line of the overview: is anything wrong, and what. Pure, so a table of cases tests it. Title is worded without counts that move
// all the time, because it is read out when it changes.
internal sealed record Headline(HeadlineLevel Level, string Title, IReadOnlyList<string> Reasons)
{
    // Longer than any ordinary backoff (30 s) needs; shorter than anyone wants to wait before hearing of it.
    public static readonly TimeSpan BehindAfter = TimeSpan.FromMinutes(5);

    public static Headline Of(IReadOnlyList<QueueCounts> queues, IReadOnlyList<ServiceStatus> services, DateTimeOffset now)
    {
        var reasons = new List<string>();
        var cutOff = services.Where(BreakerState.HoldsBack).ToList();
        foreach (var service in cutOff)
            reasons.Add(Reason(service));
        var behind = queues.Where(queue => now - queue.OldestWaitingAt > BehindAfter).ToList();
        foreach (var queue in behind)
            reasons.Add($"{queue.Queue}: the oldest delivery has waited {Wording.Span(now - queue.OldestWaitingAt!.Value)}.");
        var dead = queues.Sum(queue => queue.Dead);
        if (dead > 0)
            reasons.Add($"{Wording.Counted(dead, "dead letter waits", "dead letters wait")} for a decision.");
        foreach (var queue in queues.Where(queue => queue.Blocked > 0))
            reasons.Add($"{queue.Queue}: {Wording.Blocked(queue.Blocked, queue.BlockedLanes)}.");
        foreach (var service in services.Where(BreakerState.WaitsForDelivery))
            reasons.Add($"{service.Name} was in trouble; its breaker is half-open, {BreakerState.Note(service)}.");

        if (cutOff.Count > 0)
            return Degraded(cutOff.Select(service => service.Name), "services", "failing", reasons);
        if (behind.Count > 0)
            return Degraded(behind.Select(queue => queue.Queue), "queues", "behind", reasons);
        if (dead > 0)
            return new(HeadlineLevel.Attention, "Working, with dead letters to look at", reasons);
        if (queues.Sum(queue => queue.Accepted) == 0)
            return new(HeadlineLevel.Idle, "Ready: nothing has come in yet", reasons);
        if (reasons.Count == 0)
            reasons.Add("Every breaker is closed and there are no dead letters.");
        return new(HeadlineLevel.Well, "All well", reasons);
    }

    private static string Reason(ServiceStatus service) => service.Breaker switch
    {
        "isolated" => $"{service.Name} is isolated by an operator: nothing is sent to it.",
        "half_open" => $"{service.Name} is being probed after its breaker was open.",
        _ when service.RetryAfter > TimeSpan.Zero =>
            $"{service.Name} is not called: its breaker is open, the next probe goes in {Wording.Span(service.RetryAfter)}. "
            + "Its deliveries wait.",
        _ => $"{service.Name} is not called: its breaker is open, a probe goes with the next delivery. Its deliveries wait.",
    };

    private static Headline Degraded(IEnumerable<string> names, string noun, string how, List<string> reasons)
    {
        var who = names.ToList() switch
        {
            [var one] => $"{one} is",
            [var one, var two] => $"{one} and {two} are",
            var all => $"{all.Count} {noun} are",
        };
        return new(HeadlineLevel.Degraded, $"Degraded because {who} {how}", reasons);
    }
}
