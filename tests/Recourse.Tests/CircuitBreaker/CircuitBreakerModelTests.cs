namespace Recourse.Tests.CircuitBreaking;

/// <summary>Random sequences of calls, orders and pauses against the naive breaker.</summary>
public class CircuitBreakerModelTests
{
    private enum Act { Enter, Report, Advance, Isolate, Trip, TripFor, Reset, Reload }

    // Kind, and a number that each kind reads in its own way: no command depends on what came before, so any part of a sequence can be
    // played.
    private sealed record Command(Act Act, int Number)
    {
        public override string ToString() => $"{Act} {Number}";
    }

    public static TheoryData<string> Variants => [.. Options.Keys];

    private static readonly CircuitBreakerOptions Small = new()
    {
        FailureThreshold = 3,
        PermittedProbes = 2,
        ProbeLease = TimeSpan.FromSeconds(3),
        OpenTime = TimeSpan.FromSeconds(2),
        OpenTimeMax = TimeSpan.FromSeconds(10),
        MinimumThroughput = 3,
        SlowCallDuration = TimeSpan.FromSeconds(1),
    };

    private static readonly Dictionary<string, CircuitBreakerOptions> Options = new()
    {
        ["consecutive"] = Small,
        ["consecutive, one of everything"] = Small with { FailureThreshold = 1, PermittedProbes = 1, SuccessThreshold = 1 },
        ["two probes may fail"] = Small with { ProbeFailureThreshold = 2, PermittedProbes = 4, SuccessThreshold = 3 },
        ["count window"] = Small with { Mode = CircuitMode.CountWindow, WindowSize = 5, FailuresInWindow = 4 },
        ["count window of one"] = Small with { Mode = CircuitMode.CountWindow, WindowSize = 1 },
        ["time window"] = Small with { Mode = CircuitMode.TimeWindow, WindowDuration = TimeSpan.FromSeconds(4), SlowCallRate = 0.75 },
        ["no growth, no slow calls"] = Small with { OpenTimeGrowth = 1, SlowCallDuration = null },
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public void Behaves_as_the_naive_breaker_does(string variant) =>
        ModelRunner.Run(seeds: 150, length: 120, Generate, commands => Play(Options[variant], commands));

    private static Command Generate(Random random) => new(
        random.Next(100) switch
        {
            < 35 => Act.Enter,
            < 75 => Act.Report,
            < 90 => Act.Advance,
            < 91 => Act.Isolate,
            < 93 => Act.Trip,
            < 94 => Act.TripFor,
            < 96 => Act.Reset,
            _ => Act.Reload,
        },
        random.Next(1_000));

    private static void Play(CircuitBreakerOptions options, IReadOnlyList<Command> commands)
    {
        var clock = new ManualClock();
        var (breaker, model) = (new CircuitBreaker(options, clock) { Samples = () => 0.5 }, new NaiveCircuit(options));
        var permits = new List<(CircuitPermit Real, NaiveCircuit.Permit Naive)>();
        foreach (var command in commands)
        {
            var number = command.Number;
            switch (command.Act)
            {
                case Act.Enter:
                    var naive = model.Enter();
                    Assert.Equal(naive is not null, breaker.TryEnter(out var real));
                    if (naive is not null)
                    {
                        Assert.Equal(naive.IsProbe, real.IsProbe);
                        permits.Add((real, naive));
                    }
                    break;
                case Act.Report when permits.Count > 0:
                    // Mostly one of the last permits; now and then an old one, which may have been reported already.
                    var permit = permits[^(1 + number % Math.Min(permits.Count, number % 7 == 0 ? 20 : 3))];
                    var judgement = (number % 10) switch { < 4 => Judgement.Success, < 9 => Judgement.Failure, _ => Judgement.Neutral };
                    var slow = options.SlowCallDuration is not null && number % 11 == 0 && judgement != Judgement.Neutral;
                    var expected = model.Report(permit.Naive, judgement, slow);
                    Assert.Equal(expected, breaker.Report(permit.Real, judgement, TimeSpan.FromSeconds(slow ? 2 : 0)));
                    break;
                case Act.Advance:
                    var pause = TimeSpan.FromMilliseconds(number % 4 == 0 ? number * 10 : number);
                    clock.Advance(pause);
                    model.Now += pause.Ticks;
                    break;
                case Act.Isolate:
                    breaker.Isolate();
                    model.Isolate();
                    break;
                case Act.Trip:
                    breaker.Trip();
                    model.Trip();
                    break;
                case Act.TripFor:
                    breaker.Trip(TimeSpan.FromMilliseconds(number));
                    model.Trip(TimeSpan.FromMilliseconds(number).Ticks);
                    break;
                case Act.Reset:
                    breaker.Reset();
                    model.Reset();
                    break;
                case Act.Reload:
                    model.Options = Changed(model.Options, number);
                    breaker.Reload(model.Options);
                    break;
            }
            Compare(breaker, model);
        }
    }

    // What a reload may change without moving counts between windows, which the naive breaker keeps exactly and the real one only as sums.
    private static CircuitBreakerOptions Changed(CircuitBreakerOptions options, int number) => options with
    {
        SuccessThreshold = 1 + number % 3,
        ProbeLease = TimeSpan.FromSeconds(1 + number % 5),
        OpenTime = TimeSpan.FromMilliseconds(500 + number),
        FailureThreshold = Math.Max(options.FailureThreshold, 1 + number % 4),
    };

    private static void Compare(CircuitBreaker breaker, NaiveCircuit model)
    {
        var real = breaker.Statistics;
        Assert.Equal(model.State, breaker.State);
        Assert.Equal(model.State, real.State);
        Assert.Equal(model.RetryAfter, breaker.RetryAfter.Ticks);
        Assert.Equal(model.Counts, (real.Calls, real.Failures, real.SlowCalls));
        Assert.Equal(model.ProbesInFlight, real.ProbesInFlight);
        Assert.Equal(model.ProbeSuccesses, real.ProbeSuccesses);
        Assert.Equal(model.OpeningsInRow, real.OpeningsInRow);
        Assert.Equal(model.Opened, real.Openings);
    }
}
