using System.Text.Json.Nodes;
using Recourse.Durable;

namespace Recourse.Server.Tests.Api;

/// <summary>Replay jobs over HTTP.</summary>
public class ReplayTests
{
    private volatile bool _mended;

    private ValueTask<DeliveryResult> Serve(ClaimedDelivery delivery, CancellationToken token) =>
        _mended ? TestRelay.Delivers(delivery, token) : TestRelay.Refuses(delivery, token);

    private async Task<TestRelay> DeadAsync(int count)
    {
        var relay = await TestRelay.StartAsync(handler: Serve);
        for (var i = 0; i < count; i++)
            await relay.AcceptedAsync("orders", $"{i}");
        await relay.UntilAsync("/v1/queues/orders", queue => queue["dead"]!.GetValue<int>() == count);
        return relay;
    }

    private static async Task<JsonNode> StartAsync(TestRelay relay, string body, int status = 202)
    {
        using var answer = await relay.SendAsync(HttpMethod.Post, "/v1/replays", body);
        Assert.Equal(status, (int)answer.StatusCode);
        return await TestRelay.JsonAsync(answer);
    }

    [Fact]
    public async Task A_replay_is_previewed_started_watched_and_its_letters_listed()
    {
        await using var relay = await DeadAsync(5);
        var preview = await StartAsync(relay, """{"filter":{"queue":"orders","kind":"bad_request"},"dry_run":true}""", 200);
        Assert.Equal((5, 5), (preview["matched"]!.GetValue<int>(), preview["sample"]!.AsArray().Count));
        _mended = true;
        var job = await StartAsync(relay,
            """{"filter":{"queue":"orders","text":"no such"},"limit":4,"canary":2,"actor":"ann","reason":"mended","key":"keep"}""");
        var path = $"/v1/replays/{job["id"]}";
        var done = await relay.UntilAsync(path, now => now["state"]!.GetValue<string>() == "completed"
            && now["delivered"]!.GetValue<int>() == 4);
        Assert.Equal((4, 4, 0, 0), (done["matched"]!.GetValue<int>(), done["replayed"]!.GetValue<int>(),
            done["skipped"]!.GetValue<int>(), done["pending"]!.GetValue<int>()));
        Assert.Equal(("ann", "mended", "keep"), (done["actor"]!.GetValue<string>(), done["reason"]!.GetValue<string>(),
            done["key"]!.GetValue<string>()));
        Assert.Equal("""{"queue":"orders","text":"no such"}""", done["filter"]!.ToJsonString());
        var first = await relay.GetAsync($"{path}/items?limit=3&outcome=delivered");
        Assert.Equal(3, first["items"]!.AsArray().Count);
        var rest = await relay.GetAsync($"{path}/items?outcome=delivered&after={first["next"]}");
        Assert.Single(rest["items"]!.AsArray());
        Assert.Equal($"{job["id"]}", $"{(await relay.GetAsync("/v1/replays?limit=1"))["items"]![0]!["id"]}");
        Assert.Equal(1, (await relay.GetAsync("/v1/queues/orders"))["dead"]!.GetValue<int>());
    }

    [Fact]
    public async Task A_canary_that_dies_again_pauses_the_replay_until_an_operator_resumes_it()
    {
        await using var relay = await DeadAsync(6);
        var job = await StartAsync(relay, """{"filter":{"service":"shop"},"canary":2}""");
        var path = $"/v1/replays/{job["id"]}";
        var paused = await relay.UntilAsync(path, now => now["state"]!.GetValue<string>() == "paused");
        Assert.Equal(2, paused["replayed"]!.GetValue<int>());
        Assert.Contains("canary failed", paused["state_reason"]!.GetValue<string>(), StringComparison.Ordinal);
        _mended = true;
        using (var resumed = await relay.SendAsync(HttpMethod.Post, $"{path}:resume", """{"actor":"bob"}"""))
            Assert.Equal(200, (int)resumed.StatusCode);
        await relay.UntilAsync(path, now => now["delivered"]!.GetValue<int>() == 4);
        using var again = await relay.SendAsync(HttpMethod.Post, $"{path}:resume");
        await TestRelay.ProblemAsync(again, 409);
    }

    [Fact]
    public async Task A_slow_replay_is_paused_and_cancelled()
    {
        await using var relay = await DeadAsync(3);
        var job = await StartAsync(relay, """{"all":true,"limit":10,"rate":0.01}""");
        var path = $"/v1/replays/{job["id"]}";
        await relay.UntilAsync(path, now => now["replayed"]!.GetValue<int>() == 1);
        foreach (var (verb, state) in new[] { ("pause", "paused"), ("cancel", "cancelled") })
        {
            using var answer = await relay.SendAsync(HttpMethod.Post, $"{path}:{verb}", """{"reason":"enough"}""");
            Assert.Equal(state, (await TestRelay.JsonAsync(answer))["state"]!.GetValue<string>());
        }
        Assert.Contains("enough", (await relay.GetAsync(path))["state_reason"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", "no condition")]
    [InlineData("""{"filter":{}}""", "no condition")]
    [InlineData("""{"all":true}""", "without a Limit")]
    [InlineData("""{"filter":{"colour":"red"}}""", "'colour' is no parameter")]
    [InlineData("""{"filter":{"kind":"sadness"}}""", "no kind of fault")]
    [InlineData("""{"filter":{"queue":["a"]}}""", "'queue' in the filter")]
    [InlineData("""{"filter":{"queue":"orders"},"rate":-1}""", "Rate is -1")]
    [InlineData("""{"filter":{"queue":"orders"},"key":"other"}""", "auto, keep or new")]
    [InlineData("""{"filter":{"queue":"orders"},"speed":1}""", "no replay")]
    [InlineData("""{"filter":{"queue":"orders","limit":"5"}}""", "'limit' is no parameter")]
    [InlineData("nonsense", "no replay")]
    public async Task What_would_send_back_something_else_than_meant_is_refused(string body, string expected)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Post, "/v1/replays", body);
        Assert.Contains(expected, (await TestRelay.ProblemAsync(answer, 400))["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Empty((await relay.GetAsync("/v1/replays"))["items"]!.AsArray());
    }

    [Theory]
    [InlineData("GET", "/v1/replays/x", 404)]
    [InlineData("GET", "/v1/replays/0198c0de-0000-7000-8000-000000000001", 404)]
    [InlineData("GET", "/v1/replays/0198c0de-0000-7000-8000-000000000001/items", 404)]
    [InlineData("POST", "/v1/replays/0198c0de-0000-7000-8000-000000000001:pause", 404)]
    [InlineData("GET", "/v1/replays?after=x", 400)]
    [InlineData("GET", "/v1/replays?queue=a", 400)]
    public async Task What_is_not_there_is_said(string method, string path, int status)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(new(method), path);
        await TestRelay.ProblemAsync(answer, status);
    }
}
