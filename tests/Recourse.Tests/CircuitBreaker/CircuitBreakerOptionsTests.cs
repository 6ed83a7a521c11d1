namespace Recourse.Tests.CircuitBreaking;

public class CircuitBreakerOptionsTests
{
    public static TheoryData<CircuitBreakerOptions, string> Wrong => new()
    {
        { new() { Name = " " }, "CircuitBreakerOptions.Name is empty; it must have at least one visible character." },
        { new() { Mode = (CircuitMode)9 }, "CircuitBreakerOptions.Mode is 9; it must be one of Consecutive, CountWindow, TimeWindow." },
        { new() { FailureThreshold = 0 }, "CircuitBreakerOptions.FailureThreshold is 0; it must be from 1 to 1000000." },
        { new() { WindowSize = 100_001 }, "CircuitBreakerOptions.WindowSize is 100001; it must be from 1 to 100000." },
        {
            new() { WindowDuration = TimeSpan.FromMilliseconds(99) },
            "CircuitBreakerOptions.WindowDuration is 99 ms; it must be from 100 ms to 60 min."
        },
        { new() { FailureRate = 0 }, "CircuitBreakerOptions.FailureRate is 0; it must be more than 0 and at most 1." },
        { new() { FailureRate = double.NaN }, "CircuitBreakerOptions.FailureRate is NaN; it must be more than 0 and at most 1." },
        { new() { SlowCallRate = 1.01 }, "CircuitBreakerOptions.SlowCallRate is 1.01; it must be more than 0 and at most 1." },
        { new() { MinimumThroughput = 0 }, "CircuitBreakerOptions.MinimumThroughput is 0; it must be from 1 to 1000000." },
        { new() { FailuresInWindow = 0 }, "CircuitBreakerOptions.FailuresInWindow is 0; it must be from 1 to 1000000." },
        { new() { SlowCallDuration = TimeSpan.Zero }, "CircuitBreakerOptions.SlowCallDuration is 0 s; it must be from 0.1 us to 24 h." },
        { new() { PermittedProbes = 1_001 }, "CircuitBreakerOptions.PermittedProbes is 1001; it must be from 1 to 1000." },
        { new() { SuccessThreshold = 0 }, "CircuitBreakerOptions.SuccessThreshold is 0; it must be from 1 to 1000000." },
        { new() { ProbeFailureThreshold = 0 }, "CircuitBreakerOptions.ProbeFailureThreshold is 0; it must be from 1 to 1000000." },
        { new() { ProbeLease = TimeSpan.Zero }, "CircuitBreakerOptions.ProbeLease is 0 s; it must be from 1 ms to 24 h." },
        { new() { OpenTime = TimeSpan.FromDays(50) }, "CircuitBreakerOptions.OpenTime is 50 d; it must be from 1 ms to 49 d." },
        { new() { OpenTimeGrowth = 0.5 }, "CircuitBreakerOptions.OpenTimeGrowth is 0.5; it must be from 1 to 100." },
        { new() { OpenTimeMax = TimeSpan.Zero }, "CircuitBreakerOptions.OpenTimeMax is 0 s; it must be from 1 ms to 49 d." },
        { new() { OpenTimeJitter = -0.1 }, "CircuitBreakerOptions.OpenTimeJitter is -0.1; it must be from 0 to 1." },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_option_is_named_with_what_was_found_and_what_is_allowed(CircuitBreakerOptions options, string message)
    {
        Assert.Equal(message, Assert.Throws<InvalidOptionsException>(() => new CircuitBreaker(options)).Message);
        var breaker = new CircuitBreaker();
        var before = breaker.Options;
        Assert.Throws<InvalidOptionsException>(() => breaker.Reload(options));
        Assert.Same(before, breaker.Options);
    }

    [Fact]
    public void A_trip_of_negative_or_endless_length_is_refused()
    {
        var breaker = new CircuitBreaker();
        Assert.Throws<ArgumentOutOfRangeException>(() => breaker.Trip(TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => breaker.Trip(TimeSpan.MaxValue));
        Assert.Equal(CircuitState.Closed, breaker.State);
    }
}
