using System.Text.RegularExpressions;
using Recourse.Durable;
using Recourse.Tests;

namespace Recourse.Server.Tests.Api;

public partial class ServiceAndMetricsTests
{
    [Fact]
    public async Task A_service_can_be_isolated_and_reset()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Delivers);
        Assert.Equal("closed", (await relay.GetAsync("/v1/services/shop"))["breaker"]!.GetValue<string>());
        using var isolate = await relay.SendAsync(HttpMethod.Post, "/v1/services/shop:isolate");
        Assert.Equal("isolated", (await TestRelay.JsonAsync(isolate))["breaker"]!.GetValue<string>());
        var id = await relay.AcceptedAsync("orders");
        Assert.Equal("waiting", (await relay.GetAsync($"/v1/messages/{id}"))["deliveries"]![0]!["state"]!.GetValue<string>());
        using var reset = await relay.SendAsync(HttpMethod.Post, "/v1/services/shop:reset");
        Assert.Equal("closed", (await TestRelay.JsonAsync(reset))["breaker"]!.GetValue<string>());
        await relay.UntilAsync($"/v1/messages/{id}", found => found["deliveries"]![0]!["state"]!.GetValue<string>() == "delivered");
        Assert.Equal(["bank", "shop"],
            (await relay.GetAsync("/v1/services"))["items"]!.AsArray().Select(item => item!["name"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("GET", "/v1/services/shp")]
    [InlineData("POST", "/v1/services/shp:isolate")]
    [InlineData("POST", "/v1/services/shp:reset")]
    public async Task An_unknown_service_is_a_404_with_the_nearest_name(string method, string path)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(new(method), path);
        Assert.Contains("'shop'", (await TestRelay.ProblemAsync(answer, 404))["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_are_well_formed_and_count_what_happened()
    {
        var attempts = 0;
        await using var relay = await TestRelay.StartAsync(handler: (delivery, token) =>
            Interlocked.Increment(ref attempts) == 1 ? TestRelay.Refuses(delivery, token) : TestRelay.Delivers(delivery, token));
        await relay.AcceptedAsync("orders");
        await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 1);
        var second = await relay.AcceptedAsync("orders");
        await relay.UntilAsync($"/v1/messages/{second}", found => found["deliveries"]![0]!["state"]!.GetValue<string>() == "delivered");
        using var answer = await relay.SendAsync(HttpMethod.Get, "/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        var samples = Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(2, samples["recourse_messages_total{queue=\"orders\",result=\"accepted\"}"]);
        Assert.Equal(1, samples["recourse_errors_total{service=\"shop\",kind=\"bad_request\",category=\"data\"}"]);
        Assert.Equal(1, samples["recourse_delivery_attempts_total{service=\"shop\",outcome=\"delivered\"}"]);
        Assert.Equal(0, samples["recourse_circuit_breaker_state{service=\"shop\"}"]);
        Assert.Equal(1, samples["recourse_dead_letters_total{queue=\"orders\",kind=\"bad_request\"}"]);
        Assert.Equal(2, samples["recourse_delivery_duration_seconds_count{service=\"shop\"}"]);
        Assert.Equal(2, samples["recourse_delivery_duration_seconds_bucket{service=\"shop\",le=\"+Inf\"}"]);
        Assert.Contains("recourse_dead_letter_queue_depth{queue=\"orders\"}", samples.Keys);
    }

    [Fact]
    public async Task The_page_on_metrics_names_every_instrument()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Get, "/metrics");
        var names = Type().Matches(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Select(match =>
            match.Groups[1].Value);
        var page = await File.ReadAllTextAsync(Configuration.Repository.Find("docs/reference/metrics.md"),
            TestContext.Current.CancellationToken);
        Assert.DoesNotContain(names, name => !page.Contains($"`{name}`", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_openapi_document_has_every_route_and_so_has_the_page()
    {
        await using var relay = await TestRelay.StartAsync();
        var document = await relay.GetAsync("/openapi/v1.json");
        var paths = document["paths"]!.AsObject();
        Assert.StartsWith("3.", document["openapi"]!.GetValue<string>(), StringComparison.Ordinal);
        foreach (var path in (string[])
        [
            "/v1/queues/{queue}/messages", "/v1/queues/{queue}/messages:batch", "/v1/queues", "/v1/queues/{queue}", "/v1/messages",
                "/v1/messages/{id}",
            "/v1/dead-letters", "/v1/dead-letters/{id}", "/v1/dead-letters/{id}/payload", "/v1/dead-letters/{id}:replay",
                "/v1/dead-letters/{id}:discard",
            "/v1/services", "/v1/services/{name}", "/v1/services/{name}:isolate", "/v1/services/{name}:reset", "/v1/services/{name}:pause",
            "/v1/services/{name}:resume", "/v1/queues/{queue}:pause", "/v1/queues/{queue}:drain", "/v1/queues/{queue}:resume",
            "/v1/replays", "/v1/replays/{id}", "/v1/replays/{id}/items", "/v1/replays/{id}:pause", "/v1/replays/{id}:resume",
            "/v1/replays/{id}:cancel", "/health/live",
                "/health/ready", "/metrics",
        ])
            Assert.True(paths.ContainsKey(path), path);
        Assert.NotNull(paths["/v1/queues/{queue}/messages"]!["post"]!["responses"]!["202"]);
        var page = await File.ReadAllTextAsync(Configuration.Repository.Find("docs/reference/http-api.md"),
            TestContext.Current.CancellationToken);
        Assert.DoesNotContain(paths, path => !page.Contains(path.Key, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_dashboard_is_at_the_root()
    {
        await using var relay = await TestRelay.StartAsync();
        using var page = await relay.SendAsync(HttpMethod.Get, "/");
        Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
        Assert.Contains("orders", await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    /// <summary>
    /// Reads the text format strictly: every line is a comment or a sample, every sample's family was announced before, none comes twice.
    /// </summary>
    private static Dictionary<string, double> Parse(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var samples = new Dictionary<string, double>();
        var family = "";
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
                continue;
            if (Type().Match(line) is { Success: true } type)
            {
                family = type.Groups[1].Value;
                continue;
            }
            var sample = Sample().Match(line);
            Assert.True(sample.Success, line);
            Assert.StartsWith(family, sample.Groups[1].Value, StringComparison.Ordinal);
            var value = sample.Groups[3].Value;
            Assert.True(samples.TryAdd(sample.Groups[1].Value + sample.Groups[2].Value, value == "+Inf" ? double.PositiveInfinity
                : double.Parse(value)), line);
        }
        return samples;
    }

    [GeneratedRegex(@"^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (?:counter|gauge|histogram)$", RegexOptions.Multiline)]
    private static partial Regex Type();

    [GeneratedRegex(@"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*=""(?:[^""\\\n]|\\[\\""n])*"",?)*\})? (\S+)$")]
    private static partial Regex Sample();

    [Fact]
    public async Task A_breaker_with_nothing_to_probe_with_says_so_degrades_nothing_and_forgets_its_error_after_a_success()
    {
        var clock = new ManualClock();
        var mended = false;
        await using var relay = await TestRelay.StartAsync("""
            listen: http://127.0.0.1:0
            store: "memory:"
            services: { shop: { url: "http://127.0.0.1:9/", failure_threshold: 1, success_threshold: 1, reset_timeout: 10s } }
            queues: { orders: { deliver_to: shop, retry: { dead_letter_after_attempts: 1 } } }
            """, (delivery, token) => Volatile.Read(ref mended) ? TestRelay.Delivers(delivery, token) : Down(), time: clock);
        await relay.AcceptedAsync("orders");
        await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 1);
        var open = await relay.UntilAsync("/v1/services/shop", found => found["breaker"]!.GetValue<string>() == "open");
        Assert.Equal(("HTTP 503", "2026-01-01T00:00:00.000Z"),
            (open["last_error"]!.GetValue<string>(), open["last_error_at"]!.GetValue<string>()));
        Assert.Equal("degraded", (await relay.GetAsync("/health/ready"))["status"]!.GetValue<string>());

        var idle = await relay.UntilAsync("/v1/services/shop", found =>
        {
            clock.Advance(TimeSpan.FromSeconds(5));
            return found["breaker"]!.GetValue<string>() == "half_open" && found["in_flight"]!.GetValue<int>() == 0;
        });
        Assert.Equal("waiting for a delivery to probe with", idle["breaker_note"]!.GetValue<string>());
        var ready = await relay.GetAsync("/health/ready");
        Assert.Equal(("ready", "half_open"), (ready["status"]!.GetValue<string>(), ready["services"]!["shop"]!.GetValue<string>()));

        Volatile.Write(ref mended, true);
        await relay.AcceptedAsync("orders");
        var closed = await relay.UntilAsync("/v1/services/shop", found => found["breaker"]!.GetValue<string>() == "closed");
        Assert.Equal((null, null, null), (closed["last_error"], closed["last_error_at"], closed["breaker_note"]));
        Assert.Equal(0, closed["consecutive_failures"]!.GetValue<int>());
    }

    private static ValueTask<DeliveryResult> Down() => new(DeliveryResult.Failed(new()
    {
        Kind = FaultKind.ServiceUnavailable,
        Persistence = Persistence.Transient,
        Scope = RetryScope.Call,
        Applied = Applied.No,
        Blame = Blame.Service,
        Evidence = "http 503",
    }, "HTTP 503", "503"));
}
