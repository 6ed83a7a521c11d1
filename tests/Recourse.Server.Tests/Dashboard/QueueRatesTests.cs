using Recourse.Durable;
using Recourse.Server.Dashboard;
using Recourse.Tests;

namespace Recourse.Server.Tests.Dashboard;

public class QueueRatesTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void A_rate_is_the_difference_of_two_looks_over_the_time_between()
    {
        var rates = new QueueRates(_clock);
        Assert.Empty(rates.Add([Counts("orders", 100, 40)]));
        _clock.Advance(TimeSpan.FromSeconds(4));
        var rate = rates.Add([Counts("orders", 180, 60), Counts("new", 8, 0)]);
        Assert.Equal(new QueueRate(20, 5, TimeSpan.FromSeconds(4)), rate["orders"]);
        Assert.Equal(new QueueRate(2, 0, TimeSpan.FromSeconds(4)), rate["new"]);
    }

    [Fact]
    public void Looks_of_several_pages_within_a_second_do_not_make_the_figures_jump()
    {
        var rates = new QueueRates(_clock);
        rates.Add([Counts("orders", 0, 0)]);
        _clock.Advance(TimeSpan.FromSeconds(10));
        rates.Add([Counts("orders", 100, 0)]);
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(10, rates.Add([Counts("orders", 101, 0)])["orders"].AcceptedPerSecond, 1.0);
    }

    [Fact]
    public void A_rate_looks_back_half_a_minute_at_most()
    {
        var rates = new QueueRates(_clock);
        for (var second = 0; second <= 60; second += 2)
        {
            rates.Add([Counts("orders", Math.Min(second, 30) * 100, 0)]);
            _clock.Advance(TimeSpan.FromSeconds(2));
        }
        Assert.Equal(0, rates.Add([Counts("orders", 3000, 0)])["orders"].AcceptedPerSecond);
    }

    [Fact]
    public void After_a_long_pause_the_first_look_has_no_rate()
    {
        var rates = new QueueRates(_clock);
        rates.Add([Counts("orders", 0, 0)]);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Empty(rates.Add([Counts("orders", 3600, 0)]));
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(5, rates.Add([Counts("orders", 3610, 0)])["orders"].AcceptedPerSecond);
    }

    private static QueueCounts Counts(string queue, long accepted, long delivered) =>
        new(queue, accepted, accepted - delivered, 0, 0, delivered, 0, 0, 0, null);
}
