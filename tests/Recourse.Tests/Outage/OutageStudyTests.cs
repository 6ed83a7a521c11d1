using Recourse.Benchmarks.Outage;

namespace Recourse.Tests.Outage;

/// <summary>Short runs of the study in bench/results/outage.md: what it rests on, and what it taught.</summary>
public sealed class OutageStudyTests
{
    private static readonly OutageScenario Short = new("short", "", Trouble.Down)
    {
        Clients = 3,
        RatePerClient = 50,
        Workers = 20,
        WorkersLeft = 8,
        Before = TimeSpan.FromSeconds(5),
        Lasts = TimeSpan.FromSeconds(20),
        After = TimeSpan.FromSeconds(30),
    };

    public static TheoryData<string> Troubles => [.. Enum.GetNames<Trouble>()];

    [Theory]
    [MemberData(nameof(Troubles))]
    public void The_same_seed_gives_the_same_figures_and_another_one_others(string trouble)
    {
        var scenario = Short with { Trouble = Enum.Parse<Trouble>(trouble) };
        foreach (var contender in new[] { OutageContender.PollyStandard, OutageContender.Standard })
        {
            Assert.Equal(OutageRun.Of(scenario, contender, 7), OutageRun.Of(scenario, contender, 7));
            Assert.NotEqual(OutageRun.Of(scenario, contender, 7), OutageRun.Of(scenario, contender, 8));
        }
    }

    [Theory]
    [MemberData(nameof(Troubles))]
    public void Retries_never_exceed_what_the_budget_allows(string trouble)
    {
        var scenario = Short with { Trouble = Enum.Parse<Trouble>(trouble) };
        var budget = new RetryBudgetOptions();
        var seconds = scenario.Stop.TotalSeconds + 90 + budget.TimeToLive.TotalSeconds;
        foreach (var seed in new[] { 1, 2, 3 })
        {
            var figures = OutageRun.Of(scenario, OutageContender.Standard, seed);
            var most = figures.Calls + (figures.Calls * budget.Ratio) + (scenario.Clients * budget.MinimumPerSecond * seconds);
            Assert.True(figures.Attempts <= most, $"Seed {seed}: {figures.Attempts} attempts, {most} are allowed.");
        }
    }

    [Fact]
    public void Calls_that_waited_for_the_circuit_do_not_keep_it_open_when_the_service_is_back()
    {
        foreach (var contender in new[] { OutageContender.Standard, OutageContender.HttpClient })
        {
            var figures = OutageRun.Of(Short with { Lasts = TimeSpan.FromSeconds(60), After = TimeSpan.FromSeconds(60) }, contender, 1);
            Assert.True(figures.Recovered <= 20, $"{contender.Name}: well again after {figures.Recovered?.ToString() ?? "never"} s.");
        }
    }

    [Fact]
    public void In_a_brown_out_ours_brings_more_good_answers_than_a_breaker_that_opens_at_a_tenth()
    {
        var scenario = Short with { Trouble = Trouble.BrownOut };

        var ours = OutageRun.Of(scenario, OutageContender.Standard, 1);
        var theirs = OutageRun.Of(scenario, OutageContender.PollyStandard, 1);

        Assert.True(ours.SuccessDuring > theirs.SuccessDuring, $"{ours.SuccessDuring} and {theirs.SuccessDuring}");
    }
}
