namespace Recourse;

/// <summary>How many retries and hedges a service may get on top of its ordinary calls.</summary>
public sealed record RetryBudgetOptions
{
    /// <summary>Retries per call: 0.2 allows one retry for five calls. Default 0.2; from 0 to 10 in steps of 0.001.</summary>
    public double Ratio { get; init; } = 0.2;

    /// <summary>
    /// Retries per second that are always allowed, so that a client with little traffic can retry at all. Default 10; from 0 to 1,000,000.
    /// </summary>
    public int MinimumPerSecond { get; init; } = 10;

    /// <summary>
    /// How long a call earns and a retry costs, accurate to a tenth. The whole reserve for this time may be spent at once. Default 10 s;
    /// from 1 s to 1 min.
    /// </summary>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What a retry costs after the service asked for less load, in ordinary retries. Default 2; from 1 to 1,000.</summary>
    public int ThrottledRetryCost { get; init; } = 2;

    internal RetryBudgetOptions Checked()
    {
        const string at = nameof(RetryBudgetOptions) + ".";
        // Budgets count in thousandths of a retry, exactly: a finer ratio would be rounded to another one than was asked for.
        Check.That(
            Ratio is >= 0 and <= 10 && Math.Abs(Ratio * 1_000 - Math.Round(Ratio * 1_000)) < 1e-6,
            $"{at}{nameof(Ratio)} is {Ratio}; it must be from 0 to 10 in steps of 0.001.");
        Check.Range(at + nameof(MinimumPerSecond), MinimumPerSecond, 0, 1_000_000);
        Check.Range(at + nameof(TimeToLive), TimeToLive, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        Check.Range(at + nameof(ThrottledRetryCost), ThrottledRetryCost, 1, 1_000);
        return this;
    }
}

/// <summary>The counts of a retry budget at one moment.</summary>
/// <param name="Available">Retries that could be made now.</param>
/// <param name="Withdrawn">What was withdrawn since the budget was made, in retries.</param>
/// <param name="Refused">How many withdrawals were refused since the budget was made.</param>
public readonly record struct RetryBudgetStatistics(double Available, long Withdrawn, long Refused);
