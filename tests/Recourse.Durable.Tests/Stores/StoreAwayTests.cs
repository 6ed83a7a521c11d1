using Recourse.Tests;

namespace Recourse.Durable.Tests;

public sealed class StoreAwayTests
{
    [Fact]
    public void It_tells_at_once_then_ever_more_seldom_up_to_a_bound_and_says_for_how_long()
    {
        var clock = new ManualClock();
        var away = new StoreAway(clock);
        Assert.Null(away.Back());
        var told = new List<int>();
        for (var second = 0; second < 7_200; second++)
        {
            if (away.Tell())
                told.Add(second);
            clock.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal([0, 10, 30, 70, 150, 310, 630, 1230, 1830], told.Take(9));
        Assert.Equal(600, told[^1] - told[^2]);
        Assert.Equal(TimeSpan.FromHours(2), away.Back());
        Assert.Null(away.Back());
        Assert.True(away.Tell());
    }
}
