namespace Recourse.Tests.Clocks;

public class ManualClockTests
{
    private readonly ManualClock _clock = new();
    private readonly List<string> _fired = [];

    private ITimer Arm(string name, int due, int period = -1) => _clock.CreateTimer(
        _ => _fired.Add($"{name}@{_clock.Elapsed.TotalSeconds}"), null, TimeSpan.FromSeconds(due),
        period < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(period));

    [Fact]
    public void Timers_fire_in_the_order_of_their_due_times_and_at_them()
    {
        Arm("late", 3);
        Arm("early", 1);
        Arm("as late", 3);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(["early@1", "late@3", "as late@3"], _fired);
        Assert.Equal((10, 0), (_clock.Elapsed.TotalSeconds, _clock.ArmedTimers));
    }

    [Fact]
    public void A_period_fires_again_and_again_and_a_change_or_a_disposal_ends_it()
    {
        var timer = Arm("tick", 1, 2);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.True(timer.Change(TimeSpan.FromSeconds(4), Timeout.InfiniteTimeSpan));
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(["tick@1", "tick@3", "tick@5", "tick@9"], _fired);
        timer.Dispose();
        Assert.False(timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
    }

    [Fact]
    public void A_timer_that_a_callback_arms_fires_on_the_way()
    {
        _clock.CreateTimer(_ => Arm("second", 1), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        Assert.True(_clock.AdvanceToNextTimer());
        Assert.Equal(TimeSpan.FromSeconds(1), _clock.NextDue);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["second@2"], _fired);
        Assert.False(_clock.AdvanceToNextTimer());
    }

    [Fact]
    public void A_disposed_timer_fires_only_where_the_test_asks_for_it()
    {
        var late = new ManualClock { FiresAfterDisposal = true };
        var fired = 0;
        foreach (var clock in new[] { _clock, late })
            clock.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan).Dispose();
        _clock.Advance(TimeSpan.FromSeconds(2));
        late.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(0, fired);
        Assert.Equal((0, 1, 0), (_clock.FireDisposed(), late.FireDisposed(), late.FireDisposed()));
        Assert.Equal(1, fired);
    }

    [Fact]
    public void The_wall_clock_moves_with_it_and_can_be_set_without_it()
    {
        var start = _clock.GetUtcNow();
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(start.AddSeconds(1), _clock.GetUtcNow());
        _clock.SetWallClock(start.AddHours(-1));
        Assert.Equal((start.AddHours(-1), TimeSpan.FromSeconds(1)), (_clock.GetUtcNow(), _clock.GetElapsedTime(0)));
    }

    [Fact]
    public async Task Tells_when_code_has_begun_to_wait()
    {
        var armed = _clock.WhenArmed(2);
        Arm("one", 1);
        Assert.False(armed.IsCompleted);
        Arm("two", 2);
        await armed;
        await _clock.WhenArmed();
    }
}
