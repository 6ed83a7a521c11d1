namespace Recourse.Server.Tests.Api;

public class QueueAndHealthTests
{
    [Fact]
    public async Task Queues_show_books_that_balance()
    {
        await using var relay = await TestRelay.StartAsync();
        await relay.AcceptedAsync("both");
        var queue = await relay.GetAsync("/v1/queues/both");
        string[] fields = ["waiting", "delayed", "leased", "delivered", "dead", "discarded", "expired"];
        Assert.Equal(2, queue["accepted"]!.GetValue<long>());
        Assert.Equal(2, fields.Sum(field => queue[field]!.GetValue<long>()));
        Assert.False(queue["paused"]!.GetValue<bool>());
        Assert.True(queue["oldest_waiting_seconds"]!.GetValue<double>() >= 0);
        var list = await relay.GetAsync("/v1/queues");
        Assert.Equal(["both", "lanes", "orders"], list["items"]!.AsArray().Select(item => item!["name"]!.GetValue<string>()));
        Assert.True(list.AsObject().ContainsKey("next"));
    }

    [Fact]
    public async Task An_unknown_queue_is_a_404()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Get, "/v1/queues/nothing");
        await TestRelay.ProblemAsync(answer, 404);
    }

    [Fact]
    public async Task A_relay_that_works_is_live_and_ready()
    {
        await using var relay = await TestRelay.StartAsync();
        Assert.Equal("live", (await relay.GetAsync("/health/live"))["status"]!.GetValue<string>());
        var ready = await relay.GetAsync("/health/ready");
        Assert.Equal("ready", ready["status"]!.GetValue<string>());
        Assert.Equal("closed", ready["services"]!["shop"]!.GetValue<string>());
    }

    [Fact]
    public async Task An_isolated_service_makes_the_relay_degraded_and_no_less_ready()
    {
        await using var relay = await TestRelay.StartAsync();
        using var act = await relay.SendAsync(HttpMethod.Post, "/v1/services/shop:isolate");
        Assert.Equal(200, (int)act.StatusCode);
        Assert.Equal("degraded", (await relay.GetAsync("/health/ready"))["status"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("GET", "/nothing", 404)]
    [InlineData("GET", "/v1/queues/orders/messages", 405)]
    [InlineData("DELETE", "/v1/queues", 405)]
    [InlineData("PUT", "/v1/queues/orders/messages:batch", 405)]
    public async Task Unknown_paths_and_methods_are_problems_too(string method, string path, int status)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(new(method), path);
        var problem = await TestRelay.ProblemAsync(answer, status);
        if (status == 405)
            Assert.NotEmpty(problem["allowed"]!.AsArray());
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/dead-letters")]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/metrics")]
    [InlineData("/v1/queues")]
    [InlineData("/v1/dead-letters?limit=1")]
    [InlineData("/openapi/v1.json")]
    public async Task Head_answers_like_get_without_a_body(string path)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Head, path);
        using var got = await relay.SendAsync(HttpMethod.Get, path);
        Assert.Equal((200, got.Content.Headers.ContentType), ((int)answer.StatusCode, answer.Content.Headers.ContentType));
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_waits_behind_a_dead_letter_of_its_lane_is_shown_with_the_queue_the_service_and_the_letter()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        await relay.AcceptedAsync("lanes", "{}", ("Recourse-Key", "k"));
        await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 1);
        await relay.AcceptedAsync("lanes", "{}", ("Recourse-Key", "k"));
        await relay.AcceptedAsync("lanes", "{}", ("Recourse-Key", "k"));
        foreach (var path in (string[])["/v1/queues/lanes", "/v1/services/shop"])
        {
            var found = await relay.GetAsync(path);
            Assert.Equal((2, 1), (found["blocked"]!.GetValue<int>(), found["blocked_lanes"]!.GetValue<int>()));
        }
        Assert.Equal(2, (await relay.GetAsync("/v1/dead-letters"))["items"]![0]!["holds"]!.GetValue<int>());
        Assert.Contains("2 blocked", await relay.Http.GetStringAsync("/", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Contains("blocks 2", await relay.Http.GetStringAsync("/dead-letters", TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
    }
}
