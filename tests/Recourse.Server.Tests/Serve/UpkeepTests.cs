using Recourse.Durable;
using Recourse.Tests;

namespace Recourse.Server.Tests.Serve;

/// <summary>What nobody asks for and is done all the same, over hours of a clock that the test moves.</summary>
public class UpkeepTests
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);

    private readonly ManualClock _clock = new();

    [Fact]
    public async Task Delivered_messages_go_after_their_time_each_queue_by_its_own()
    {
        await using var relay = await StartAsync("""
            keep_delivered: 1h
            queues:
              usual: { deliver_to: shop }
              long: { deliver_to: shop, keep_delivered: 1d }
              few: { deliver_to: shop, keep_delivered_max: 1 }
            """, TestRelay.Delivers);
        var old = await DeliveredAsync(relay, "few");
        _clock.Advance(TimeSpan.FromSeconds(1));
        var newer = await DeliveredAsync(relay, "few");
        var (usual, longer) = (await DeliveredAsync(relay, "usual"), await DeliveredAsync(relay, "long"));
        _clock.Advance(Period);
        await UntilGoneAsync(relay, old);
        Assert.Equal(200, await StatusAsync(relay, newer));
        Assert.Equal(200, await StatusAsync(relay, usual));
        _clock.Advance(TimeSpan.FromHours(1));
        await UntilGoneAsync(relay, usual);
        Assert.Equal(200, await StatusAsync(relay, longer));
        Assert.Equal(2, (await relay.GetAsync("/v1/queues/few"))["delivered"]!.GetValue<long>());
    }

    [Fact]
    public async Task A_fault_that_may_pass_gets_its_second_chances_by_policy_and_then_waits_for_a_person()
    {
        await using var relay = await StartAsync("""
            queues: { usual: { deliver_to: shop, retry: { dead_letter_after_attempts: 1 } } }
            dead_letter_queue: { max_retries: 2, retry_delay: 300 }
            """, (_, _) => new(DeliveryResult.Failed(MayPass, "HTTP 500", "500")));
        var id = await relay.AcceptedAsync("usual");
        await DeadAsync(relay, generation: 0, manual: false);
        _clock.Advance(TimeSpan.FromSeconds(285));
        await DeadAsync(relay, generation: 0, manual: false);
        _clock.Advance(TimeSpan.FromSeconds(15));
        await DeadAsync(relay, generation: 1, manual: false);
        _clock.Advance(TimeSpan.FromSeconds(315));
        await DeadAsync(relay, generation: 2, manual: true);
        _clock.Advance(TimeSpan.FromHours(2));
        await DeadAsync(relay, generation: 2, manual: true);
        Assert.Equal(3, (await relay.GetAsync($"/v1/dead-letters/{id}.0"))["attempts"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_dead_letter_past_its_retention_is_discarded_by_policy()
    {
        await using var relay = await StartAsync("""
            keep_delivered: 30d
            queues: { usual: { deliver_to: shop } }
            dead_letter_queue: { retention_days: 7 }
            """, TestRelay.Refuses);
        var id = await relay.AcceptedAsync("usual");
        await DeadAsync(relay, generation: 0, manual: true);
        _clock.Advance(TimeSpan.FromDays(6));
        await DeadAsync(relay, generation: 0, manual: true);
        _clock.Advance(TimeSpan.FromDays(1));
        var message = await relay.UntilAsync($"/v1/messages/{id}", found => Delivery(found)["state"]!.GetValue<string>() == "discarded");
        Assert.Contains("by policy: kept for 7d", Delivery(message)["decision"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ended_replay_jobs_and_old_acts_go_when_their_time_is_over()
    {
        await using var relay = await StartAsync("""
            queues: { usual: { deliver_to: shop } }
            audit: { keep: 40d }
            """, TestRelay.Refuses);
        var jobs = new List<string>();
        // The newest job is kept whatever its age.
        for (var job = 0; job < 2; job++)
        {
            using var started = await relay.SendAsync(HttpMethod.Post, "/v1/replays", """{"all":true,"limit":1}""");
            Assert.Equal(202, (int)started.StatusCode);
            jobs.Add((await TestRelay.JsonAsync(started))["id"]!.GetValue<string>());
            await relay.UntilAsync($"/v1/replays/{jobs[job]}", found => found["state"]!.GetValue<string>() == "completed");
        }
        _clock.SetWallClock(_clock.GetUtcNow().AddDays(31));
        await relay.UntilAsync("/v1/replays", found => Later(found["items"]!.AsArray().Count == 1));
        Assert.Equal(2, (await relay.GetAsync("/v1/audit?verb=replay.start"))["items"]!.AsArray().Count);
        Assert.Equal(jobs[1], (await relay.GetAsync("/v1/replays"))["items"]![0]!["id"]!.GetValue<string>());
        _clock.SetWallClock(_clock.GetUtcNow().AddDays(10));
        await relay.UntilAsync("/v1/audit?verb=replay.start", found => Later(found["items"]!.AsArray().Count == 0));

        bool Later(bool done)
        {
            _clock.Advance(Period);
            return done;
        }
    }

    private static Classification MayPass { get; } = new()
    {
        Kind = FaultKind.Unknown,
        Persistence = Persistence.Unknown,
        Scope = RetryScope.Call,
        Applied = Applied.Maybe,
        Blame = Blame.Message,
        Evidence = "http 500",
    };

    private Task<TestRelay> StartAsync(string yaml, DeliveryHandler handler) => TestRelay.StartAsync(
        "listen: http://127.0.0.1:0\nstore: \"memory:\"\nservices: { shop: { url: \"http://127.0.0.1:9/\" } }\n" + yaml,
        handler, time: _clock);

    private static async Task<string> DeliveredAsync(TestRelay relay, string queue)
    {
        var id = await relay.AcceptedAsync(queue);
        await relay.UntilAsync($"/v1/messages/{id}", found => Delivery(found)["state"]!.GetValue<string>() == "delivered");
        return id;
    }

    private static System.Text.Json.Nodes.JsonNode Delivery(System.Text.Json.Nodes.JsonNode message) => message["deliveries"]![0]!;

    private static async Task DeadAsync(TestRelay relay, int generation, bool manual)
    {
        var found = await relay.UntilAsync("/v1/dead-letters", list =>
            list["items"]!.AsArray() is [{ } letter] && letter["generation"]!.GetValue<int>() == generation);
        Assert.Equal(manual, found["items"]![0]!["manual"]!.GetValue<bool>());
    }

    private static async Task<int> StatusAsync(TestRelay relay, string id)
    {
        using var answer = await relay.SendAsync(HttpMethod.Get, $"/v1/messages/{id}");
        return (int)answer.StatusCode;
    }

    private static async Task UntilGoneAsync(TestRelay relay, string id)
    {
        while (await StatusAsync(relay, id) == 200)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
