using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Recourse.Server.Tests.Telemetry;

/// <summary>What a relay sends by OTLP, as a receiver gets it.</summary>
public class OtlpTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";

    private static string Yaml(Uri receiver, string more = "") => $$"""
        listen: http://127.0.0.1:0
        store: "memory:"
        services: { shop: { url: "http://127.0.0.1:9/" } }
        queues: { orders: { deliver_to: shop } }
        telemetry: { otlp: "{{receiver}}", headers: { x-api-key: "a b" }, service_name: shop-relay, interval: 1s {{more}} }
        """;

    [Fact]
    public async Task Traces_and_metrics_reach_the_receiver_with_the_link_over_the_queue()
    {
        await using var receiver = await Receiver.StartAsync();
        await using (var relay = await TestRelay.StartAsync(Yaml(receiver.Address), TestRelay.Delivers))
        {
            var id = await relay.AcceptedAsync("orders", "{}", ("traceparent", $"00-{TraceId}-b7ad6b7169203331-01"));
            await relay.UntilAsync($"/v1/messages/{id}", message => message["deliveries"]![0]!["state"]!.GetValue<string>() == "delivered");
        }

        var traces = receiver.Of("/v1/traces");
        foreach (var part in (string[])["shop-relay", "send orders", "process orders", "messaging.destination.name", "recourse.attempt"])
            Assert.Contains(part, traces, StringComparison.Ordinal);
        // In the trace of the sender, and as the link of the attempt.
        var context = Encoding.Latin1.GetString(Convert.FromHexString(TraceId));
        Assert.True(traces.Split(context).Length > 2);
        var metrics = receiver.Of("/v1/metrics");
        foreach (var part in (string[])["recourse_messages_total", "recourse_queue_depth", "messaging.process.duration", "shop-relay"])
            Assert.Contains(part, metrics, StringComparison.Ordinal);
        Assert.All(receiver.Requests, request => Assert.Equal("a b", request.Key));
    }

    [Fact]
    public async Task What_is_switched_off_is_not_sent()
    {
        await using var receiver = await Receiver.StartAsync();
        await using (var relay = await TestRelay.StartAsync(Yaml(receiver.Address, ", traces: false"), TestRelay.Delivers))
            await relay.AcceptedAsync("orders");
        Assert.DoesNotContain(receiver.Requests, request => request.Path == "/v1/traces");
        Assert.Contains(receiver.Requests, request => request.Path == "/v1/metrics");
    }

    [Fact]
    public async Task A_receiver_that_is_away_is_told_once_and_holds_nothing_up()
    {
        var log = new Lines();
        // Nobody listens on port 9 of loopback.
        var configuration = RelayConfiguration.Parse(Yaml(new("http://127.0.0.1:9"))).Configuration!;
        await using (var relay = await TestRelay.StartAsync(
            configuration, TestRelay.Delivers, logging: logging => logging.AddProvider(log)))
            await relay.AcceptedAsync("orders");
        var told = Assert.Single(log.All, line => line.Contains("Telemetry could not be sent", StringComparison.Ordinal));
        Assert.Contains("http://127.0.0.1:9/", told, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_is_needed()
    {
        var error = Assert.Single(RelayConfiguration.Parse("telemetry: { interval: 5s }").Errors);
        Assert.Equal((1, "'telemetry' needs otlp: the address that traces and metrics are sent to."), (error.Line, error.Message));
    }

    private sealed record Export(string Path, string? Key, string Body);

    private sealed class Receiver : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly ConcurrentQueue<Export> _requests = [];

        private Receiver(WebApplication app) => _app = app;

        public Uri Address => new(_app.Urls.Single());
        public IReadOnlyCollection<Export> Requests => _requests;

        public string Of(string path) => string.Concat(_requests.Where(request => request.Path == path).Select(request => request.Body));

        public static async Task<Receiver> StartAsync()
        {
            var builder = WebApplication.CreateEmptyBuilder(new());
            builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            var receiver = new Receiver(builder.Build());
            receiver._app.Run(async http =>
            {
                using var body = new MemoryStream();
                await http.Request.Body.CopyToAsync(body);
                receiver._requests.Enqueue(new(
                    http.Request.Path.ToString(), http.Request.Headers["x-api-key"], Encoding.Latin1.GetString(body.ToArray())));
                http.Response.ContentType = "application/x-protobuf";
            });
            await receiver._app.StartAsync(TestContext.Current.CancellationToken);
            return receiver;
        }

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _lines = [];

        public IReadOnlyCollection<string> All => _lines;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{logLevel}: {formatter(state, exception)}"));

        public void Dispose()
        {
        }
    }
}
