using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Recourse.Durable;

/// <summary>The activities and instruments behind <see cref="MessagingDiagnostics"/>.</summary>
internal static class MessagingTelemetry
{
    private const string Name = "recourse";

    private static readonly ActivitySource Source = new(MessagingDiagnostics.Name);
    private static readonly Meter Meter = new(MessagingDiagnostics.Name);
    private static readonly Counter<long> Sent =
        Meter.CreateCounter<long>(MessagingDiagnostics.Sent, "{message}", "Messages that were sent.");
    private static readonly Counter<long> Consumed =
        Meter.CreateCounter<long>(MessagingDiagnostics.Consumed, "{message}", "Deliveries that were handed out.");
    private static readonly Histogram<double> SendDuration =
        Meter.CreateHistogram<double>(MessagingDiagnostics.SendDuration, "s", "From a message to its commit.");
    private static readonly Histogram<double> ProcessDuration =
        Meter.CreateHistogram<double>(MessagingDiagnostics.ProcessDuration, "s", "How long one attempt took.");

    /// <summary>True when somebody wants to know of sent messages.</summary>
    public static bool WatchesSending => Source.HasListeners() || Sent.Enabled || SendDuration.Enabled;

    /// <summary>
    /// Sends with a producer's activity, whose id is the context in which the message was created: what attempts link to.
    /// </summary>
    public static async ValueTask<EnqueueResult> SendAsync(MessageStore store, EnqueueCommand command, CancellationToken cancellationToken)
    {
        var (queue, began, error) = (command.Message.Queue, TimeProvider.System.GetTimestamp(), (string?)null);
        using var activity = Sending(queue, command.Message.TraceParent);
        if (activity is not null)
            command.Message = command.Message with { TraceParent = activity.Id };
        try
        {
            var result = await store.CommitAsync(command, cancellationToken);
            activity?.SetTag("messaging.message.id", result.MessageId.ToString("D"));
            error = result.Status is EnqueueStatus.KeyConflict ? "key_conflict" : null;
            return result;
        }
        catch (Exception exception)
        {
            error = exception is StoreException refused ? refused.Problem.ToString() : exception.GetType().FullName;
            throw;
        }
        finally
        {
            if (error is not null)
                activity?.SetTag("error.type", error).SetStatus(ActivityStatusCode.Error);
            var tags = Tags(queue, "send", error);
            Sent.Add(1, tags);
            SendDuration.Record(TimeProvider.System.GetElapsedTime(began).TotalSeconds, tags);
        }
    }

    private static Activity? Sending(string queue, string? parent) => Tagged(
        ActivityContext.TryParse(parent, null, isRemote: true, out var context)
            ? Source.StartActivity($"send {queue}", ActivityKind.Producer, context)
            : Source.StartActivity($"send {queue}", ActivityKind.Producer), queue, "send");

    /// <summary>True when somebody follows the activities of attempts.</summary>
    public static bool FollowsAttempts => Source.HasListeners();

    /// <summary>
    /// Begins an attempt: a consumer's activity that is the root of its own trace, for the message may have waited for days, and links to
    /// the context in which it was sent.
    /// </summary>
    public static Activity? Process(ClaimedDelivery delivery)
    {
        ActivityLink[]? links = ActivityContext.TryParse(delivery.TraceParent, null, isRemote: true, out var sender) ? [new(sender)] : null;
        Activity.Current = null;
        var activity = Tagged(Source.StartActivity(
            $"process {delivery.Queue}", ActivityKind.Consumer, default(ActivityContext), links: links), delivery.Queue, "process");
        if (activity is not { IsAllDataRequested: true })
            return activity;
        activity.SetTag("messaging.consumer.group.name", delivery.Service);
        activity.SetTag("messaging.message.id", delivery.Id.MessageId.ToString("D"));
        activity.SetTag("messaging.message.body.size", delivery.Body.Length);
        activity.SetTag("recourse.delivery.id", delivery.Id.ToString());
        activity.SetTag("recourse.attempt", delivery.Attempt);
        activity.SetTag("recourse.generation", delivery.Generation);
        return activity;
    }

    /// <summary>What became of an attempt.</summary>
    public static void Ended(Activity? activity, in DeliveryResult result)
    {
        if (activity is null)
            return;
        if (result.Status is { } status)
            activity.SetTag("recourse.status", status);
        if (result.Fault is { } fault)
            activity.SetTag("error.type", fault.Kind.Name()).SetStatus(ActivityStatusCode.Error, result.Error);
    }

    /// <summary>Counts an attempt; called whoever listens.</summary>
    public static void Attempted(ClaimedDelivery delivery, Classification? fault, TimeSpan duration)
    {
        if (!Consumed.Enabled && !ProcessDuration.Enabled)
            return;
        var tags = Tags(delivery.Queue, "process", fault?.Kind.Name());
        tags.Add("messaging.consumer.group.name", delivery.Service);
        Consumed.Add(1, tags);
        ProcessDuration.Record(duration.TotalSeconds, tags);
    }

    private static Activity? Tagged(Activity? activity, string queue, string operation) => activity is not { IsAllDataRequested: true }
        ? activity
        : activity.SetTag("messaging.system", Name).SetTag("messaging.destination.name", queue)
            .SetTag("messaging.operation.name", operation).SetTag("messaging.operation.type", operation);

    private static TagList Tags(string queue, string operation, string? error)
    {
        var tags = new TagList
        {
            { "messaging.system", Name }, { "messaging.destination.name", queue }, { "messaging.operation.name", operation },
        };
        if (error is not null)
            tags.Add("error.type", error);
        return tags;
    }
}
