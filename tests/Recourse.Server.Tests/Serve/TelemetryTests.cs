using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using Recourse.Server.Telemetry;

namespace Recourse.Server.Tests;

/// <summary>Spans and metrics by the conventions of OpenTelemetry, and that a collector gets them.</summary>
public sealed class TelemetryTests
{
    private const string Sender = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Listens to the spans of one queue, whose name no other test uses.</summary>
    private static ActivityListener Listen(string queue, List<Activity> ended)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == MessagingTelemetry.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                options.Name.EndsWith(" " + queue, StringComparison.Ordinal) ? ActivitySamplingResult.AllDataAndRecorded
                    : ActivitySamplingResult.None,
            ActivityStopped = activity =>
            {
                lock (ended)
                    ended.Add(activity);
            },
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private static string Yaml(string queue) => TestRelay.Basic.Replace("  orders:", $"  {queue}:", StringComparison.Ordinal);

    private static async Task<List<Activity>> UntilAsync(List<Activity> ended, int count)
    {
        while (true)
        {
            lock (ended)
            {
                if (ended.Count >= count)
                    return [.. ended];
            }
            Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    [Fact]
    public async Task An_attempt_is_a_span_of_its_own_linked_over_the_durable_hop_to_the_sender()
    {
        var ended = new List<Activity>();
        using var listener = Listen("traced", ended);
        var handed = new TaskCompletionSource<string?>();
        await using var relay = await TestRelay.StartAsync(Yaml("traced"), (delivery, token) =>
        {
            handed.TrySetResult(delivery.TraceParent);
            return TestRelay.Delivers(delivery, token);
        });
        var id = await relay.AcceptedAsync("traced", "{}", ("traceparent", Sender));
        var spans = await UntilAsync(ended, 2);
        var (send, deliver) = (spans.Single(span => span.OperationName == "send traced"), spans.Single(span =>
            span.OperationName == "deliver traced"));
        Assert.Equal((ActivityKind.Producer, "0123456789abcdef"), (send.Kind, send.ParentSpanId.ToHexString()));
        Assert.Equal(ActivityKind.Consumer, deliver.Kind);
        Assert.Equal("0123456789abcdef0123456789abcdef", Assert.Single(deliver.Links).Context.TraceId.ToHexString());
        Assert.NotEqual(send.TraceId, deliver.TraceId);
        Assert.Null(deliver.ParentId);
        Assert.Equal(deliver.Id, await handed.Task);
        Assert.Equal(("recourse", "deliver", "process", "traced", "shop", id, "200"), (Tag("messaging.system"),
            Tag("messaging.operation.name"),
            Tag("messaging.operation.type"), Tag("messaging.destination.name"), Tag("messaging.destination.subscription.name"),
            Tag("messaging.message.id"), Tag("http.response.status_code")));
        Assert.Equal(id, send.GetTagItem("messaging.message.id"));

        string? Tag(string name) => deliver.GetTagItem(name)?.ToString();
    }

    [Fact]
    public async Task A_sender_without_a_trace_gets_one_and_a_failed_attempt_says_what_failed()
    {
        var ended = new List<Activity>();
        using var listener = Listen("failing-trace", ended);
        await using var relay = await TestRelay.StartAsync(Yaml("failing-trace"), TestRelay.Refuses);
        await relay.AcceptedAsync("failing-trace");
        var spans = await UntilAsync(ended, 2);
        var (send, deliver) = (spans.Single(span => span.Kind is ActivityKind.Producer), spans.Single(span => span.Kind
            is ActivityKind.Consumer));
        Assert.Equal(send.SpanId, Assert.Single(deliver.Links).Context.SpanId);
        Assert.Equal((ActivityStatusCode.Error, "bad_request"), (deliver.Status, deliver.GetTagItem("error.type")));
    }

    [Fact]
    public async Task Where_nobody_listens_the_service_gets_the_senders_trace()
    {
        var handed = new TaskCompletionSource<string?>();
        await using var relay = await TestRelay.StartAsync(Yaml("untraced"), (delivery, token) =>
        {
            handed.TrySetResult(delivery.TraceParent);
            return TestRelay.Delivers(delivery, token);
        });
        await relay.AcceptedAsync("untraced", "{}", ("traceparent", Sender));
        Assert.Equal(Sender, await handed.Task.WaitAsync(Token));
    }

    [Fact]
    public async Task Metrics_have_the_names_of_the_conventions_and_do_not_stand_twice_in_the_exposition()
    {
        var seen = new List<(string Name, string? Error)>();
        var delivered = new TaskCompletionSource();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == MessagingTelemetry.MeterName)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) =>
        {
            if (!tags.ToArray().Contains(new("messaging.destination.name", "measured")))
                return;
            seen.Add((instrument.Name, tags.ToArray().FirstOrDefault(tag => tag.Key == "error.type").Value as string));
            delivered.TrySetResult();
        });
        listener.Start();
        await using var relay = await TestRelay.StartAsync(Yaml("measured"), TestRelay.Refuses);
        await relay.AcceptedAsync("measured");
        await delivered.Task.WaitAsync(Token);
        Assert.Equal([("messaging.process.duration", "bad_request")], seen);
        using var metrics = await relay.SendAsync(HttpMethod.Get, "/metrics");
        Assert.DoesNotContain("messaging", await metrics.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_collector_gets_spans_and_metrics_with_its_headers_at_the_latest_when_the_relay_stops()
    {
        await using var collector = ScriptedServer.Says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        var yaml = Yaml("collected")
            + $"\ntelemetry: {{ otlp: \"{collector.Url.GetLeftPart(UriPartial.Authority)}\", service_name: till, "
            + "headers: { x-tenant: t1 } }";
        await using (var relay = await TestRelay.StartAsync(yaml, TestRelay.Delivers))
        {
            await relay.AcceptedAsync("collected", "{}", ("traceparent", Sender));
            await relay.UntilAsync("/v1/queues/collected", queue => queue["delivered"]!.GetValue<int>() == 1);
        }
        var (spans, metrics) = ("", "");
        while (!spans.Contains("deliver collected", StringComparison.Ordinal) || !metrics.Contains("messaging.process.duration",
            StringComparison.Ordinal))
        {
            var request = await collector.RequestAsync();
            Assert.Equal("t1", request["x-tenant"]);
            var text = Encoding.Latin1.GetString(request.Body);
            Assert.Contains("till", text, StringComparison.Ordinal);
            if (request.Line.StartsWith("POST /v1/traces ", StringComparison.Ordinal))
                spans += text;
            else
                metrics += text;
        }
        Assert.Contains("send collected", spans, StringComparison.Ordinal);
        Assert.Contains("delivery_attempts_total", metrics, StringComparison.Ordinal);
    }
}
