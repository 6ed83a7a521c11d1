using Recourse.Tests;

namespace Recourse.Durable.Tests;

public sealed class NodeJudgeTests
{
    private readonly ManualClock _clock = new();

    private List<NodeBeat> Look(NodeJudge judge, int seconds, params NodeBeat[] nodes)
    {
        _clock.Advance(TimeSpan.FromSeconds(seconds));
        return judge.Dead(nodes, self: 1);
    }

    [Fact]
    public void A_node_whose_pulses_stand_still_for_six_seconds_is_dead()
    {
        var judge = new NodeJudge(_clock);
        for (var second = 0; second < 6; second++)
            Assert.Empty(Look(judge, 1, new(1, second), new(2, 40)));
        Assert.Equal([new(2, 40)], Look(judge, 1, new(1, 7), new(2, 40)));
    }

    [Fact]
    public void A_pulse_begins_the_time_anew()
    {
        var judge = new NodeJudge(_clock);
        for (var second = 0; second < 30; second++)
            Assert.Empty(Look(judge, 1, new(1, second), new(2, second / 5)));
    }

    [Fact]
    public void Who_did_not_look_himself_judges_nobody()
    {
        var judge = new NodeJudge(_clock);
        Assert.Empty(Look(judge, 1, new(1, 1), new(2, 40)));
        // This node was frozen, or the store was down.
        Assert.Empty(Look(judge, 60, new(1, 2), new(2, 40)));
        for (var second = 0; second < 5; second++)
            Assert.Empty(Look(judge, 1, new(1, 3), new(2, 40)));
        Assert.Single(Look(judge, 1, new(1, 3), new(2, 40)));
    }

    [Fact]
    public void It_never_judges_itself() => Assert.All(
        Enumerable.Range(0, 20), _ => Assert.Empty(Look(new NodeJudge(_clock), 1, new NodeBeat(1, 1))));
}
