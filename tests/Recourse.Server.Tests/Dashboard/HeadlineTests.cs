using Recourse.Durable;
using Recourse.Server.Dashboard;

namespace Recourse.Server.Tests.Dashboard;

public class HeadlineTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 14, 2, 59, 0, TimeSpan.Zero);

    [Fact]
    public void Nothing_sent_yet_is_ready() => Check(HeadlineLevel.Idle, "Ready: nothing has come in yet", [], []);

    [Fact]
    public void Work_that_flows_is_well() =>
        Check(HeadlineLevel.Well, "All well", [Queue("orders", accepted: 3, waiting: 3, waited: 299)], [Service("a", "closed")]);

    [Fact]
    public void Dead_letters_ask_for_attention() =>
        Check(HeadlineLevel.Attention, "Working, with dead letters to look at", [Queue("orders", 3, dead: 1), Queue("bills", 2)],
            [Service("a", "closed")],
            "1 dead letter waits for a decision.");

    [Theory]
    [InlineData("open", 12, "a is not called: its breaker is open, the next probe goes in 12 s. Its deliveries wait.")]
    [InlineData("open", 0, "a is not called: its breaker is open, a probe goes with the next delivery. Its deliveries wait.")]
    [InlineData("isolated", 0, "a is isolated by an operator: nothing is sent to it.")]
    public void A_breaker_that_is_not_closed_degrades(string breaker, int retryAfter, string reason) =>
        Check(HeadlineLevel.Degraded, "Degraded because a is failing", [], [Service("a", breaker, retryAfter), Service("b", "closed")],
            reason);

    [Fact]
    public void A_breaker_that_is_probed_degrades_and_one_that_has_nothing_to_probe_with_does_not()
    {
        var probing = Service("a", "half_open") with { InFlight = 1 };
        Check(HeadlineLevel.Degraded, "Degraded because a is failing", [], [probing], "a is being probed after its breaker was open.");
        Check(HeadlineLevel.Well, "All well", [Queue("orders", 1)], [Service("a", "half_open")],
            "a was in trouble; its breaker is half-open, waiting for a delivery to probe with.");
    }

    [Fact]
    public void What_waits_behind_dead_letters_is_said() =>
        Assert.Contains(
            "orders: 2 deliveries wait behind dead letters in 1 lane.",
            Headline.Of([Queue("orders", 3, waiting: 2, dead: 1) with { Blocked = 2, BlockedLanes = 1 }], [], Now).Reasons);

    [Fact]
    public void A_queue_that_waits_too_long_degrades() =>
        Check(HeadlineLevel.Degraded, "Degraded because orders is behind", [Queue("orders", 3, waiting: 3, waited: 301)],
            [Service("a", "closed")],
            "orders: the oldest delivery has waited 5 min 1 s.");

    [Fact]
    public void Many_are_counted_and_all_reasons_stand()
    {
        var headline = Headline.Of([Queue("orders", 9, dead: 2)], [Service("a", "open"), Service("b", "open"), Service("c", "isolated")],
            Now);
        Assert.Equal("Degraded because 3 services are failing", headline.Title);
        Assert.Equal(4, headline.Reasons.Count);
        Assert.Equal("Degraded because a and b are failing", Headline.Of([], [Service("a", "open"), Service("b", "open")], Now).Title);
    }

    private static void Check(HeadlineLevel level, string title, QueueCounts[] queues, ServiceStatus[] services, string? reason = null)
    {
        var headline = Headline.Of(queues, services, Now);
        Assert.Equal((level, title), (headline.Level, headline.Title));
        if (reason is not null)
            Assert.Equal(reason, Assert.Single(headline.Reasons));
    }

    private static QueueCounts Queue(string name, long accepted, long waiting = 0, long dead = 0, int? waited = null) =>
        new(name, accepted, waiting, 0, 0, accepted - waiting - dead, dead, 0, 0,
            Now - TimeSpan.FromSeconds(waited ?? 0) is var at && waited is not null ? at : null);

    private static ServiceStatus Service(string name, string breaker, int retryAfter = 0) =>
        new(name, breaker, TimeSpan.FromSeconds(retryAfter), 0, 10, 0, null);
}
