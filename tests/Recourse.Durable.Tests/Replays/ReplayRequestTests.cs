namespace Recourse.Durable.Tests;

public class ReplayRequestTests
{
    private static readonly ReplayRequest Good = new() { Filter = new() { Queue = "orders" }, Actor = "ann" };

    public static TheoryData<ReplayRequest, string> Wrong => new()
    {
        { Good with { Filter = new() }, "Filter has no condition" },
        { Good with { Filter = new() { State = DeliveryState.Dead, Limit = 7, OldestFirst = true } }, "Filter has no condition" },
        { Good with { Filter = new(), All = true }, "All is true without a Limit" },
        { Good with { All = true, Limit = 1 }, "All is true beside a filter" },
        { Good with { Limit = 0 }, "Limit is 0" },
        { Good with { Canary = -1 }, "Canary is -1" },
        { Good with { Canary = 1_001 }, "Canary is 1001" },
        { Good with { CanaryShare = 0 }, "CanaryShare is 0" },
        { Good with { CanaryShare = 1.1 }, "CanaryShare is 1.1" },
        { Good with { Rate = 0 }, "Rate is 0" },
        { Good with { Rate = double.NaN }, "Rate is NaN" },
        { Good with { BatchSize = 501 }, "BatchSize is 501" },
        { Good with { Key = (ReplayKey)9 }, "Key is 9" },
        { Good with { Actor = "" }, "Actor has 0" },
        { Good with { Reason = new('x', 1_001) }, "Reason has 1001" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_broken_bound_is_named(ReplayRequest request, string expected) =>
        Assert.Contains("ReplayRequest." + expected, Assert.Throws<ArgumentException>(request.Checked).Message, StringComparison.Ordinal);

    [Fact]
    public void A_request_reads_back_as_it_was_written()
    {
        var request = (Good with
        {
            Filter = new() { Kind = FaultKind.ConnectionReset, Text = "é\"", Service = "s", OrderKey = "k" },
            Rate = 12.5,
            Key = ReplayKey.Keep,
            Canary = 4,
            Reason = "because",
        }).Checked();
        Assert.Equal(request, ReplayText.Read(ReplayText.Write(request)));
        Assert.Contains("connection_reset", ReplayText.Write(request), StringComparison.Ordinal);
    }

    [Fact]
    public void A_condition_of_a_later_release_is_refused_not_passed_over()
    {
        var text = ReplayText.Write(Good).Replace("\"queue\"", "\"colour\"", StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => ReplayText.Read(text));
    }
}
