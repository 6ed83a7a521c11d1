using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Recourse.Durable.Tests.Messaging;

#pragma warning disable xUnit1051 // What is tested runs to its end; the token of the test ends only the waiting.
namespace Recourse.Durable.Tests.Telemetry;

/// <summary>Traces and metrics by the semantic conventions for messaging; other tests of the process send to other queues.</summary>
public sealed class MessagingTelemetryTests : IDisposable
{
    private const string Queue = "watched-orders";

    private readonly ConcurrentQueue<Activity> _ended = [];
    private readonly ConcurrentQueue<(string Name, double Value, Dictionary<string, object?> Tags)> _measured = [];
    private readonly ActivityListener _listener;
    private readonly MeterListener _meters = new();

    public MessagingTelemetryTests()
    {
        _listener = new()
        {
            ShouldListenTo = source => source.Name == MessagingDiagnostics.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> options) => options.Name.EndsWith(Queue, StringComparison.Ordinal)
                ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == MessagingDiagnostics.Name)
                listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _meters.Start();
    }

    private void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var all = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value);
        if ((string?)all["messaging.destination.name"] == Queue)
            _measured.Enqueue((instrument.Name, value, all));
    }

    public void Dispose()
    {
        _listener.Dispose();
        _meters.Dispose();
    }

    [Fact]
    public async Task An_attempt_is_the_root_of_its_trace_and_links_to_the_sending_which_is_a_child_of_the_sender()
    {
        await using var rig = await BusRig.StartAsync(messages => messages.Handle<Order, BillOrder>(Queue));
        Activity? seen = null;
        rig.Ledger.OnBill = (_, _, _) =>
        {
            seen = Activity.Current;
            return default;
        };
        const string sender = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var sent = await rig.Bus.SendAsync(Queue, new Order(7), new() { TraceParent = sender });
        await rig.UntilAsync(sent.MessageId, DeliveryState.Delivered);

        var sending = _ended.Single(activity => activity.Kind is ActivityKind.Producer);
        Assert.Equal(($"send {Queue}", sender), (sending.OperationName, sending.ParentId));
        Assert.Equal(("recourse", Queue, "send", sent.MessageId.ToString()), (Tag(sending, "messaging.system"),
            Tag(sending, "messaging.destination.name"), Tag(sending, "messaging.operation.type"), Tag(sending, "messaging.message.id")));

        var attempt = _ended.Single(activity => activity.Kind is ActivityKind.Consumer);
        Assert.Equal(($"process {Queue}", null), (attempt.OperationName, attempt.ParentId));
        Assert.NotEqual(sending.TraceId, attempt.TraceId);
        Assert.Equal(sending.Context.SpanId, Assert.Single(attempt.Links).Context.SpanId);
        Assert.Equal(("process", "bill-order", sent.MessageId.ToString(), "1"), (Tag(attempt, "messaging.operation.name"),
            Tag(attempt, "messaging.consumer.group.name"), Tag(attempt, "messaging.message.id"), Tag(attempt, "recourse.attempt")));
        Assert.Equal(ActivityStatusCode.Unset, attempt.Status);
        Assert.Same(attempt, seen);
    }

    [Fact]
    public async Task A_failed_attempt_says_what_kind_of_fault_it_was()
    {
        await using var rig = await BusRig.StartAsync(messages => messages.Handle<Order, BillOrder>(Queue));
        rig.Ledger.OnBill = (_, _, _) => throw new MessageRejectedException("no such customer", FaultKind.BusinessRuleViolation);
        var sent = await rig.Bus.SendAsync(Queue, new Order(7));
        await rig.UntilAsync(sent.MessageId, DeliveryState.Dead);

        var attempt = _ended.Single(activity => activity.Kind is ActivityKind.Consumer);
        Assert.Equal((ActivityStatusCode.Error, "no such customer", "business_rule_violation"),
            (attempt.Status, attempt.StatusDescription, Tag(attempt, "error.type")));
        var processed = _measured.Single(one => one.Name == MessagingDiagnostics.ProcessDuration);
        Assert.Equal(("business_rule_violation", "bill-order"),
            (processed.Tags["error.type"], processed.Tags["messaging.consumer.group.name"]));
    }

    [Fact]
    public async Task Sent_and_consumed_messages_are_counted_and_timed()
    {
        await using var rig = await BusRig.StartAsync(messages => messages.Handle<Order, BillOrder>(Queue));
        var sent = await rig.Bus.SendAsync(Queue, new Order(7), new() { IdempotencyKey = "one" });
        await rig.Bus.SendAsync(Queue, new Order(8), new() { IdempotencyKey = "one" });
        await rig.UntilAsync(sent.MessageId, DeliveryState.Delivered);

        Assert.Equal([null, "key_conflict"],
            _measured.Where(one => one.Name == MessagingDiagnostics.Sent).Select(one => one.Tags.GetValueOrDefault("error.type")));
        Assert.Equal(2, _measured.Count(one => one.Name == MessagingDiagnostics.SendDuration && one.Value >= 0));
        Assert.Equal(1, _measured.Single(one => one.Name == MessagingDiagnostics.Consumed).Value);
    }

    private static string? Tag(Activity activity, string name) => activity.GetTagItem(name)?.ToString();
}
