namespace Recourse.Tests.Retries;

public class BackoffTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(49);

    private static double[] Seconds(Backoff backoff, int retries, double sample = 0) =>
        [.. Enumerable.Range(1, retries).Select(retry => backoff.Delay(retry, TimeSpan.Zero, sample).TotalSeconds)];

    private static Backoff Plain(Backoff backoff) => backoff with { Jitter = JitterKind.None };

    public static TheoryData<Backoff> Every =>
    [
        Backoff.Default,
        Backoff.Constant(Second),
        Backoff.Linear(Second),
        Backoff.Exponential(Second, 1_000, TimeSpan.FromDays(49)),
        Backoff.Exponential(Second, 1.0000001),
        Backoff.Exponential(TimeSpan.Zero),
        Backoff.Fibonacci(Second, TimeSpan.FromDays(49)),
        Backoff.Fibonacci(TimeSpan.Zero),
        Backoff.Decorrelated(Second),
        Backoff.Decorrelated(TimeSpan.FromDays(49), TimeSpan.FromDays(49)),
        Backoff.Custom(retry => TimeSpan.FromTicks(retry % 2 == 0 ? long.MinValue : long.MaxValue)),
        Backoff.Exponential(Second) with { Jitter = JitterKind.Proportional, JitterRange = 1 },
        Backoff.Linear(Longest, Longest, Longest) with { Jitter = JitterKind.Above, JitterRange = 1 },
        Backoff.Exponential(Second) with { Max = TimeSpan.Zero },
    ];

    [Fact]
    public void Constant_waits_are_the_same() => Assert.Equal([1, 1, 1, 1], Seconds(Backoff.Constant(Second), 4));

    [Fact]
    public void Linear_waits_grow_by_a_step() => Assert.Equal([1, 2, 3, 4], Seconds(Plain(Backoff.Linear(Second)), 4));

    [Fact]
    public void Linear_waits_may_have_a_step_of_their_own() =>
        Assert.Equal([1, 1.5, 2, 2], Seconds(Plain(Backoff.Linear(Second, Second / 2, 2 * Second)), 4));

    [Fact]
    public void Exponential_waits_double_up_to_the_maximum() =>
        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60], Seconds(Plain(Backoff.Exponential(Second, 2, Minute)), 8));

    [Fact]
    public void Fibonacci_waits_are_the_sum_of_the_two_before() =>
        Assert.Equal([1, 1, 2, 3, 5, 8, 10], Seconds(Plain(Backoff.Fibonacci(Second, 10 * Second)), 7));

    [Fact]
    public void A_function_of_the_caller_is_asked_with_1_2_3()
    {
        var asked = new List<int>();
        var backoff = Backoff.Custom(retry =>
        {
            asked.Add(retry);
            return TimeSpan.FromSeconds(10 * retry);
        });
        Assert.Equal([10, 20, 30, 30], Seconds(backoff, 4));
        Assert.Equal([1, 2, 3, 4], asked);
    }

    [Fact]
    public void Decorrelated_waits_lie_between_the_first_and_three_times_the_one_before()
    {
        var backoff = Backoff.Decorrelated(Second, Minute);
        Assert.Equal(Second, backoff.Delay(1, TimeSpan.Zero, 0));
        Assert.Equal(2 * Second, backoff.Delay(1, TimeSpan.Zero, 0.5));
        Assert.Equal(Second, backoff.Delay(2, 10 * Second, 0));
        Assert.Equal(15.5 * Second, backoff.Delay(2, 10 * Second, 0.5));
        Assert.InRange(backoff.Delay(2, 10 * Second, 0.999999), 29.9 * Second, 30 * Second);
    }

    [Theory]
    [InlineData(JitterKind.None, 0, 8, 8)]
    [InlineData(JitterKind.Full, 0, 0, 8)]
    [InlineData(JitterKind.Equal, 0, 4, 8)]
    [InlineData(JitterKind.Proportional, 0.5, 4, 12)]
    [InlineData(JitterKind.Above, 0.1, 8, 8.8)]
    public void Jitter_stays_in_its_bounds_and_reaches_them(JitterKind jitter, double range, double least, double most)
    {
        var backoff = Backoff.Exponential(Second, 2, Minute) with { Jitter = jitter, JitterRange = range };
        var random = new Random(20260101);
        double[] drawn = [.. Enumerable.Range(0, 10_000).Select(_ => backoff.Delay(4, TimeSpan.Zero, random.NextDouble()).TotalSeconds)];
        Assert.InRange(drawn.Min(), least, least + 0.01);
        Assert.InRange(drawn.Max(), most - 0.01, most);
        Assert.Equal((least + most) / 2, drawn.Average(), 1);
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void T18_Any_number_of_retries_is_safe(Backoff backoff)
    {
        int[] retries = [int.MinValue, -1, 0, 1, 2, 31, 32, 62, 63, 64, 1023, 1024, 1025, 1 << 20, int.MaxValue - 1, int.MaxValue];
        double[] samples = [0, 0.5, 0.9999999999999999, 1, -1, double.NaN, double.PositiveInfinity, double.NegativeInfinity];
        TimeSpan[] previous = [TimeSpan.MinValue, TimeSpan.Zero, Second, TimeSpan.MaxValue];
        backoff.Checked();
        foreach (var retry in retries)
            foreach (var sample in samples)
                foreach (var before in previous)
                    Assert.InRange(backoff.Delay(retry, before, sample), TimeSpan.Zero, backoff.Max);
        Assert.Equal(TimeSpan.Zero, backoff.Delay(0, Second, 0.5));
    }

    [Theory]
    [InlineData(JitterKind.Full)]
    [InlineData(JitterKind.Equal)]
    [InlineData(JitterKind.Proportional)]
    [InlineData(JitterKind.Above)]
    public void T17_Jitter_survives_the_maximum_and_does_not_exceed_it(JitterKind jitter)
    {
        var backoff = Backoff.Exponential(Second, 2, 10 * Second) with { Jitter = jitter };
        AssertSpread(backoff, retry: 1_000, previous: 10 * Second);
    }

    [Fact]
    public void T17_Decorrelated_waits_do_not_gather_at_the_maximum() =>
        AssertSpread(Backoff.Decorrelated(Second, 10 * Second), retry: 1_000, previous: 10 * Second);

    private static void AssertSpread(Backoff backoff, int retry, TimeSpan previous)
    {
        var random = new Random(42);
        TimeSpan[] waits = [.. Enumerable.Range(0, 1_000).Select(_ => backoff.Delay(retry, previous, random.NextDouble()))];
        Assert.InRange(waits.Distinct().Count(), 990, 1_000);
        Assert.All(waits, wait => Assert.InRange(wait, TimeSpan.Zero, backoff.Max));
    }

    [Fact]
    public void T19_A_function_that_asks_for_hours_gets_the_maximum()
    {
        var backoff = Backoff.Custom(_ => TimeSpan.FromHours(5), max: Second);
        Assert.Equal(Second, backoff.Delay(1, TimeSpan.Zero, 0.5));
    }

    [Theory]
    [InlineData(2, null, 2)]
    [InlineData(2, 1, 2)]
    [InlineData(2, 20, 20)]
    [InlineData(2, 999_999, 30)]
    [InlineData(60, 999_999, 60)]
    [InlineData(2, -5, 2)]
    public void T19_A_hostile_Retry_After_does_not_park_the_caller(int delay, int? retryAfter, int expected)
    {
        TimeSpan? asked = retryAfter is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        Assert.Equal(expected, Backoff.Honour(delay * Second, asked, 30 * Second).TotalSeconds);
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void T25_A_backoff_shared_by_calls_starts_anew_for_each(Backoff backoff)
    {
        TimeSpan[] Call()
        {
            var waits = new TimeSpan[20];
            for (var retry = 1; retry <= waits.Length; retry++)
                waits[retry - 1] = backoff.Delay(retry, retry == 1 ? TimeSpan.Zero : waits[retry - 2], 0.3);
            return waits;
        }
        var first = Call();
        Assert.Equal(first, Call());
    }

    [Fact]
    public void The_form_without_a_sample_draws_one()
    {
        var backoff = Backoff.Exponential(Second);
        Assert.True(Enumerable.Range(0, 100).Select(_ => backoff.Delay(3)).Distinct().Count() > 90);
    }

    [Fact]
    public void A_wait_allocates_nothing()
    {
        var backoff = Backoff.Decorrelated(Second);
        Assert.Equal(0, Allocations.Of(() => backoff.Delay(5, Second)));
    }

    public static TheoryData<Backoff, string> Texts => new()
    {
        { Backoff.Default, "exponential 200 ms x 2 up to 30 s, full jitter" },
        { Backoff.Constant(Second), "constant 1 s" },
        { Backoff.Linear(Second, Second / 2) with { Jitter = JitterKind.Proportional }, "linear 1 s + 500 ms up to 30 s, jitter +/-25 %" },
        { Backoff.Fibonacci(Second) with { Jitter = JitterKind.Above, JitterRange = 0.1 }, "fibonacci 1 s up to 30 s, jitter 0 to +10 %" },
        { Backoff.Decorrelated(Second, Minute), "decorrelated 1 s up to 60 s" },
        { Backoff.Custom(_ => Second), "custom up to 30 s" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void Says_what_it_is(Backoff backoff, string text) => Assert.Equal(text, backoff.ToString());

    public static TheoryData<Backoff, string> Wrong => new()
    {
        { new() { Initial = -Second }, "Backoff.Initial is -1 s; it must be from 0 s to 49 d." },
        { new() { Max = TimeSpan.FromDays(50) }, "Backoff.Max is 50 d; it must be from 0 s to 49 d." },
        { new() { Multiplier = 0.9 }, "Backoff.Multiplier is 0.9; it must be from 1 to 1000." },
        { new() { Step = -Second }, "Backoff.Step is -1 s; it must be from 0 s to 49 d." },
        { new() { JitterRange = 1.1 }, "Backoff.JitterRange is 1.1; it must be from 0 to 1." },
        { new() { Kind = BackoffKind.Custom }, "Backoff.Schedule is null; kind Custom needs a function." },
        { new() { Schedule = _ => Second }, "Backoff.Schedule is set, but only kind Custom reads it." },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_option_is_named(Backoff backoff, string message) =>
        Assert.Equal(message, Assert.Throws<InvalidOptionsException>(backoff.Checked).Message);
}
