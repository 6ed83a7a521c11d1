namespace Recourse;

/// <summary>
/// The names under which the library reports: one meter and one activity source. Nothing is measured, and no clock is read, unless somebody
/// listens. The table with all tags is docs/reference/metrics.md.
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

    /// <summary>Counter: failed calls that were not tried again, by pipeline and reason; an exhausted budget is <c>budget</c>.</summary>
    public const string RetryStopped = "recourse_retry_stopped_total";

    /// <summary>Histogram in seconds: from the first failed attempt of a call to the attempt that worked, by pipeline.</summary>
    public const string RecoveryDuration = "recourse_error_recovery_duration_seconds";

    /// <summary>Histogram in seconds: calls from end to end, by pipeline and outcome (success, failure, neutral).</summary>
    public const string Duration = "recourse_call_duration_seconds";

    /// <summary>Counter: time limits and deadlines that passed, by pipeline, kind and abandoned (true, false).</summary>
    public const string Timeouts = "recourse_timeouts_total";

    /// <summary>Up-down counter: operations given up by an abandoning timeout that still run, by pipeline.</summary>
    public const string Abandoned = "recourse_abandoned_operations";

    /// <summary>
    /// Counter: calls that a strategy refused, by pipeline, reason (circuit_open, bulkhead_full, queue_timeout, rate_limit) and by (the
    /// name of the breaker, bulkhead or limit).
    /// </summary>
    public const string Rejections = "recourse_rejections_total";

    /// <summary>Counter: calls that a fallback answered, by pipeline and kind.</summary>
    public const string Fallbacks = "recourse_fallbacks_total";

    /// <summary>
    /// Gauge, by pipeline and circuit: 0 closed, 1 half-open, 2 open, 3 isolated. Reported for the pipelines of a registry.
    /// </summary>
    public const string CircuitBreakerState = "recourse_circuit_breaker_state";

    /// <summary>Counter: changes of a circuit's state, by circuit, to (the new state) and reason.</summary>
    public const string CircuitBreakerTransitions = "recourse_circuit_breaker_transitions_total";

    /// <summary>Gauge, by pipeline and bulkhead: permits that are out. Reported for the pipelines of a registry.</summary>
    public const string BulkheadInFlight = "recourse_bulkhead_in_flight";

    /// <summary>Gauge, by pipeline and bulkhead: calls that wait. Reported for the pipelines of a registry.</summary>
    public const string BulkheadQueued = "recourse_bulkhead_queued";

    /// <summary>Gauge, by pipeline: retries that the budget would pay for now. Reported for the pipelines of a registry.</summary>
    public const string RetryBudgetAvailable = "recourse_retry_budget_available";

    /// <summary>Counter: functions and observers of yours that threw.</summary>
    public const string ObserverFailures = "recourse_observer_failures_total";

    /// <summary>
    /// Raised when an observer or a rule of yours threw in a part that has no logger of its own: a breaker used alone, a classifier, what
    /// hangs on a token. No outcome changed. On the thread that saw it, outside any lock; what a handler throws is dropped.
    /// </summary>
    public static event Action<Exception>? ObserverFailed
    {
        add => ObserverErrors.Raised += value;
        remove => ObserverErrors.Raised -= value;
    }
}
