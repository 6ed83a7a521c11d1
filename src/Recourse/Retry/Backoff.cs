namespace Recourse;

/// <summary>How the waits between attempts grow.</summary>
public enum BackoffKind
{
    /// <summary>Always the same.</summary>
    Constant = 0,
    /// <summary>By the same step each time: 1, 2, 3.</summary>
    Linear,
    /// <summary>By a factor each time: 1, 2, 4.</summary>
    Exponential,
    /// <summary>By the sum of the two before: 1, 1, 2, 3, 5.</summary>
    Fibonacci,
    /// <summary>By chance, between the first wait and three times the wait before.</summary>
    Decorrelated,
    /// <summary>By a function of the number of the retry.</summary>
    Custom,
}

/// <summary>Which part of a wait is left to chance.</summary>
public enum JitterKind
{
    /// <summary>None: clients that failed together come back together.</summary>
    None = 0,
    /// <summary>All of it: from nothing to the whole wait.</summary>
    Full,
    /// <summary>Half of it: from half to the whole wait.</summary>
    Equal,
    /// <summary>A share around it: from (1 - range) to (1 + range) of the wait.</summary>
    Proportional,
    /// <summary>A share on top of it: from the wait to (1 + range) of it.</summary>
    Above,
}

/// <summary>
/// How long to wait before each retry: an immutable value, shared by any number of calls. The wait is a pure function of the number of the
/// retry, of the wait before and of one random number.
/// </summary>
public sealed record Backoff
{
    /// <summary>Exponential from 200 ms, doubling, up to 30 s, with full jitter.</summary>
    public static Backoff Default { get; } = new();

    /// <summary>How waits grow. Default exponential.</summary>
    public BackoffKind Kind { get; init; } = BackoffKind.Exponential;

    /// <summary>The wait before the first retry. Default 200 ms; from 0 (no wait at all) to 49 days.</summary>
    public TimeSpan Initial { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>No wait is longer, jitter included. Default 30 s; from 0 to 49 days.</summary>
    public TimeSpan Max { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Exponential: the factor from wait to wait. Default 2; from 1 to 1,000.</summary>
    public double Multiplier { get; init; } = 2;

    /// <summary>Linear: the step from wait to wait. Default null: as long as <see cref="Initial"/>. From 0 to 49 days.</summary>
    public TimeSpan? Step { get; init; }

    /// <summary>Which part is left to chance. Default full. Decorrelated waits are chance already and ignore it.</summary>
    public JitterKind Jitter { get; init; } = JitterKind.Full;

    /// <summary>The range of proportional jitter and of jitter above. Default 0.25; from 0 to 1.</summary>
    public double JitterRange { get; init; } = 0.25;

    /// <summary>
    /// Custom: the wait before a retry, which counts from 1. Negative waits count as none; longer ones than <see cref="Max"/> are cut.
    /// If it throws, the wait is that of <see cref="Default"/>.
    /// </summary>
    public Func<int, TimeSpan>? Schedule { get; init; }

    /// <summary>Always the same wait, without jitter.</summary>
    public static Backoff Constant(TimeSpan delay) =>
        new() { Kind = BackoffKind.Constant, Initial = delay, Max = delay, Jitter = JitterKind.None };

    /// <summary>Waits that grow by one step each: initial, initial + step, … With full jitter.</summary>
    public static Backoff Linear(TimeSpan initial, TimeSpan? step = null, TimeSpan? max = null) =>
        Growing(BackoffKind.Linear, initial, max) with { Step = step };

    /// <summary>Waits that grow by a factor: initial, initial x multiplier, … With full jitter.</summary>
    public static Backoff Exponential(TimeSpan initial, double multiplier = 2, TimeSpan? max = null) =>
        Growing(BackoffKind.Exponential, initial, max) with { Multiplier = multiplier };

    /// <summary>Waits of 1, 1, 2, 3, 5 … times the initial one. With full jitter.</summary>
    public static Backoff Fibonacci(TimeSpan initial, TimeSpan? max = null) => Growing(BackoffKind.Fibonacci, initial, max);

    /// <summary>Each wait by chance between the initial one and three times the one before.</summary>
    public static Backoff Decorrelated(TimeSpan initial, TimeSpan? max = null) => Growing(BackoffKind.Decorrelated, initial, max);

    /// <summary>Waits from a function of the number of the retry (1, 2, 3 …), without jitter and up to a bound (default 30 s).</summary>
    public static Backoff Custom(Func<int, TimeSpan> schedule, TimeSpan? max = null) =>
        Growing(BackoffKind.Custom, TimeSpan.Zero, max) with { Schedule = schedule, Jitter = JitterKind.None };

    /// <summary>The wait before a retry: never negative, never longer than <see cref="Max"/>.</summary>
    /// <param name="retry">Which retry, from 1. Zero and less is the first attempt: no wait. Any number is safe.</param>
    /// <param name="previous">The wait before the previous retry, which only decorrelated waits need; zero before the first.</param>
    /// <param name="sample">A random number from 0 up to but not including 1; other numbers count as the nearer end.</param>
    public TimeSpan Delay(int retry, TimeSpan previous, double sample)
    {
        if (retry <= 0 || Max <= TimeSpan.Zero)
            return TimeSpan.Zero;
        sample = sample switch { >= 1 => Math.BitDecrement(1.0), > 0 => sample, _ => 0 };
        var max = (double)Max.Ticks;
        if (Kind == BackoffKind.Decorrelated)
        {
            // The range itself is cut at the maximum, not what is drawn from it: otherwise two thirds of the late waits are the same.
            var low = Math.Min(Initial.Ticks, max);
            var high = Math.Min(3.0 * Math.Max(previous.Ticks, Initial.Ticks), max);
            return Ticks(low + (high - low) * sample);
        }
        var (least, most) = JitterBounds();
        // What jitter can add has to fit below the maximum too, and jitter comes last so that it survives there.
        return Ticks(Math.Min(Grown(retry), max / Math.Max(1, most)) * (least + (most - least) * sample));
    }

    /// <summary>The wait before a retry, with a random number of the process; see the other form.</summary>
    public TimeSpan Delay(int retry, TimeSpan previous = default) => Delay(retry, previous, Random.Shared.NextDouble());

    /// <summary>
    /// The wait when the service has said how long it wants to be left alone: the longer of the two, but what the service asks for only up
    /// to <paramref name="retryAfterMax"/>, since a wrong or hostile header must not park the caller.
    /// </summary>
    public static TimeSpan Honour(TimeSpan delay, TimeSpan? retryAfter, TimeSpan retryAfterMax)
    {
        if (retryAfter is not { } asked)
            return delay;
        var granted = asked < retryAfterMax ? asked : retryAfterMax;
        return granted > delay ? granted : delay;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var growth = Kind switch
        {
            BackoffKind.Linear => $" + {Durations.Text(Step ?? Initial)}",
            BackoffKind.Exponential => $" x {Multiplier:0.###}",
            _ => "",
        };
        var jitter = (Kind, Jitter) switch
        {
            (BackoffKind.Decorrelated, _) or (_, JitterKind.None) => "",
            (_, JitterKind.Full or JitterKind.Equal) => $", {Jitter.ToString().ToLowerInvariant()} jitter",
            (_, JitterKind.Above) => $", jitter 0 to +{JitterRange:P0}",
            _ => $", jitter +/-{JitterRange:P0}",
        };
        var kind = Kind.ToString().ToLowerInvariant();
        return Kind switch
        {
            BackoffKind.Constant => $"constant {Durations.Text(Initial)}{jitter}",
            BackoffKind.Custom => $"custom up to {Durations.Text(Max)}{jitter}",
            _ => $"{kind} {Durations.Text(Initial)}{growth} up to {Durations.Text(Max)}{jitter}",
        };
    }

    internal Backoff Checked()
    {
        const string at = nameof(Backoff) + ".";
        Check.Defined(at + nameof(Kind), Kind);
        Check.Range(at + nameof(Initial), Initial, TimeSpan.Zero, Durations.TimerMax);
        Check.Range(at + nameof(Max), Max, TimeSpan.Zero, Durations.TimerMax);
        Check.Range(at + nameof(Multiplier), Multiplier, 1, 1_000);
        if (Step is { } step)
            Check.Range(at + nameof(Step), step, TimeSpan.Zero, Durations.TimerMax);
        Check.Defined(at + nameof(Jitter), Jitter);
        Check.Range(at + nameof(JitterRange), JitterRange, 0, 1);
        Check.That(Kind != BackoffKind.Custom || Schedule is not null, $"{at}{nameof(Schedule)} is null; kind Custom needs a function.");
        Check.That(Kind == BackoffKind.Custom || Schedule is null, $"{at}{nameof(Schedule)} is set, but only kind Custom reads it.");
        return this;
    }

    private static Backoff Growing(BackoffKind kind, TimeSpan initial, TimeSpan? max) =>
        max is { } bound ? new() { Kind = kind, Initial = initial, Max = bound } : new() { Kind = kind, Initial = initial };

    // Doubles throughout: an overflow is an infinity, which the maximum then cuts, and never a negative wait.
    private double Grown(int retry) => Kind switch
    {
        BackoffKind.Linear => Initial.Ticks + (double)(Step ?? Initial).Ticks * (retry - 1),
        // Zero times an infinite power is not a number.
        BackoffKind.Exponential => Initial == TimeSpan.Zero ? 0 : Initial.Ticks * Math.Pow(Multiplier, retry - 1),
        BackoffKind.Fibonacci => FibonacciTicks(retry),
        BackoffKind.Custom => Math.Max(0, Schedule!(retry).Ticks),
        _ => Initial.Ticks,
    };

    private double FibonacciTicks(int retry)
    {
        var (current, next) = ((double)Initial.Ticks, (double)Initial.Ticks);
        // Ends at the maximum after at most 75 steps; a first wait of zero never grows.
        for (var step = 1; step < retry && current > 0 && current < Max.Ticks; step++)
            (current, next) = (next, current + next);
        return current;
    }

    private (double Least, double Most) JitterBounds() => Jitter switch
    {
        JitterKind.Full => (0, 1),
        JitterKind.Equal => (0.5, 1),
        JitterKind.Proportional => (1 - JitterRange, 1 + JitterRange),
        JitterKind.Above => (1, 1 + JitterRange),
        _ => (1, 1),
    };

    private TimeSpan Ticks(double ticks) => TimeSpan.FromTicks(Math.Min((long)ticks, Max.Ticks));
}
