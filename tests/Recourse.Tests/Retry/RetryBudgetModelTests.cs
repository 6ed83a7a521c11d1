namespace Recourse.Tests.Retries;

/// <summary>Random sequences against a list of everything that was ever earned and spent, counted in decimals.</summary>
public class RetryBudgetModelTests
{
    private enum Act { Deposit, Withdraw, Refund, Advance }

    private sealed record Command(Act Act, int Number)
    {
        public override string ToString() => $"{Act} {Number}";
    }

    [Theory]
    [InlineData(0.2, 0)]
    [InlineData(0.137, 1)]
    [InlineData(3.5, 2)]
    public void Behaves_as_the_list_does(double ratio, int minimum) => ModelRunner.Run(
        seeds: 200,
        length: 200,
        random => new Command(
            random.Next(100) switch { < 50 => Act.Deposit, < 88 => Act.Withdraw, < 90 => Act.Refund, _ => Act.Advance },
            random.Next(1, 1_500)),
        commands => Play(new() { Ratio = ratio, MinimumPerSecond = minimum, TimeToLive = TimeSpan.FromSeconds(2) }, commands));

    private static void Play(RetryBudgetOptions options, IReadOnlyList<Command> commands)
    {
        var clock = new ManualClock();
        var budget = new RetryBudget(options, clock);
        var entries = new List<(long At, decimal Amount)>();
        var tenth = options.TimeToLive.Ticks / 10;
        decimal Balance() => options.MinimumPerSecond * (decimal)options.TimeToLive.TotalSeconds
            + entries.Where(entry => entry.At / tenth > clock.Elapsed.Ticks / tenth - 10).Sum(entry => entry.Amount);
        foreach (var command in commands)
        {
            var cost = 1 + command.Number % 3;
            switch (command.Act)
            {
                case Act.Deposit:
                    budget.Deposit();
                    entries.Add((clock.Elapsed.Ticks, (decimal)options.Ratio));
                    break;
                case Act.Withdraw:
                    var enough = Balance() >= cost;
                    Assert.Equal(enough, budget.TryWithdraw(cost));
                    if (enough)
                        entries.Add((clock.Elapsed.Ticks, -cost));
                    break;
                case Act.Refund:
                    budget.Refund(cost);
                    entries.Add((clock.Elapsed.Ticks, cost));
                    break;
                case Act.Advance:
                    clock.Advance(TimeSpan.FromMilliseconds(command.Number));
                    break;
            }
            Assert.Equal((double)Math.Max(0, Balance()), budget.Available, 9);
        }
    }
}
