using System.Text.Json.Nodes;
using Recourse.Durable;
using Recourse.Tests;

namespace Recourse.Server.Tests.Api;

/// <summary>Pause, drain, isolate; delay, expiry, priority: over HTTP.</summary>
public class FlowTests
{
    private const string Yaml = """
        listen: http://127.0.0.1:0
        store: "memory:"
        services: { shop: { url: "http://127.0.0.1:9/" } }
        queues:
          orders: { deliver_to: shop }
          brief: { deliver_to: shop, expires: 1m, priority: 9 }
        """;

    private static async Task<JsonNode> ActAsync(TestRelay relay, string path, string? body = null)
    {
        using var answer = await relay.SendAsync(HttpMethod.Post, path, body);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode}");
        return await TestRelay.JsonAsync(answer);
    }

    private static async Task<JsonNode> DeliveryAsync(TestRelay relay, string id) =>
        (await relay.GetAsync($"/v1/messages/{id}"))["deliveries"]![0]!;

    [Fact]
    public async Task A_paused_queue_takes_in_delivers_nothing_and_says_who_holds_it()
    {
        await using var relay = await TestRelay.StartAsync(Yaml, TestRelay.Delivers);
        var held = await ActAsync(relay, "/v1/queues/orders:pause", "{\"actor\":\"ann\",\"reason\":\"works\"}");
        Assert.True(held["paused"]!.GetValue<bool>());
        Assert.Equal(("queue_paused", "ann", "works"), (held["controls"]![0]!["kind"]!.GetValue<string>(),
            held["controls"]![0]!["actor"]!.GetValue<string>(), held["controls"]![0]!["reason"]!.GetValue<string>()));
        var id = await relay.AcceptedAsync("orders");
        var other = await relay.AcceptedAsync("brief");
        await relay.UntilAsync($"/v1/messages/{other}", message => State(message) == "delivered");
        Assert.Equal("waiting", State(await relay.GetAsync($"/v1/messages/{id}")));
        Assert.False((await ActAsync(relay, "/v1/queues/orders:resume"))["paused"]!.GetValue<bool>());
        await relay.UntilAsync($"/v1/messages/{id}", message => State(message) == "delivered");
    }

    [Fact]
    public async Task A_draining_queue_delivers_what_it_has_and_asks_senders_to_wait()
    {
        await using var relay = await TestRelay.StartAsync(Yaml, TestRelay.Delivers);
        Assert.True((await ActAsync(relay, "/v1/queues/orders:drain"))["draining"]!.GetValue<bool>());
        using var refused = await relay.PostAsync("orders", "{}");
        Assert.Contains("drains", (await TestRelay.ProblemAsync(refused, 429))["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.NotNull(refused.Headers.RetryAfter);
        await relay.AcceptedAsync("brief");
        await ActAsync(relay, "/v1/queues/orders:resume");
        await relay.AcceptedAsync("orders");
    }

    [Fact]
    public async Task Paused_and_isolated_services_stay_so_over_a_restart()
    {
        var clock = new ManualClock();
        var store = new InMemoryMessageStore(clock);
        await using (var relay = await TestRelay.StartAsync(Yaml, TestRelay.Delivers, store, clock))
        {
            Assert.True((await ActAsync(relay, "/v1/services/shop:pause"))["paused"]!.GetValue<bool>());
            Assert.Equal("isolated", (await ActAsync(relay, "/v1/services/shop:isolate"))["breaker"]!.GetValue<string>());
        }
        await using (var relay = await TestRelay.StartAsync(Yaml, TestRelay.Delivers, store, clock))
        {
            var shop = await relay.GetAsync("/v1/services/shop");
            Assert.Equal(("isolated", true), (shop["breaker"]!.GetValue<string>(), shop["paused"]!.GetValue<bool>()));
            var id = await relay.AcceptedAsync("orders");
            Assert.Equal("closed", (await ActAsync(relay, "/v1/services/shop:reset"))["breaker"]!.GetValue<string>());
            Assert.Equal("waiting", State(await relay.GetAsync($"/v1/messages/{id}")));
            Assert.Empty((await ActAsync(relay, "/v1/services/shop:resume"))["controls"]!.AsArray());
            await relay.UntilAsync($"/v1/messages/{id}", message => State(message) == "delivered");
        }
    }

    [Theory]
    [InlineData("/v1/queues/ordrs:pause", "Did you mean 'orders'?")]
    [InlineData("/v1/services/shp:pause", "Did you mean 'shop'?")]
    public async Task What_does_not_exist_cannot_be_held(string path, string hint)
    {
        await using var relay = await TestRelay.StartAsync(Yaml);
        using var answer = await relay.SendAsync(HttpMethod.Post, path);
        Assert.Contains(hint, (await TestRelay.ProblemAsync(answer, 404))["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_say_when_until_when_and_how_urgent()
    {
        var clock = new ManualClock();
        await using var relay = await TestRelay.StartAsync(Yaml, time: clock);
        var now = clock.GetUtcNow();
        var later = await DeliveryAsync(relay, await relay.AcceptedAsync("orders", "{}", ("Recourse-Delay", "5m"),
            ("Recourse-Expires", "1h"), ("Recourse-Priority", "2")));
        Assert.Equal("delayed", later["state"]!.GetValue<string>());
        Assert.Equal((now.AddMinutes(5), now.AddHours(1), 2), (later["due_at"]!.GetValue<DateTimeOffset>(),
            later["expires_at"]!.GetValue<DateTimeOffset>(), later["priority"]!.GetValue<int>()));
        var at = await DeliveryAsync(relay, await relay.AcceptedAsync("brief", "{}", ("Recourse-Deliver-At", $"{now.AddHours(2):O}")));
        Assert.Equal((now.AddHours(2), now.AddHours(2).AddMinutes(1), 9), (at["due_at"]!.GetValue<DateTimeOffset>(),
            at["expires_at"]!.GetValue<DateTimeOffset>(), at["priority"]!.GetValue<int>()));
        var expires = await DeliveryAsync(relay, await relay.AcceptedAsync("orders", "{}", ("Recourse-Expires", $"{now.AddDays(1):O}")));
        Assert.Equal((now.AddDays(1), 4), (expires["expires_at"]!.GetValue<DateTimeOffset>(), expires["priority"]!.GetValue<int>()));
        using var both = await relay.PostAsync("orders", "{}", "application/json",
            ("Recourse-Delay", "5m"), ("Recourse-Deliver-At", $"{now.AddHours(1):O}"));
        await TestRelay.ProblemAsync(both, 400);
        using var tooShort = await relay.PostAsync("orders", "{}", "application/json",
            ("Recourse-Delay", "5m"), ("Recourse-Expires", "1m"));
        await TestRelay.ProblemAsync(tooShort, 400);
    }

    [Fact]
    public async Task Envelopes_say_the_same()
    {
        var clock = new ManualClock();
        await using var relay = await TestRelay.StartAsync(Yaml, time: clock);
        using var answer = await relay.SendAsync(HttpMethod.Post, "/v1/queues/orders/messages:batch",
            """
            {"body":{},"delay":"90s","expires":"2h","priority":7}
            {"body":{},"priority":11}
            {"body":{},"deliver_at":"whenever"}
            """, "application/vnd.recourse+ndjson");
        var lines = (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal([202, 400, 400], lines.Select(line => line["status"]!.GetValue<int>()));
        var delivery = await DeliveryAsync(relay, lines[0]["id"]!.GetValue<string>());
        Assert.Equal((clock.GetUtcNow().AddSeconds(90), 7), (delivery["due_at"]!.GetValue<DateTimeOffset>(),
            delivery["priority"]!.GetValue<int>()));
    }

    [Fact]
    public async Task What_expires_while_it_waits_is_counted_as_expired()
    {
        var clock = new ManualClock();
        await using var relay = await TestRelay.StartAsync(Yaml, time: clock);
        await ActAsync(relay, "/v1/queues/orders:pause");
        var id = await relay.AcceptedAsync("orders", "{}", ("Recourse-Expires", "10s"));
        clock.Advance(TimeSpan.FromSeconds(30));
        await relay.UntilAsync($"/v1/messages/{id}", message => State(message) == "expired");
        Assert.Equal(1, (await relay.GetAsync("/v1/queues/orders"))["expired"]!.GetValue<int>());
    }

    private static string State(JsonNode message) => message["deliveries"]![0]!["state"]!.GetValue<string>();
}
