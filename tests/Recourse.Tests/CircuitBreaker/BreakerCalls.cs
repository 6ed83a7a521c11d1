namespace Recourse.Tests.CircuitBreaking;

/// <summary>Whole calls through a breaker, for tests that do not care about what happens between entering and reporting.</summary>
internal static class BreakerCalls
{
    internal static PermitReport Succeed(this CircuitBreaker breaker, TimeSpan duration = default) =>
        breaker.Report(breaker.Enter(), Judgement.Success, duration);

    internal static PermitReport Fail(this CircuitBreaker breaker, TimeSpan duration = default) =>
        breaker.Report(breaker.Enter(), Judgement.Failure, duration);

    internal static CircuitPermit Enter(this CircuitBreaker breaker)
    {
        Assert.True(breaker.TryEnter(out var permit), $"{breaker.Name} is {breaker.State} and let nobody in");
        return permit;
    }
}
