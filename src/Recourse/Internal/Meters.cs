using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Recourse;

/// <summary>The instruments behind <see cref="RecourseDiagnostics"/>.</summary>
internal static class Meters
{
    internal static readonly ActivitySource Source = new(RecourseDiagnostics.Name);
    private static readonly Meter Meter = new(RecourseDiagnostics.Name);
    private static readonly Counter<long> Errors = Counter(RecourseDiagnostics.Errors, "calls that failed");
    private static readonly Counter<long> Retries = Counter(RecourseDiagnostics.RetryAttempts, "attempts after the first");
    private static readonly Counter<long> RetrySuccesses = Counter(RecourseDiagnostics.RetrySuccess, "calls that worked after a retry");
    private static readonly Counter<long> RetryStops = Counter(RecourseDiagnostics.RetryStopped, "failed calls not tried again");
    private static readonly Counter<long> Timeouts = Counter(RecourseDiagnostics.Timeouts, "time limits that passed");
    private static readonly Counter<long> Rejections = Counter(RecourseDiagnostics.Rejections, "calls that a strategy refused");
    private static readonly Counter<long> Fallbacks = Counter(RecourseDiagnostics.Fallbacks, "calls that a fallback answered");
    private static readonly Counter<long> Transitions =
        Counter(RecourseDiagnostics.CircuitBreakerTransitions, "changes of a circuit's state");
    private static readonly Counter<long> Observers =
        Counter(RecourseDiagnostics.ObserverFailures, "functions and observers of the program that threw");
    private static readonly UpDownCounter<long> AbandonedNow =
        Meter.CreateUpDownCounter<long>(RecourseDiagnostics.Abandoned, description: "operations that were given up and still run");
    private static readonly Histogram<double> Durations =
        Meter.CreateHistogram<double>(RecourseDiagnostics.Duration, "s", "calls from end to end");
    private static readonly Histogram<double> Recoveries =
        Meter.CreateHistogram<double>(RecourseDiagnostics.RecoveryDuration, "s", "from the first failed attempt to the one that worked");

    internal static bool Listens => Durations.Enabled || Source.HasListeners();

    internal static bool MeasuresRecovery => Recoveries.Enabled;

    internal static void Failed(Plan plan, Classification? classification)
    {
        if (Errors.Enabled) Errors.Add(1, Of(plan), Tag("kind", (classification?.Kind ?? FaultKind.Cancelled).Name()));
    }

    internal static void Retried(Plan plan, FaultKind kind)
    {
        if (Retries.Enabled) Retries.Add(1, Of(plan), Tag("kind", kind.Name()));
    }

    internal static void RetryStopped(Plan plan, RetryStop reason)
    {
        if (RetryStops.Enabled) RetryStops.Add(1, Of(plan), Tag("reason", Name(reason)));
    }

    internal static void RetryWorked(Call call)
    {
        if (RetrySuccesses.Enabled) RetrySuccesses.Add(1, Of(call.Plan));
        if (call.FailingSince is { } since) Recoveries.Record(call.Time.GetElapsedTime(since).TotalSeconds, Of(call.Plan));
    }

    internal static void TimedOut(Plan plan, FaultKind kind, bool abandoned)
    {
        if (Timeouts.Enabled) Timeouts.Add(1, Of(plan), Tag("kind", kind.Name()), Tag("abandoned", abandoned ? "true" : "false"));
    }

    internal static void Abandoned(Plan plan, int by)
    {
        if (AbandonedNow.Enabled) AbandonedNow.Add(by, Of(plan));
    }

    internal static void Rejected(Plan plan, string reason, string by)
    {
        if (Rejections.Enabled) Rejections.Add(1, Of(plan), Tag("reason", reason), Tag("by", by));
    }

    internal static void FellBack(Plan plan, FaultKind kind)
    {
        if (Fallbacks.Enabled) Fallbacks.Add(1, Of(plan), Tag("kind", kind.Name()));
    }

    internal static void CircuitChanged(in CircuitTransition change)
    {
        if (!Transitions.Enabled) return;
        Transitions.Add(1, Tag("circuit", change.Name), Tag("to", Name(change.To)), Tag("reason", Name(change.Reason)));
    }

    internal static void ObserverFailed() => Observers.Add(1);

    internal static void Ended(Plan plan, string outcome, TimeSpan duration) =>
        Durations.Record(duration.TotalSeconds, Of(plan), Tag("outcome", outcome));

    internal static int Encode(CircuitState state) => state switch
    {
        CircuitState.Closed => 0,
        CircuitState.HalfOpen => 1,
        CircuitState.Open => 2,
        _ => 3,
    };

    /// <summary>What can be read at any time of the pipelines of a registry.</summary>
    internal static void Observe(Meter meter, Func<IEnumerable<KeyValuePair<string, Pipeline>>> pipelines)
    {
        meter.CreateObservableGauge(RecourseDiagnostics.CircuitBreakerState, () =>
            from entry in pipelines()
            from breaker in entry.Value.CircuitBreakers
            select new Measurement<int>(Encode(breaker.State), Tag("pipeline", entry.Key), Tag("circuit", breaker.Name)),
            description: "0 closed, 1 half-open, 2 open, 3 isolated");
        meter.CreateObservableGauge(RecourseDiagnostics.BulkheadInFlight, () =>
            from entry in pipelines()
            from bulkhead in entry.Value.Bulkheads
            select new Measurement<int>(bulkhead.InFlight, Tag("pipeline", entry.Key), Tag("bulkhead", bulkhead.Name)),
            description: "permits that are out");
        meter.CreateObservableGauge(RecourseDiagnostics.BulkheadQueued, () =>
            from entry in pipelines()
            from bulkhead in entry.Value.Bulkheads
            select new Measurement<int>(bulkhead.Queued, Tag("pipeline", entry.Key), Tag("bulkhead", bulkhead.Name)),
            description: "calls that wait for a permit");
        meter.CreateObservableGauge(RecourseDiagnostics.RetryBudgetAvailable, () =>
            from entry in pipelines()
            from budget in entry.Value.RetryBudgets.Take(1)
            select new Measurement<double>(budget.Available, Tag("pipeline", entry.Key)),
            description: "retries that the budget would pay for now");
    }

    private static Counter<long> Counter(string name, string description) => Meter.CreateCounter<long>(name, description: description);

    // Names of values in the manner of all other labels.
    private static string Name<TEnum>(TEnum value)
        where TEnum : struct, Enum
    {
        var name = Enum.GetName(value) ?? "unknown";
        return string.Concat(name.Select((letter, i) =>
            char.IsUpper(letter) ? (i == 0 ? "" : "_") + char.ToLowerInvariant(letter) : letter.ToString()));
    }

    private static KeyValuePair<string, object?> Of(Plan plan) => Tag("pipeline", plan.Name);

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}

/// <summary>One call that somebody listens to; made only then.</summary>
internal sealed class Observation
{
    private readonly long _began;
    private readonly Activity? _activity;

    internal Observation(Call call)
    {
        _began = call.Time.GetTimestamp();
        _activity = Meters.Source.StartActivity(call.Context.Operation ?? call.Plan.Name);
        _activity?.SetTag("recourse.pipeline", call.Plan.Name);
        if (call.Context.CorrelationId is { } id) _activity?.SetTag("recourse.correlation_id", id);
    }

    internal void End(Call call)
    {
        var (judgement, kind) = call.Succeeded
            ? (Judgement.Success, null) : (call.Verdict.Judgement, call.FinalClassification?.Kind.Name());
        var outcome = judgement switch { Judgement.Success => "success", Judgement.Failure => "failure", _ => "neutral" };
        Meters.Ended(call.Plan, outcome, call.Time.GetElapsedTime(_began));
        if (_activity is null) return;
        _activity.SetTag("recourse.attempts", call.AttemptNumber);
        if (judgement == Judgement.Failure) _activity.SetStatus(ActivityStatusCode.Error, kind);
        _activity.Dispose();
    }
}
