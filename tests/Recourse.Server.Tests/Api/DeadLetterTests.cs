namespace Recourse.Server.Tests.Api;

public class DeadLetterTests
{
    [Fact]
    public async Task A_dead_letter_shows_what_the_contract_says()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        var id = await DeadAsync(relay);
        var found = await relay.GetAsync("/v1/dead-letters?queue=orders&kind=bad_request&service=shop&text=CUSTOMER");
        var item = Assert.Single(found["items"]!.AsArray())!;
        Assert.Equal($"{id}.0", item["id"]!.GetValue<string>());
        Assert.Equal(id, item["message_id"]!.GetValue<string>());
        foreach (var (field, value) in new[]
        {
            ("queue", "orders"), ("service", "shop"), ("kind", "bad_request"), ("category", "data"), ("persistence", "permanent"),
                ("blame", "message"),
        })
            Assert.Equal(value, item[field]!.GetValue<string>());
        Assert.Equal(1, item["attempt_count"]!.GetValue<int>());
        Assert.Equal(0, item["generation"]!.GetValue<int>());
        Assert.True(item["manual"]!.GetValue<bool>());
        foreach (var field in (string[])["error", "created_at", "dead_at", "decision"])
            Assert.NotEmpty(item[field]!.GetValue<string>());

        var one = await relay.GetAsync($"/v1/dead-letters/{id}.0");
        var attempt = Assert.Single(one["attempts"]!.AsArray())!;
        Assert.Equal(400, attempt["status"]!.GetValue<int>());
        Assert.Equal("failed", attempt["outcome"]!.GetValue<string>());
        Assert.StartsWith("dead", attempt["decision"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Empty((await relay.GetAsync("/v1/dead-letters?text=nothing%20like%20it"))["items"]!.AsArray());
    }

    [Fact]
    public async Task A_replay_makes_a_new_generation_and_is_no_longer_dead()
    {
        var attempts = 0;
        await using var relay = await TestRelay.StartAsync(handler: (delivery, token) =>
            Interlocked.Increment(ref attempts) == 1 ? TestRelay.Refuses(delivery, token) : TestRelay.Delivers(delivery, token));
        var id = await DeadAsync(relay);
        using var replay = await relay.SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}.0:replay",
            "{\"reason\":\"customer was added\",\"actor\":\"ann\"}");
        Assert.Equal(200, (int)replay.StatusCode);
        Assert.Equal("replayed", (await TestRelay.JsonAsync(replay))["result"]!.GetValue<string>());
        var message = await relay.UntilAsync($"/v1/messages/{id}", found =>
            found["deliveries"]![0]!["state"]!.GetValue<string>() == "delivered");
        Assert.Equal(1, message["deliveries"]![0]!["generation"]!.GetValue<int>());
        using var gone = await relay.SendAsync(HttpMethod.Get, $"/v1/dead-letters/{id}.0");
        await TestRelay.ProblemAsync(gone, 404);
        using var again = await relay.SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}.0:replay");
        Assert.Contains("delivered", (await TestRelay.ProblemAsync(again, 409))["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_discarded_dead_letter_is_counted_and_cannot_be_discarded_again()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        var id = await DeadAsync(relay);
        using var discard = await relay.SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}.0:discard");
        Assert.Equal(200, (int)discard.StatusCode);
        Assert.Equal(1, (await relay.GetAsync("/v1/queues/orders"))["discarded"]!.GetValue<long>());
        using var again = await relay.SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}.0:discard");
        await TestRelay.ProblemAsync(again, 409);
    }

    [Theory]
    [InlineData("GET", "/v1/dead-letters/nonsense", null, null, 404)]
    [InlineData("GET", "/v1/dead-letters/00000000-0000-7000-8000-000000000000.0", null, null, 404)]
    [InlineData("GET", "/v1/dead-letters/00000000-0000-7000-8000-000000000000.0/payload", null, null, 404)]
    [InlineData("POST", "/v1/dead-letters/00000000-0000-7000-8000-000000000000.0:replay", null, null, 404)]
    [InlineData("POST", "/v1/dead-letters/nonsense:discard", null, null, 404)]
    [InlineData("POST", "/v1/dead-letters/00000000-0000-7000-8000-000000000000.0:replay", "{", "application/json", 400)]
    [InlineData("POST", "/v1/dead-letters/00000000-0000-7000-8000-000000000000.0:replay", "a=b", "text/plain", 415)]
    [InlineData("POST", "/v1/dead-letters/00000000-0000-7000-8000-000000000000.0:explode", null, null, 404)]
    [InlineData("GET", "/v1/dead-letters?pattern=x", null, null, 400)]
    [InlineData("GET", "/v1/dead-letters?state=dead", null, null, 400)]
    public async Task What_cannot_be_done_is_a_problem(string method, string path, string? body, string? contentType, int status)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(new(method), path, body, contentType);
        await TestRelay.ProblemAsync(answer, status);
    }

    [Fact]
    public async Task Pages_hold_together_while_others_are_written()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        for (var i = 0; i < 5; i++)
            await relay.AcceptedAsync("orders");
        await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 5);
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await relay.GetAsync($"/v1/dead-letters?limit=2{(cursor is null ? "" : $"&after={cursor}")}");
            seen.AddRange(page["items"]!.AsArray().Select(item => item!["id"]!.GetValue<string>()));
            cursor = page["next"]?.GetValue<string>();
            await relay.AcceptedAsync("orders");
        }
        while (cursor is not null);
        Assert.Equal(seen.Count, seen.Distinct().Count());
        Assert.True(seen.Count >= 5);
    }

    private static async Task<string> DeadAsync(TestRelay relay)
    {
        var id = await relay.AcceptedAsync("orders");
        await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 1);
        return id;
    }
}
