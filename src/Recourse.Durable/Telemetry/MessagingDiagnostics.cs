namespace Recourse.Durable;

/// <summary>
/// The names under which messages are reported: one meter and one activity source, for the relay and for a <see cref="MessageBus"/>. Names,
/// kinds and attributes follow the semantic conventions of OpenTelemetry for messaging (semconv 1.36). Nothing is measured unless somebody
/// listens. The table with all attributes is docs/reference/metrics.md.
/// </summary>
public static class MessagingDiagnostics
{
    /// <summary>The name of the meter and of the activity source.</summary>
    public const string Name = "Recourse.Messages";

    /// <summary>Counter: messages that were sent, by queue; those that were not stored have an <c>error.type</c>.</summary>
    public const string Sent = "messaging.client.sent.messages";

    /// <summary>Histogram in seconds: from a message to its commit, by queue.</summary>
    public const string SendDuration = "messaging.client.operation.duration";

    /// <summary>Counter: deliveries that were handed to a handler or a service, by queue and handler.</summary>
    public const string Consumed = "messaging.client.consumed.messages";

    /// <summary>Histogram in seconds: one attempt, by queue and handler; failed ones have an <c>error.type</c>.</summary>
    public const string ProcessDuration = "messaging.process.duration";
}
