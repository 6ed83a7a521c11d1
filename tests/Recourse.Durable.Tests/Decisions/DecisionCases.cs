namespace Recourse.Durable.Tests;

/// <summary>One situation after a failed attempt, and what has to be decided in it. The documentation shows these very rows.</summary>
/// <param name="Situation">In words, as the documentation has it.</param>
/// <param name="Failure">The failed attempt.</param>
/// <param name="Policy">The bounds of the queue.</param>
/// <param name="Service">The contract of the service.</param>
/// <param name="Decided">The decision as it is stored and shown.</param>
internal sealed record DecisionCase(string Situation, DeliveryFailure Failure, DeliveryPolicy Policy, ServicePolicy Service,
    string Decided);

internal static class DecisionCases
{
    private static readonly DeliveryPolicy Plain = new();
    private static readonly DeliveryPolicy Seeds = new() { DeadLetterAfterAttempts = 3 };
    private static readonly DeliveryPolicy NoDeadLetters = new() { DeadLettersEnabled = false };
    private static readonly ServicePolicy Repeatable = new() { Name = "orders" };
    private static readonly ServicePolicy Once = new() { Name = "payments", Repeatable = false };
    private static readonly Classification Stopped = Transient(Blame.Service) with { Kind = FaultKind.Cancelled };
    private static readonly DeliveryFailure First = Failed("503");

    internal static IReadOnlyList<DecisionCase> All { get; } =
    [
        new("The service answers 503, first attempt", First, Plain, Repeatable,
            "retry: service fault, retry 1 in 100 ms, gives up at an age of 24 h"),
        new("The 20th attempt, 23 h after the start", First with { Attempt = 20, Age = TimeSpan.FromHours(23) }, Plain, Repeatable,
            "retry: service fault, retry 20 in 15 s, gives up at an age of 24 h"),
        new("The service fails still after `max_age`", First with { Attempt = 900, Age = TimeSpan.FromHours(24) }, Plain, Repeatable,
            "dead: service fault, given up after 24 h"),
        new("503 with `Retry-After: 120`", First with { RetryAfter = TimeSpan.FromMinutes(2) }, Plain, Repeatable,
            "retry: service fault, retry 1 in 120 s, gives up at an age of 24 h"),
        new("503 with a `Retry-After` of a week", First with { RetryAfter = TimeSpan.FromDays(7) }, Plain, Repeatable,
            "retry: service fault, retry 1 in 60 min, gives up at an age of 24 h"),
        new("429: throttled, so it waits twice as long", Failed("429"), Plain, Repeatable,
            "retry: service fault, retry 1 in 200 ms, gives up at an age of 24 h"),
        new("The breaker has opened", First with { BreakerOpenFor = TimeSpan.FromSeconds(30) }, Plain, Repeatable,
            "retry: service fault, retry 1 in 100 ms, gives up at an age of 24 h; the route is paused, breaker open"),
        new("The retry budget of the service is used up", First with { BudgetExhausted = true }, Plain, Repeatable,
            "retry: service fault, retry 1 in 22.5 s, gives up at an age of 24 h; retry budget used up"),
        new("The service's certificate is wrong: a person has to mend it", Failed(FaultKind.TlsFailure), Plain, Repeatable,
            "retry: service fault, retry 1 in 22.5 s, gives up at an age of 24 h"),
        new("The service answers 400", Failed("400"), Plain, Repeatable,
            "dead: permanent, the same message would fail again"),
        new("A fault of the message that may pass, first attempt", Failed(Transient(Blame.Message)), Plain, Repeatable,
            "retry: message fault, retry 1 in 100 ms, 1 of 8"),
        new("The same for the 8th time (`max_attempts`)", Failed(Transient(Blame.Message)) with { Attempt = 12, MessageFaults = 7 },
            Plain, Repeatable,
            "dead: message fault, 8 of 8"),
        new("A fault about which nothing is known", Failed(FaultKind.Unknown), Plain, Repeatable,
            "retry: unknown fault, retry 1 in 100 ms, 1 of 3"),
        new("The same for the 3rd time", Failed(FaultKind.Unknown) with { Attempt = 9, UnknownFaults = 2 }, Plain, Repeatable,
            "dead: unknown fault, 3 of 3"),
        new("The same, but the attempt was a probe of the breaker",
            Failed(FaultKind.Unknown) with { Attempt = 9, UnknownFaults = 2, Probe = true }, Plain, Repeatable,
            "retry: unknown fault, retry 9 in 15 s, a probe, not counted"),
        new("The connection was reset after the request was sent, service `repeatable: false`", Failed(FaultKind.ConnectionReset), Plain,
            Once,
            "dead: the effect may have happened (connection_reset), and the service is not repeatable"),
        new("The connection was refused, service `repeatable: false`", Failed(FaultKind.ConnectionRefused), Plain, Once,
            "retry: service fault, retry 1 in 100 ms, gives up at an age of 24 h"),
        new("`dead_letter_after_attempts: 3`, the service fails for the 2nd time", First with { Attempt = 2 }, Seeds, Repeatable,
            "retry: service fault, retry 2 in 200 ms, attempt 2 of 3"),
        new("`dead_letter_after_attempts: 3`, the service fails for the 3rd time", First with { Attempt = 3 }, Seeds, Repeatable,
            "dead: service fault, attempt 3 of 3"),
        new("`dead_letter_after_attempts: 3`, the 3rd attempt was a probe", First with { Attempt = 3, Probe = true }, Seeds, Repeatable,
            "retry: service fault, retry 3 in 400 ms, attempt 3 of 3"),
        new("Dead letters are switched off, the service answers 400", Failed("400"), NoDeadLetters, Repeatable,
            "retry: permanent, retry 1 in 22.5 s, the same message would fail again; dead letters are off"),
        new("Dead letters are switched off, the effect may have happened, `repeatable: false`", Failed(FaultKind.ConnectionReset),
            NoDeadLetters, Once,
            "dead: the effect may have happened (connection_reset), and the service is not repeatable"),
        new("A breaker of ours was open: nothing was sent",
            Failed(FaultKind.CircuitOpen) with { Attempt = 3, Age = TimeSpan.FromDays(9), BreakerOpenFor = TimeSpan.FromSeconds(30) },
                Seeds, Once,
            "retry: not sent, retry 3 in 30 s, not counted; the route is paused, breaker open"),
        new("The relay was stopped during the attempt", Failed(Stopped), Seeds, Repeatable,
            "retry: stopped during the attempt, retry 1 in 0 s, not counted"),
        new("The relay was stopped during the attempt, service `repeatable: false`", Failed(Stopped), Plain, Once,
            "dead: the effect may have happened (cancelled), and the service is not repeatable"),
    ];

    internal static DeliveryFailure Failed(string status) => Failed(FaultClassifier.Default.Classify("http", status)!);

    internal static DeliveryFailure Failed(FaultKind kind) => Failed(FaultClassifier.Default.ForKind(kind));

    internal static DeliveryFailure Failed(Classification fault) => new()
    {
        Fault = fault,
        Attempt = 1,
        Age = TimeSpan.Zero,
        Now = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
        Sample = 0.5,
    };

    internal static Classification Transient(Blame blame) => new()
    {
        Kind = FaultKind.TemporaryFailure,
        Persistence = Persistence.Transient,
        Scope = RetryScope.Call,
        Applied = Applied.Maybe,
        Blame = blame,
        Evidence = "a test",
    };
}
