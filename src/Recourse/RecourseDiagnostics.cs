using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Recourse;

/// <summary>
/// The names under which the library reports: one meter and one activity source. Nothing is measured, and no clock is read, unless somebody
/// listens. Tags: pipeline, operation, kind, circuit, outcome.
/// </summary>
public static class RecourseDiagnostics
{
    /// <summary>The name of the meter and of the activity source.</summary>
    public const string Name = "Recourse";

    /// <summary>Counter: calls that failed, by pipeline and kind.</summary>
    public const string Errors = "recourse_errors_total";

    /// <summary>Counter: attempts after the first, by pipeline and kind.</summary>
    public const string RetryAttempts = "recourse_retry_attempts_total";

    /// <summary>Counter: calls that worked after at least one retry, by pipeline.</summary>
    public const string RetrySuccess = "recourse_retry_success_total";

    /// <summary>Histogram in seconds: calls from end to end, by pipeline and outcome (success, failure, neutral).</summary>
    public const string Duration = "recourse_call_duration_seconds";

    /// <summary>
    /// Gauge, by pipeline and circuit: 0 closed, 1 half-open, 2 open, 3 isolated. Reported for the pipelines of a registry.
    /// </summary>
    public const string CircuitBreakerState = "recourse_circuit_breaker_state";

    internal static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> ErrorCounter = Meter.CreateCounter<long>(Errors);
    private static readonly Counter<long> RetryCounter = Meter.CreateCounter<long>(RetryAttempts);
    private static readonly Counter<long> RetrySuccessCounter = Meter.CreateCounter<long>(RetrySuccess);
    private static readonly Histogram<double> DurationHistogram = Meter.CreateHistogram<double>(Duration, "s");

    internal static bool Listens => DurationHistogram.Enabled || Source.HasListeners();

    internal static int Encode(CircuitState state) => state switch
    {
        CircuitState.Closed => 0,
        CircuitState.HalfOpen => 1,
        CircuitState.Open => 2,
        _ => 3,
    };

    internal static void Failed(Plan plan, Classification? classification)
    {
        if (ErrorCounter.Enabled) ErrorCounter.Add(1, Tag("pipeline", plan.Name), Tag("kind",
            (classification?.Kind ?? FaultKind.Cancelled).Name()));
    }

    internal static void Retried(Plan plan, FaultKind kind)
    {
        if (RetryCounter.Enabled) RetryCounter.Add(1, Tag("pipeline", plan.Name), Tag("kind", kind.Name()));
    }

    internal static void RetryWorked(Plan plan)
    {
        if (RetrySuccessCounter.Enabled) RetrySuccessCounter.Add(1, Tag("pipeline", plan.Name));
    }

    internal static void Ended(Plan plan, string outcome, TimeSpan duration) =>
        DurationHistogram.Record(duration.TotalSeconds, Tag("pipeline", plan.Name), Tag("outcome", outcome));

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
        _activity = RecourseDiagnostics.Source.StartActivity(call.Context.Operation ?? call.Plan.Name);
        _activity?.SetTag("recourse.pipeline", call.Plan.Name);
        if (call.Context.CorrelationId is { } id) _activity?.SetTag("recourse.correlation_id", id);
    }

    internal void End(Call call)
    {
        var (judgement, kind) = call.Succeeded
            ? (Judgement.Success, null) : (call.Verdict.Judgement, call.FinalClassification?.Kind.Name());
        RecourseDiagnostics.Ended(call.Plan, judgement switch
        {
            Judgement.Success => "success",
            Judgement.Failure => "failure",
            _ =>
            "neutral"
        }, call.Time.GetElapsedTime(_began));
        if (_activity is null) return;
        _activity.SetTag("recourse.attempts", call.AttemptNumber);
        if (judgement == Judgement.Failure) _activity.SetStatus(ActivityStatusCode.Error, kind);
        _activity.Dispose();
    }
}
