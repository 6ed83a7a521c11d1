using System.Diagnostics.Metrics;
using Recourse.Durable;

namespace Recourse.Server.Metrics;

/// <summary>
/// The instruments of the relay. Their names are in docs/reference/metrics.md.
/// </summary>
internal sealed class RelayMeters : IDisposable
{
    public const string MeterName = "Recourse.Relay";

    private readonly Meter _meter;
    private readonly Counter<long> _messages;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _denied;
    private readonly Counter<long> _errors;
    private readonly Counter<long> _attempts;
    private readonly Counter<long> _retries;
    private readonly Counter<long> _retrySuccesses;
    private readonly Counter<long> _deadLetters;
    private readonly Counter<long> _processed;
    private readonly Counter<long> _processingErrors;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _recovery;

    public RelayMeters()
    {
        // A scope of its own: two relays in one process do not count for each other.
        _meter = new(new MeterOptions(MeterName) { Scope = this });
        _messages = _meter.CreateCounter<long>("recourse_messages_total", "{message}",
            "Messages that were sent to a queue, by what became of them: accepted, duplicate, key_conflict.");
        _refused = _meter.CreateCounter<long>("recourse_messages_refused_total", "{message}",
            "Messages that were not taken, by the reason.");
        _denied = _meter.CreateCounter<long>("recourse_requests_denied_total", "{request}",
            "Requests that were not let in, by the reason: no_key, unknown_key, role.");
        _errors = _meter.CreateCounter<long>("recourse_errors_total", "{fault}", "Failed attempts, by service, kind and category.");
        _attempts = _meter.CreateCounter<long>("recourse_delivery_attempts_total", "{attempt}",
            "Attempts at deliveries, by service and outcome.");
        _retries = _meter.CreateCounter<long>("recourse_retry_attempts_total", "{attempt}",
            "Attempts after the first of a generation, by service.");
        _retrySuccesses = _meter.CreateCounter<long>("recourse_retry_success_total", "{attempt}",
            "Attempts after the first that delivered, by service.");
        _deadLetters = _meter.CreateCounter<long>("recourse_dead_letters_total", "{delivery}",
            "Deliveries that became dead letters, by queue and kind.");
        _processed = _meter.CreateCounter<long>("recourse_dlq_messages_processed_total", "{delivery}",
            "Dead letters that were replayed or discarded.");
        _processingErrors =
            _meter.CreateCounter<long>("recourse_dlq_processing_errors_total", "{delivery}",
                "Acts on dead letters that could not be done.");
        _duration = _meter.CreateHistogram<double>("recourse_delivery_duration_seconds", "s", "How long one attempt took, by service.");
        _recovery = _meter.CreateHistogram<double>("recourse_error_recovery_duration_seconds", "s",
            "From the beginning of a delivery's generation to its success, for deliveries that failed at least once, by service.");
    }

    /// <summary>Whose instruments are shown with this relay's: its own, and those of the library in the same process.</summary>
    public bool Owns(Meter meter) => ReferenceEquals(meter, _meter)
        || (meter.Name.StartsWith("Recourse", StringComparison.Ordinal) && meter.Name is not (MeterName or MessagingDiagnostics.Name));

    public void Enqueued(string queue, EnqueueStatus status) => _messages.Add(1, new("queue", queue), new("result", status switch
    {
        EnqueueStatus.Accepted => "accepted",
        EnqueueStatus.Duplicate => "duplicate",
        _ => "key_conflict",
    }));

    public void Refused(string queue, string reason) => _refused.Add(1, new("queue", queue), new("reason", reason));

    public void Denied(string reason) => _denied.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Replayed(int letters) => _processed.Add(letters, new KeyValuePair<string, object?>("action", "replayed"));

    public void DeadLetterActed(string act, DeadLetterOutcome outcome)
    {
        if (outcome is DeadLetterOutcome.Done)
            _processed.Add(1, new KeyValuePair<string, object?>("action", act));
        else
            _processingErrors.Add(1, new KeyValuePair<string, object?>("action", act));
    }

    public void Attempted(AttemptReport report)
    {
        var (delivery, attempt) = (report.Delivery, report.Attempt);
        var service = new KeyValuePair<string, object?>("service", delivery.Service);
        _attempts.Add(1, service, new("outcome", attempt.Outcome));
        _duration.Record((attempt.DurationMs ?? 0) / 1000d, service);
        var again = delivery.AttemptInGeneration > 1;
        if (again)
            _retries.Add(1, service);
        if (report.Fault is { } fault)
        {
            _errors.Add(1, service, new("kind", fault.Kind.Name()), new("category", Api.ViewMapping.Snake(fault.Category)));
            if (report.Decision is { Action: DeliveryAction.DeadLetter })
                _deadLetters.Add(1, new("queue", delivery.Queue), new("kind", (attempt.Kind ?? fault.Kind).Name()));
        }
        else if (again)
        {
            _retrySuccesses.Add(1, service);
            _recovery.Record((attempt.StartedAt - delivery.GenerationAt).TotalSeconds + (attempt.DurationMs ?? 0) / 1000d, service);
        }
    }

    /// <summary>Adds what is read rather than counted: breakers, bulkheads and the books.</summary>
    public void Observe(Func<IReadOnlyList<ServiceStatus>> services, Books books, Func<int?> deadMax)
    {
        _meter.CreateObservableGauge("recourse_circuit_breaker_state", () => services().Select(service => new Measurement<int>(
            service.Breaker switch { "closed" => 0, "half_open" => 1, "open" => 2, _ => 3 },
                new KeyValuePair<string, object?>("service", service.Name))),
            null, "0 closed, 1 half-open, 2 open, 3 isolated.");
        _meter.CreateObservableGauge("recourse_deliveries_in_flight", () => services().Select(service => new Measurement<int>(
            service.InFlight, new KeyValuePair<string, object?>("service", service.Name))), "{delivery}",
                "Attempts under way, by service.");
        _meter.CreateObservableGauge("recourse_dead_letter_queue_depth", () => books.Latest.Select(queue => new Measurement<long>(
            queue.Dead, new KeyValuePair<string, object?>("queue", queue.Queue))), "{delivery}", "Dead letters, by queue.");
        // Without a bound there is nothing to fill, and no measurement.
        _meter.CreateObservableGauge("recourse_dead_letter_queue_fill_ratio", () => deadMax() is { } max
            ? [new Measurement<double>(books.Latest.Sum(queue => queue.Dead) / (double)max)] : Array.Empty<Measurement<double>>(),
            "1", "Dead letters as a part of max_size; from 0.8 on a warning, at 1 queues answer 429.");
        _meter.CreateObservableGauge("recourse_queue_depth", () => books.Latest.SelectMany(queue => new[]
        {
            Depth(queue.Queue, "waiting", queue.Waiting), Depth(queue.Queue, "delayed", queue.Delayed),
                Depth(queue.Queue, "leased", queue.Leased),
        }), "{delivery}", "Deliveries that are not finished, by queue and state.");
    }

    private static Measurement<long> Depth(string queue, string state, long depth) => new(depth, new("queue", queue), new("state", state));

    public void Dispose() => _meter.Dispose();
}
