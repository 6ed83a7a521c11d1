namespace Recourse.Tests.Retries;

public class RetryBudgetTests
{
    private readonly ManualClock _clock = new();

    private RetryBudget Budget(double ratio = 0.2, int minimum = 0, int seconds = 10) =>
        new(new() { Ratio = ratio, MinimumPerSecond = minimum, TimeToLive = TimeSpan.FromSeconds(seconds) }, _clock);

    private static int Drain(RetryBudget budget)
    {
        var taken = 0;
        while (budget.TryWithdraw())
            taken++;
        return taken;
    }

    [Fact]
    public void Allows_one_retry_for_five_calls()
    {
        var budget = Budget();
        for (var call = 0; call < 4; call++)
            budget.Deposit();
        Assert.False(budget.TryWithdraw());
        budget.Deposit();
        Assert.True(budget.TryWithdraw());
        Assert.False(budget.TryWithdraw());
        Assert.Equal(new RetryBudgetStatistics(0, 1, 2), budget.Statistics);
    }

    [Fact]
    public void T21_A_spent_budget_refills_by_time_without_any_success()
    {
        var budget = Budget(minimum: 10);
        Assert.Equal(100, Drain(budget));
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(budget.TryWithdraw());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(100, budget.Available);
        Assert.Equal(100, Drain(budget));
    }

    [Fact]
    public void T21_In_a_long_outage_retries_go_on_at_the_ratio_and_the_minimum()
    {
        var budget = Budget(minimum: 1);
        var retries = 0;
        // A hundred calls a second for ten minutes, every one of which would like to be retried.
        for (var call = 0; call < 60_000; call++)
        {
            budget.Deposit();
            retries += budget.TryWithdraw() ? 1 : 0;
            _clock.Advance(TimeSpan.FromMilliseconds(10));
        }
        Assert.InRange(retries, 12_000, 12_000 + 600 + 10);
    }

    [Fact]
    public void Earnings_are_forgotten_after_their_time()
    {
        var budget = Budget();
        for (var call = 0; call < 50; call++)
            budget.Deposit();
        Assert.Equal(10, budget.Available);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(0, budget.Available);
        Assert.False(budget.TryWithdraw());
    }

    [Theory]
    [InlineData(0.6, 10, 6)]
    [InlineData(0.1, 9, 0)]
    [InlineData(0.1, 10, 1)]
    [InlineData(0.001, 999, 0)]
    [InlineData(0.001, 1_000, 1)]
    [InlineData(0.333, 1_000, 333)]
    [InlineData(1.0, 7, 7)]
    [InlineData(2.5, 2, 5)]
    [InlineData(0.0, 10_000, 0)]
    public void T22_The_ratio_is_exact(double ratio, int calls, int retries)
    {
        var budget = Budget(ratio);
        for (var call = 0; call < calls; call++)
            budget.Deposit();
        Assert.Equal(retries, Drain(budget));
    }

    [Fact]
    public void T22_Threads_together_take_no_more_than_there_is()
    {
        for (var round = 0; round < 50; round++)
        {
            var budget = Budget(ratio: 0.5, minimum: 10);
            var taken = 0;
            RaceThreads.Run(4, thread =>
            {
                for (var call = 0; call < 500; call++)
                {
                    budget.Deposit();
                    if (budget.TryWithdraw())
                        Interlocked.Increment(ref taken);
                }
            });
            taken += Drain(budget);
            Assert.Equal(100 + 4 * 500 / 2, taken);
        }
    }

    [Fact]
    public void T22_A_client_with_little_traffic_has_a_reserve()
    {
        var budget = new RetryBudget(null, _clock);
        budget.Deposit();
        Assert.True(budget.TryWithdraw());
        Assert.Equal(99.2, budget.Available);
    }

    [Fact]
    public void T23_A_refused_retry_costs_nothing_and_a_retry_not_made_is_given_back()
    {
        var budget = Budget(ratio: 1);
        budget.Deposit();
        Assert.False(budget.TryWithdraw(2));
        Assert.Equal(1, budget.Available);
        Assert.True(budget.TryWithdraw());
        budget.Refund();
        Assert.True(budget.TryWithdraw());
        Assert.Equal(1, budget.Statistics.Withdrawn);
    }

    [Fact]
    public void A_retry_after_throttling_costs_more()
    {
        var budget = Budget(ratio: 1);
        for (var call = 0; call < 5; call++)
            budget.Deposit();
        Assert.True(budget.TryWithdraw(budget.Options.ThrottledRetryCost));
        Assert.True(budget.TryWithdraw(budget.Options.ThrottledRetryCost));
        Assert.False(budget.TryWithdraw(budget.Options.ThrottledRetryCost));
        Assert.True(budget.TryWithdraw());
    }

    [Fact]
    public void New_options_keep_what_was_earned_and_spent()
    {
        var budget = Budget(ratio: 1, minimum: 1);
        for (var call = 0; call < 5; call++)
            budget.Deposit();
        Assert.True(budget.TryWithdraw(3));
        budget.Reload(budget.Options with { MinimumPerSecond = 2, Ratio = 0.5 });
        Assert.Equal(20 + 5 - 3, budget.Available);
        budget.Deposit();
        Assert.Equal(22.5, budget.Available);
    }

    [Fact]
    public void Deposits_and_withdrawals_allocate_nothing()
    {
        var budget = new RetryBudget(new() { Ratio = 1 });
        Assert.Equal(0, Allocations.Of(() =>
        {
            budget.Deposit();
            budget.TryWithdraw();
            budget.TryWithdraw(1_000);
        }));
    }

    public static TheoryData<RetryBudgetOptions, string> Wrong => new()
    {
        { new() { Ratio = -0.1 }, "RetryBudgetOptions.Ratio is -0.1; it must be from 0 to 10 in steps of 0.001." },
        { new() { Ratio = 0.0005 }, "RetryBudgetOptions.Ratio is 0.0005; it must be from 0 to 10 in steps of 0.001." },
        { new() { Ratio = double.NaN }, "RetryBudgetOptions.Ratio is NaN; it must be from 0 to 10 in steps of 0.001." },
        { new() { MinimumPerSecond = -1 }, "RetryBudgetOptions.MinimumPerSecond is -1; it must be from 0 to 1000000." },
        { new() { TimeToLive = TimeSpan.FromMinutes(2) }, "RetryBudgetOptions.TimeToLive is 120 s; it must be from 1 s to 60 s." },
        { new() { ThrottledRetryCost = 0 }, "RetryBudgetOptions.ThrottledRetryCost is 0; it must be from 1 to 1000." },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_option_is_named(RetryBudgetOptions options, string message) =>
        Assert.Equal(message, Assert.Throws<InvalidOptionsException>(() => new RetryBudget(options)).Message);
}
