using Recourse.Cli.Client;

namespace Recourse.Server.Tests.Cli;

public class PatienceTests
{
    [Theory]
    [InlineData(0, 100)]
    [InlineData(3, 800)]
    [InlineData(5, 2_000)]
    [InlineData(int.MaxValue, 2_000)]
    public void Waits_double_up_to_two_seconds(int attempt, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Patience.WaitFor(null, attempt));

    [Theory]
    [InlineData(3, 3)]
    [InlineData(0, 0)]
    [InlineData(3600, 10)]
    public void The_relay_may_ask_for_at_most_ten_seconds(int asked, int waited) =>
        Assert.Equal(TimeSpan.FromSeconds(waited), Patience.WaitFor(TimeSpan.FromSeconds(asked), 4));

    [Fact]
    public void A_date_in_the_past_is_no_wish() =>
        Assert.Equal(TimeSpan.FromMilliseconds(100), Patience.WaitFor(TimeSpan.FromSeconds(-5), 0));
}
