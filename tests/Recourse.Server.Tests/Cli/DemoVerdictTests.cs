using Recourse.Cli.Client;
using Recourse.Cli.Demo;

namespace Recourse.Server.Tests.Cli;

public class DemoVerdictTests
{
    private static readonly Findings Clean = new()
    {
        Owed = 10,
        Arrived = 8,
        Missing = [("m1", "a"), ("m2", "a")],
        Altered = 0,
        RepeatedAfterLostAnswer = 3,
        RepeatedAfterKill = 2,
        MostAfterOneKill = 2,
        RepeatedWithoutCause = 0,
        KeyChanged = 0,
        OutOfOrder = 0,
        Unacknowledged = 0,
    };
    private static readonly RelayBooks Books = new(Accepted: 10, Delivered: 8, Dead: 1, Discarded: 0, Expired: 0, Waiting: 1);

    [Fact]
    public void Books_balance_when_what_did_not_arrive_is_held_and_repeats_have_causes()
    {
        var verdict = Judge(Clean, Books, held: 2);
        Assert.True(verdict.Balanced, string.Join("; ", verdict.Objections));
        Assert.Equal(0, verdict.Lost);
    }

    [Fact]
    public void A_missing_delivery_that_nobody_holds_is_lost()
    {
        var verdict = Judge(Clean, Books, held: 1);
        Assert.Equal(1, verdict.Lost);
        Assert.Contains("1 acknowledged deliveries arrived nowhere", Assert.Single(verdict.Objections));
    }

    [Fact]
    public void More_repeats_than_can_have_been_in_hand_are_objected_to() =>
        Assert.Contains("more than the 4", Assert.Single(Judge(Clean with { MostAfterOneKill = 5 }, Books, held: 2).Objections));

    public static TheoryData<string> Faults =>
        [nameof(Findings.Altered), nameof(Findings.RepeatedWithoutCause), nameof(Findings.KeyChanged),
        nameof(Findings.OutOfOrder), nameof(Findings.Unacknowledged)];

    [Theory]
    [MemberData(nameof(Faults))]
    public void One_fault_of_any_sort_is_enough(string fault)
    {
        var seen = fault switch
        {
            nameof(Findings.Altered) => Clean with { Altered = 1 },
            nameof(Findings.RepeatedWithoutCause) => Clean with { RepeatedWithoutCause = 1 },
            nameof(Findings.KeyChanged) => Clean with { KeyChanged = 1 },
            nameof(Findings.OutOfOrder) => Clean with { OutOfOrder = 1 },
            _ => Clean with { Unacknowledged = 1 },
        };
        Assert.False(Judge(seen, Books, held: 2).Balanced);
    }

    [Fact]
    public void The_relay_must_have_accepted_what_the_senders_hold_receipts_for() =>
        Assert.Contains("accepted 9", Judge(Clean, Books with { Accepted = 9, Waiting = 0 }, held: 2).Objections[0]);

    [Fact]
    public void The_relay_cannot_have_delivered_more_than_arrived() =>
        Assert.Contains("delivered 9", Assert.Single(Judge(Clean, Books with { Delivered = 9, Waiting = 0 }, held: 2).Objections));

    [Fact]
    public void The_books_of_all_queues_count_delayed_and_leased_as_waiting() => Assert.Equal(new(20, 2, 4, 0, 0, 14), RelayBooks.Of(
    [
        new QueueAnswer { Accepted = 10, Waiting = 2, Delayed = 3, Leased = 2, Delivered = 1, Dead = 2 },
        new QueueAnswer { Accepted = 10, Waiting = 2, Delayed = 3, Leased = 2, Delivered = 1, Dead = 2 },
    ]));

    private static DemoVerdict Judge(Findings seen, RelayBooks books, int held) => DemoVerdict.Of(seen, books, held, permits: 4);
}
