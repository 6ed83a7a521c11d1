using System.Diagnostics;
using System.Diagnostics.Metrics;
using Recourse.Durable;

namespace Recourse.Server.Telemetry;

/// <summary>
/// Spans and metrics of messages by the conventions of OpenTelemetry: <c>send {queue}</c> when one is stored, <c>deliver {queue}</c> for
/// each attempt. Hours may lie between the two, so an attempt begins a trace of its own that is linked to the sender's. Nothing is made
/// where nobody listens.
/// </summary>
internal sealed class MessagingTelemetry : IDisposable
{
    public const string SourceName = "Recourse.Relay";
    public const string MeterName = "Recourse.Messaging";
    private const string System = "recourse";

    private readonly ActivitySource _source = new(SourceName);
    private readonly Meter _meter;
    private readonly Counter<long> _sent;
    private readonly Histogram<double> _processed;
    private readonly Counter<long> _consumed;

    public MessagingTelemetry()
    {
        _meter = new(new MeterOptions(MeterName) { Scope = this });
        _sent = _meter.CreateCounter<long>("messaging.client.sent.messages", "{message}",
            "Messages that were stored, or refused, by queue.");
        _consumed = _meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}",
            "Attempts at deliveries, by queue and service.");
        _processed = _meter.CreateHistogram<double>("messaging.process.duration", "s", "How long one attempt took.");
    }

    /// <summary>Somebody collects what is sent.</summary>
    public bool WatchesSending => _source.HasListeners() || _sent.Enabled;

    /// <summary>The span of a message that is being stored, beneath what its sender did; null when nobody listens.</summary>
    public Activity? Sending(NewMessage message)
    {
        _ = ActivityContext.TryParse(message.TraceParent, null, isRemote: true, out var sender);
        var activity = _source.StartActivity($"send {message.Queue}", ActivityKind.Producer, sender);
        if (activity is { IsAllDataRequested: true })
        {
            Describe(activity, "send", message.Queue);
            activity.SetTag("messaging.message.body.size", message.Body.Length);
        }
        return activity;
    }

    /// <summary>Ends the span of a message with what became of it.</summary>
    public void Sent(Activity? activity, string queue, EnqueueResult? result, Exception? error)
    {
        var type = error is null ? null : error.GetType().Name;
        if (activity is { IsAllDataRequested: true })
        {
            if (result is { } stored)
            {
                activity.SetTag("messaging.message.id", stored.MessageId.ToString("D"));
                activity.SetTag("recourse.duplicate", stored.Status is EnqueueStatus.Duplicate);
            }
            if (type is not null)
                activity.SetTag("error.type", type).SetStatus(ActivityStatusCode.Error);
        }
        if (_sent.Enabled)
            _sent.Add(1, Tags("send", queue, null, type));
    }

    /// <summary>The span of an attempt: the beginning of a trace, linked to the sender's; null when nobody listens.</summary>
    public Activity? Delivering(ClaimedDelivery delivery)
    {
        if (!_source.HasListeners())
            return null;
        // Not beneath what runs this loop by chance.
        var around = Activity.Current;
        Activity.Current = null;
        ActivityLink[] links = ActivityContext.TryParse(delivery.TraceParent, null, isRemote: true, out var sender) ? [new(sender)] : [];
        var activity = _source.StartActivity(
            $"deliver {delivery.Queue}", ActivityKind.Consumer, default(ActivityContext), tags: null, links);
        if (activity is null)
            Activity.Current = around;
        if (activity is not { IsAllDataRequested: true })
            return activity;
        Describe(activity, "process", delivery.Queue);
        return activity.SetTag("messaging.destination.subscription.name", delivery.Service)
            .SetTag("messaging.message.id", delivery.Id.MessageId.ToString("D"))
            .SetTag("messaging.message.body.size", delivery.Body.Length)
            .SetTag("recourse.delivery.id", delivery.Id.ToString())
            .SetTag("recourse.attempt", delivery.Attempt)
            .SetTag("recourse.generation", delivery.Generation);
    }

    /// <summary>Ends the span of an attempt with what it came to.</summary>
    public void Delivered(Activity? activity, ClaimedDelivery delivery, in DeliveryResult result, TimeSpan took)
    {
        var type = result.Fault?.Kind.Name();
        if (activity is { IsAllDataRequested: true })
        {
            if (int.TryParse(result.Status, out var status))
                activity.SetTag("http.response.status_code", status);
            if (type is not null)
                activity.SetTag("error.type", type).SetStatus(ActivityStatusCode.Error, result.Error);
        }
        if (_consumed.Enabled)
            _consumed.Add(1, Tags("process", delivery.Queue, delivery.Service, type));
        if (_processed.Enabled)
            _processed.Record(took.TotalSeconds, Tags("process", delivery.Queue, delivery.Service, type));
    }

    private static void Describe(Activity activity, string operation, string queue) => activity
        .SetTag("messaging.system", System)
        .SetTag("messaging.operation.name", operation == "process" ? "deliver" : operation)
        .SetTag("messaging.operation.type", operation)
        .SetTag("messaging.destination.name", queue);

    private static TagList Tags(string operation, string queue, string? service, string? error)
    {
        var tags = new TagList
        {
            { "messaging.system", System },
            { "messaging.operation.name", operation == "process" ? "deliver" : operation },
            { "messaging.destination.name", queue },
        };
        if (service is not null)
            tags.Add("messaging.destination.subscription.name", service);
        if (error is not null)
            tags.Add("error.type", error);
        return tags;
    }

    public void Dispose()
    {
        _source.Dispose();
        _meter.Dispose();
    }
}
