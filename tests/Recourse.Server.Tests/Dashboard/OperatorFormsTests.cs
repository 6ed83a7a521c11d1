using System.Net;
using System.Text.RegularExpressions;
using Recourse.Durable;

namespace Recourse.Server.Tests.Dashboard;

/// <summary>Bulk replay and holding from the pages alone, in a whole relay.</summary>
public partial class OperatorFormsTests
{
    private volatile bool _mended;

    private ValueTask<DeliveryResult> Serve(ClaimedDelivery delivery, CancellationToken token) =>
        _mended ? TestRelay.Delivers(delivery, token) : TestRelay.Refuses(delivery, token);

    [GeneratedRegex("name=\"form_token\" value=\"([^\"]+)\"")]
    private static partial Regex TokenField { get; }

    private static async Task<string> PageAsync(TestRelay relay, string path)
    {
        using var answer = await relay.SendAsync(HttpMethod.Get, path);
        var html = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode} {html}");
        HtmlCheck.AssertSound(html);
        return html;
    }

    private static async Task<string> PostAsync(TestRelay relay, string from, string path, params (string, string)[] fields)
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = relay.Http.BaseAddress };
        var page = await client.GetStringAsync(from, TestContext.Current.CancellationToken);
        var form = fields.Append(("form_token", TokenField.Match(page).Groups[1].Value))
            .Select(field => KeyValuePair.Create(field.Item1, field.Item2));
        using var answer = await client.PostAsync(path, new FormUrlEncodedContent(form), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        return answer.Headers.Location!.OriginalString;
    }

    [Fact]
    public async Task What_the_list_shows_is_replayed_as_a_job_and_followed_on_its_page()
    {
        await using var relay = await TestRelay.StartAsync(handler: Serve);
        for (var i = 0; i < 3; i++)
            await relay.AcceptedAsync("orders");
        await relay.UntilAsync("/v1/queues/orders", queue => queue["dead"]!.GetValue<int>() == 3);
        Assert.Contains("Replay all that match", await PageAsync(relay, "/dead-letters?queue=orders"), StringComparison.Ordinal);
        _mended = true;
        var job = await PostAsync(
            relay, "/dead-letters?queue=orders", "/replays", ("queue", "orders"), ("limit", "2"), ("reason", "mended"));
        await relay.UntilAsync($"/v1{job}", now =>
            now["delivered"]!.GetValue<int>() == 2 && now["state"]!.GetValue<string>() == "completed");
        var page = await PageAsync(relay, job);
        Assert.Contains("all sent back", page, StringComparison.Ordinal);
        Assert.Contains("queue orders, at most 2", page, StringComparison.Ordinal);
        Assert.Contains(job, await PageAsync(relay, "/replays"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_slow_replay_is_paused_from_its_page()
    {
        await using var relay = await TestRelay.StartAsync(handler: Serve);
        for (var i = 0; i < 3; i++)
            await relay.AcceptedAsync("orders");
        await relay.UntilAsync("/v1/queues/orders", queue => queue["dead"]!.GetValue<int>() == 3);
        var job = await PostAsync(relay, "/dead-letters", "/replays", ("limit", "9"), ("rate", "0.01"));
        Assert.Equal(job, await PostAsync(relay, job, $"{job}/pause", ("reason", "lunch")));
        Assert.Contains("by dashboard: lunch", await PageAsync(relay, job), StringComparison.Ordinal);
        Assert.Equal("paused", (await relay.GetAsync($"/v1{job}"))["state"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_queue_and_a_service_are_held_and_let_go_from_a_page()
    {
        await using var relay = await TestRelay.StartAsync();
        Assert.Equal("/controls", await PostAsync(relay, "/controls", "/queues/orders/pause"));
        Assert.Equal("/controls", await PostAsync(relay, "/controls", "/services/shop/isolate"));
        Assert.True((await relay.GetAsync("/v1/queues/orders"))["paused"]!.GetValue<bool>());
        Assert.Equal("isolated", (await relay.GetAsync("/v1/services/shop"))["breaker"]!.GetValue<string>());
        Assert.Contains("paused", await PageAsync(relay, "/"), StringComparison.Ordinal);
        Assert.Contains("by dashboard", await PageAsync(relay, "/controls"), StringComparison.Ordinal);
        await PostAsync(relay, "/controls", "/queues/orders/resume");
        await PostAsync(relay, "/controls", "/services/shop/reset");
        Assert.False((await relay.GetAsync("/v1/queues/orders"))["paused"]!.GetValue<bool>());
        Assert.Equal("closed", (await relay.GetAsync("/v1/services/shop"))["breaker"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_reset_closes_a_breaker_that_opened_by_itself()
    {
        await using var relay = await TestRelay.StartAsync("""
            listen: http://127.0.0.1:0
            store: "memory:"
            services: { shop: { url: "http://127.0.0.1:9/", failure_threshold: 1, reset_timeout: 1h } }
            queues: { orders: { deliver_to: shop } }
            """, handler: (delivery, token) => _mended ? TestRelay.Delivers(delivery, token)
                : ValueTask.FromResult(DeliveryResult.Failed(FaultClassifier.Default.ClassifyHttp(503), "HTTP 503", "503")));
        var id = await relay.AcceptedAsync("orders");
        await relay.UntilAsync("/v1/services/shop", shop => shop["breaker"]!.GetValue<string>() == "open");
        _mended = true;
        await PostAsync(relay, "/controls", "/services/shop/reset");
        await relay.UntilAsync($"/v1/messages/{id}", found => found["deliveries"]![0]!["state"]!.GetValue<string>() == "delivered");
        Assert.Equal("closed", (await relay.GetAsync("/v1/services/shop"))["breaker"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("/replays")]
    [InlineData("/queues/orders/pause")]
    [InlineData("/replays/0198c0de-0000-7000-8000-000000000001/cancel")]
    public async Task A_form_without_the_browsers_token_changes_nothing(string path)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Post, path, "limit=5", "application/x-www-form-urlencoded");
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Empty((await relay.GetAsync("/v1/replays"))["items"]!.AsArray());
        Assert.False((await relay.GetAsync("/v1/queues/orders"))["paused"]!.GetValue<bool>());
    }
}
