using FsCheck;
using FsCheck.Fluent;

namespace Recourse.Durable.Tests;

public class DeliveryDeciderTests
{
    public static TheoryData<string> Situations => [.. DecisionCases.All.Select(one => one.Situation)];

    [Theory]
    [MemberData(nameof(Situations))]
    public void Decides_as_the_table_says(string situation)
    {
        var one = DecisionCases.All.Single(each => each.Situation == situation);
        var decision = DeliveryDecider.Decide(one.Failure, one.Policy, one.Service);
        Assert.Equal(one.Decided, decision.ToString());
        Assert.Equal(decision.Action is DeliveryAction.Retry ? one.Failure.Now + decision.Delay : null, decision.DueAt);
    }

    [Fact]
    public void An_unknown_outcome_of_a_service_that_must_not_be_repeated_gives_the_dead_letter_its_kind()
    {
        var service = new ServicePolicy { Name = "payments", Repeatable = false };
        var decision = DeliveryDecider.Decide(DecisionCases.Failed(FaultKind.Timeout), new DeliveryPolicy(), service);
        Assert.Equal(FaultKind.OutcomeUnknown, decision.Kind);
    }

    [Fact]
    public void A_wait_is_told_in_whole_milliseconds_and_kept_exactly()
    {
        var failure = DecisionCases.Failed(FaultKind.ServiceUnavailable) with { Sample = 0.918420 };
        var decision = DeliveryDecider.Decide(failure, new DeliveryPolicy(), new ServicePolicy { Name = "payments" });
        Assert.NotEqual(0, decision.Delay.Ticks % TimeSpan.TicksPerMillisecond);
        Assert.Contains($"in {Math.Floor(decision.Delay.TotalMilliseconds)} ms,", decision.Reason);
    }

    [Fact]
    public void Every_other_decision_keeps_the_kind_of_the_fault() =>
        Assert.All(
            DecisionCases.All.Where(one => one.Service.Repeatable),
            one => Assert.Null(DeliveryDecider.Decide(one.Failure, one.Policy, one.Service).Kind));

    [Fact]
    public void A_wait_lies_between_zero_and_the_bounds_of_the_policy() => Holds((failure, policy, service, decision) =>
    {
        var most = Max(policy.Backoff.Max * 2, policy.Backoff.Initial, failure.BreakerOpenFor);
        if (failure.RetryAfter is { } asked) most = Max(most, asked < policy.MaxRetryAfter ? asked : policy.MaxRetryAfter);
        return decision.Delay >= TimeSpan.Zero && decision.Delay <= most
            && (decision.DueAt is not { } due || due - failure.Now == decision.Delay);
    });

    [Fact]
    public void A_retry_after_is_waited_for_up_to_its_bound() => Holds((failure, policy, service, decision) =>
        decision.Action is not DeliveryAction.Retry
        || failure.RetryAfter is not { } asked
        || failure.Fault.Kind is FaultKind.Cancelled
        || decision.Delay >= (asked < policy.MaxRetryAfter ? asked : policy.MaxRetryAfter));

    [Fact]
    public void Nothing_dies_before_its_age_because_a_service_is_down() => Holds((failure, policy, service, decision) =>
        decision.Action is DeliveryAction.Retry
        || failure.Fault.Blame is not Blame.Service
        || failure.Age >= policy.MaxAge
        || policy.DeadLetterAfterAttempts is not null
        || decision.Kind is FaultKind.OutcomeUnknown);

    [Fact]
    public void What_was_rejected_here_never_dies() => Holds((failure, policy, service, decision) =>
        failure.Fault.Kind is not (FaultKind.CircuitOpen or FaultKind.BulkheadFull) || decision.Action is DeliveryAction.Retry);

    [Fact]
    public void What_may_have_happened_is_never_repeated_where_that_is_forbidden() => Holds((failure, policy, service, decision) =>
        service.Repeatable
        || failure.Fault.Applied is not Applied.Maybe
        || failure.Fault.Kind is FaultKind.CircuitOpen or FaultKind.BulkheadFull
        || decision.Action is DeliveryAction.DeadLetter);

    [Fact]
    public void With_dead_letters_off_only_an_unknown_outcome_dies() => Holds((failure, policy, service, decision) =>
        policy.DeadLettersEnabled || decision.Action is DeliveryAction.Retry || decision.Kind is FaultKind.OutcomeUnknown);

    [Fact]
    public void A_message_is_tried_a_bounded_number_of_times_for_its_own_faults() => Holds((failure, policy, service, decision) =>
        failure.Fault.Blame is not Blame.Message
        || failure.Fault.Kind is FaultKind.CircuitOpen or FaultKind.BulkheadFull
        || !policy.DeadLettersEnabled
        || policy.DeadLetterAfterAttempts is not null
        || failure.MessageFaults + 1L < policy.MaxAttempts
        || decision.Action is DeliveryAction.DeadLetter);

    [Fact]
    public void Limits_of_the_types_are_no_trouble()
    {
        var failure = DecisionCases.Failed("503") with
        {
            Attempt = int.MaxValue,
            MessageFaults = int.MaxValue,
            UnknownFaults = int.MaxValue,
            Now = DateTimeOffset.MaxValue,
            RetryAfter = TimeSpan.MaxValue,
            LastDelay = TimeSpan.MaxValue,
            BreakerOpenFor = TimeSpan.MaxValue,
            Sample = 0.999,
        };
        var policy = new DeliveryPolicy
        {
            MaxAge = TimeSpan.MaxValue,
            MaxRetryAfter = TimeSpan.MaxValue,
            Backoff = new() { Initial = TimeSpan.MaxValue, Max = TimeSpan.MaxValue },
        };
        foreach (var kind in Enum.GetValues<FaultKind>())
        {
            var fault = FaultClassifier.Default.ForKind(kind) with { Throttling = true };
            var decision = DeliveryDecider.Decide(failure with { Fault = fault }, policy, new ServicePolicy { Name = "orders" });
            Assert.True(decision.Delay <= TimeSpan.FromDays(365), $"{kind}: {decision}");
            Assert.True(decision.Action is DeliveryAction.DeadLetter || decision.DueAt == DateTimeOffset.MaxValue, $"{kind}: {decision}");
        }
    }

    // FsCheck prints the seed of a failure, and the smallest case that still fails.
    private static void Holds(Func<DeliveryFailure, DeliveryPolicy, ServicePolicy, DeliveryDecision, bool> rule) =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(2_000),
            Prop.ForAll(Arb.From(Situation), one =>
                rule(one.Failure, one.Policy, one.Service, DeliveryDecider.Decide(one.Failure, one.Policy, one.Service))));

    private static Gen<(DeliveryFailure Failure, DeliveryPolicy Policy, ServicePolicy Service)> Situation =>
        from failure in Failure
        from policy in Policy
        from repeatable in Gen.Elements(true, false)
        select (failure, policy, new ServicePolicy { Name = "orders", Repeatable = repeatable });

    private static Gen<DeliveryFailure> Failure =>
        from kind in Gen.Elements(Enum.GetValues<FaultKind>())
        from persistence in Gen.Elements(Enum.GetValues<Persistence>())
        from blame in Gen.Elements(Enum.GetValues<Blame>())
        from applied in Gen.Elements(Enum.GetValues<Applied>())
        from attempt in Count
        from messageFaults in Gen.Choose(0, 20)
        from unknownFaults in Gen.Choose(0, 5)
        from age in Span(100_000)
        from sample in Gen.Choose(0, 999)
        from asked in Gen.OneOf(Gen.Constant<TimeSpan?>(null), Span(10_000).Select(span => (TimeSpan?)span))
        from open in Gen.OneOf(Gen.Constant(TimeSpan.Zero), Span(100))
        from flags in Gen.Choose(0, 7)
        select new DeliveryFailure
        {
            Fault = FaultClassifier.Default.ForKind(kind) with
            {
                Persistence = persistence,
                Blame = blame,
                Applied = applied,
                Throttling = (flags & 1) != 0,
            },
            Attempt = attempt,
            MessageFaults = messageFaults,
            UnknownFaults = unknownFaults,
            Age = age,
            Now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
            Sample = sample / 1_000.0,
            RetryAfter = asked,
            BreakerOpenFor = open,
            LastDelay = TimeSpan.FromMilliseconds(sample),
            Probe = (flags & 2) != 0,
            BudgetExhausted = (flags & 4) != 0,
        };

    private static Gen<DeliveryPolicy> Policy =>
        from shape in Gen.Elements("constant", "linear", "exponential", "fibonacci", "decorrelated")
        from jitter in Gen.Elements("none", "full", "equal", "proportional")
        from initial in Span(60)
        from max in Span(600)
        from maxAge in Span(100_000)
        from attempts in Gen.Choose(1, 20)
        from seeds in Gen.OneOf(Gen.Constant<int?>(null), Gen.Choose(1, 10).Select(count => (int?)count))
        from dead in Gen.Elements(true, false)
        select new DeliveryPolicy
        {
            Backoff = new() { Shape = shape, Jitter = jitter, Initial = initial, Max = max },
            MaxAge = maxAge,
            MaxAttempts = attempts,
            DeadLetterAfterAttempts = seeds,
            DeadLettersEnabled = dead,
        };

    private static Gen<int> Count => Gen.OneOf(Gen.Choose(1, 20), Gen.Choose(1, int.MaxValue), Gen.Constant(int.MaxValue));

    private static Gen<TimeSpan> Span(int seconds) => Gen.Choose(0, seconds * 1_000).Select(ms => TimeSpan.FromMilliseconds(ms));

    private static TimeSpan Max(params TimeSpan[] spans) => spans.Max();
}
