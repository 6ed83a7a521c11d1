using Recourse.Durable;

namespace Recourse.Server.Tests.Api;

public class LetterTests
{
    [Fact]
    public async Task Groups_and_sums_show_what_died_alike()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        var id = await DeadAsync(relay);
        await relay.AcceptedAsync("orders");
        var groups = await relay.UntilAsync("/v1/dead-letters/groups?service=shop&kind=bad_request&text=CUSTOMER&sort=recent", found =>
            found["items"]!.AsArray() is [{ } one] && one["dead"]!.GetValue<int>() == 2);
        var group = groups["items"]![0]!;
        Assert.Equal("HTTP <*>: no such customer", group["template"]!.GetValue<string>());
        Assert.Equal("400", group["code"]!.GetValue<string>());
        Assert.Equal(2, group["total"]!.GetValue<int>());
        foreach (var name in (string[])["group", "pattern"])
            Assert.Equal(2, (await relay.GetAsync($"/v1/dead-letters?{name}={group["id"]}"))["items"]!.AsArray().Count);
        var letter = await relay.GetAsync($"/v1/dead-letters/{id}.0");
        Assert.Equal(group["id"]!.GetValue<string>(), letter["group"]!.GetValue<string>());

        var stats = await relay.GetAsync("/v1/dead-letters/stats");
        Assert.Equal(2, stats["dead"]!.GetValue<int>());
        Assert.Equal(2, stats["by_kind"]!["bad_request"]!.GetValue<int>());
        Assert.Equal(2, stats["by_service"]!["shop"]!.GetValue<int>());
        Assert.Equal(2, stats["by_age"]!.AsArray()[^1]!["dead"]!.GetValue<int>());
    }

    [Fact]
    public async Task An_edit_needs_the_etag_that_was_read_keeps_what_came_in_and_is_sent()
    {
        ClaimedDelivery? last = null;
        await using var relay = await TestRelay.StartAsync(handler: (delivery, token) =>
            Interlocked.Exchange(ref last, delivery) is null ? TestRelay.Refuses(delivery, token) : TestRelay.Delivers(delivery, token));
        var path = $"/v1/dead-letters/{await DeadAsync(relay, "{\"zip\":1,\"name\":\"ann\"}")}.0";
        using var read = await relay.SendAsync(HttpMethod.Get, $"{path}/payload");
        var tag = read.Headers.ETag!.ToString();
        await StatusAsync(relay, HttpMethod.Put, $"{path}/payload", "{}", 428);
        await StatusAsync(relay, HttpMethod.Put, $"{path}/payload", "{}", 412, ("If-Match", "\"edit-7\""));
        await StatusAsync(relay, HttpMethod.Put, $"{path}/payload", "{}", 412, ("If-Match", $"W/{tag}"));
        using var edit = await relay.SendAsync(HttpMethod.Put, $"{path}/payload?actor=ann&reason=typo", "{\"zip\":10115,\"name\":\"ann\"}",
            "application/json", ("If-Match", tag));
        Assert.Equal((200, "\"edit-1\""), ((int)edit.StatusCode, edit.Headers.ETag!.ToString()));
        await StatusAsync(relay, HttpMethod.Put, $"{path}/payload", "{}", 412, ("If-Match", tag));

        using var original = await relay.SendAsync(HttpMethod.Get, $"{path}/payload?original=true");
        Assert.Equal("{\"zip\":1,\"name\":\"ann\"}", await original.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        using var diff = await relay.SendAsync(HttpMethod.Get, $"{path}/payload/diff", headers: ("Accept", "text/plain"));
        Assert.Equal(" {\n-  \"zip\": 1,\n+  \"zip\": 10115,\n   \"name\": \"ann\"\n }\n",
            await diff.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("removed", (await relay.GetAsync($"{path}/payload/diff"))["lines"]![1]!["change"]!.GetValue<string>());
        var act = Assert.Single((await relay.GetAsync(path))["acts"]!.AsArray())!;
        Assert.Equal(("ann", "edit"), (act["actor"]!.GetValue<string>(), act["verb"]!.GetValue<string>()));

        await StatusAsync(relay, HttpMethod.Post, $"{path}:replay", "{\"actor\":\"ann\"}", 200);
        await relay.UntilAsync($"/v1/messages/{last!.Id.MessageId}", found =>
            found["deliveries"]![0]!["state"]!.GetValue<string>() == "delivered");
        Assert.Equal("{\"zip\":10115,\"name\":\"ann\"}", System.Text.Encoding.UTF8.GetString(last!.Body.Span));
        Assert.EndsWith(".g1", last.IdempotencyKey, StringComparison.Ordinal);
        await StatusAsync(relay, HttpMethod.Put, $"{path}/payload", "{}", 404, ("If-Match", "*"));
    }

    [Fact]
    public async Task A_replay_can_keep_the_idempotency_key()
    {
        ClaimedDelivery? last = null;
        await using var relay = await TestRelay.StartAsync(handler: (delivery, token) =>
            Interlocked.Exchange(ref last, delivery) is null ? TestRelay.Refuses(delivery, token) : TestRelay.Delivers(delivery, token));
        var id = await DeadAsync(relay);
        await StatusAsync(relay, HttpMethod.Post, $"/v1/dead-letters/{id}.0:replay", "{\"key\":\"other\"}", 400);
        await StatusAsync(relay, HttpMethod.Post, $"/v1/dead-letters/{id}.0:replay", "{\"key\":\"keep\"}", 200);
        await relay.UntilAsync($"/v1/messages/{id}", found => found["deliveries"]![0]!["state"]!.GetValue<string>() == "delivered");
        Assert.Equal(id, last!.IdempotencyKey);
    }

    [Fact]
    public async Task A_letter_of_one_service_is_replayed_to_that_service_only()
    {
        var attempts = new System.Collections.Concurrent.ConcurrentBag<(string Service, int Generation)>();
        await using var relay = await TestRelay.StartAsync(handler: (delivery, token) =>
        {
            attempts.Add((delivery.Service, delivery.Generation));
            return delivery is { Service: "bank", Generation: 0 }
                ? TestRelay.Refuses(delivery, token) : TestRelay.Delivers(delivery, token);
        });
        var id = await relay.AcceptedAsync("both");
        var letters = await relay.UntilAsync("/v1/dead-letters?service=bank", found => found["items"]!.AsArray().Count == 1);
        await StatusAsync(relay, HttpMethod.Post, $"/v1/dead-letters/{letters["items"]![0]!["id"]}:replay", null, 200);
        await relay.UntilAsync($"/v1/messages/{id}", found =>
            found["deliveries"]!.AsArray().All(delivery => delivery!["state"]!.GetValue<string>() == "delivered"));
        Assert.Equal([("bank", 0), ("bank", 1), ("shop", 0)], attempts.Order());
    }

    [Fact]
    public async Task What_somebody_has_in_hand_others_cannot_act_on()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        var path = $"/v1/dead-letters/{await DeadAsync(relay)}.0";
        await StatusAsync(relay, HttpMethod.Post, $"{path}:take", "{\"actor\":\"ann\",\"minutes\":30}", 200);
        await StatusAsync(relay, HttpMethod.Post, $"{path}:take", "{\"actor\":\"ann\",\"minutes\":0}", 400);
        Assert.Equal("ann", (await relay.GetAsync(path))["taken_by"]!.GetValue<string>());
        Assert.Empty((await relay.GetAsync("/v1/dead-letters?visible_to=bob"))["items"]!.AsArray());
        Assert.Single((await relay.GetAsync("/v1/dead-letters?visible_to=ann"))["items"]!.AsArray());
        using var refused = await relay.SendAsync(HttpMethod.Post, $"{path}:discard", "{\"actor\":\"bob\"}");
        Assert.Contains("ann", (await TestRelay.ProblemAsync(refused, 409))["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        await StatusAsync(relay, HttpMethod.Post, $"{path}:release", "{\"actor\":\"bob\"}", 200);
        await StatusAsync(relay, HttpMethod.Post, $"{path}:discard", "{\"actor\":\"bob\"}", 200);
    }

    [Fact]
    public async Task A_letter_is_noted_assigned_parked_and_resolved()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        var path = $"/v1/dead-letters/{await DeadAsync(relay)}.0";
        using var patch = await relay.SendAsync(HttpMethod.Patch, path,
            "{\"assignee\":\"bob\",\"note\":\"asked\",\"manual\":true,\"actor\":\"ann\"}");
        var letter = await TestRelay.JsonAsync(patch);
        Assert.Equal(("bob", "asked", true),
            (letter["assignee"]!.GetValue<string>(), letter["note"]!.GetValue<string>(), letter["manual"]!.GetValue<bool>()));
        Assert.Single((await relay.GetAsync("/v1/dead-letters?assignee=bob&manual=true"))["items"]!.AsArray());
        await StatusAsync(relay, HttpMethod.Patch, path, "{\"assignee\":null}", 200);
        Assert.Single((await relay.GetAsync("/v1/dead-letters?assignee=nobody"))["items"]!.AsArray());
        foreach (var bad in (string[])["{}", "{\"colour\":1}", "{\"manual\":\"yes\"}", "nonsense", "{\"note\":\"a\\u0000\"}",
            "{\"assignee\":\"a\\u0000\"}", "{\"manual\":true,\"actor\":\"a\\u0000b\"}"])
            await StatusAsync(relay, HttpMethod.Patch, path, bad, 400);

        await StatusAsync(relay, HttpMethod.Post, $"{path}:resolve", "{}", 400);
        await StatusAsync(relay, HttpMethod.Post, $"{path}:resolve", "{\"reason\":\"a\\u0000b\"}", 400);
        await StatusAsync(relay, HttpMethod.Post, $"{path}:resolve", "{\"reason\":\"paid by phone\",\"actor\":\"ann\"}", 200);
        Assert.Equal(1, (await relay.GetAsync("/v1/queues/orders"))["discarded"]!.GetValue<int>());
        var resolved = Assert.Single((await relay.GetAsync("/v1/dead-letters?resolved=true"))["items"]!.AsArray())!;
        Assert.Equal("resolve: by ann: paid by phone", resolved["decision"]!.GetValue<string>());
        Assert.True((await relay.GetAsync(path))["resolved"]!.GetValue<bool>());
    }

    [Theory]
    [InlineData("group=xyz")]
    [InlineData("since=yesterday")]
    [InlineData("attempts_min=-1")]
    [InlineData("persistence=forever")]
    [InlineData("blame=me")]
    [InlineData("manual=perhaps")]
    [InlineData("generation=1.5")]
    public async Task A_condition_that_is_none_is_refused(string query)
    {
        await using var relay = await TestRelay.StartAsync();
        await StatusAsync(relay, HttpMethod.Get, $"/v1/dead-letters?{query}", null, 400);
        await StatusAsync(relay, HttpMethod.Get, $"/v1/dead-letters/groups?{query}", null, 400);
    }

    [Fact]
    public async Task Letters_are_filtered_by_what_they_are()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        await DeadAsync(relay);
        foreach (var (query, found) in new[]
        {
            ("since=2020-01-01T00:00:00Z&until=2100-01-01T00:00:00Z", 1), ("until=2020-01-01T00:00:00Z", 0), ("attempts_min=1", 1),
            ("attempts_min=2", 0), ("persistence=permanent&blame=message&generation=0", 1), ("blame=service", 0), ("manual=false", 0),
        })
            Assert.Equal(found, (await relay.GetAsync($"/v1/dead-letters?{query}"))["items"]!.AsArray().Count);
    }

    [Fact]
    public async Task What_is_exported_comes_in_elsewhere_once_and_a_bad_line_costs_itself()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        var id = await DeadAsync(relay, "{\"n\":1}");
        await StatusAsync(relay, HttpMethod.Put, $"/v1/dead-letters/{id}.0/payload", "{\"n\":2}", 200, ("If-Match", "*"));
        using var export = await relay.SendAsync(HttpMethod.Get, "/v1/dead-letters/export?service=shop&kind=bad_request");
        var line = (await export.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).TrimEnd('\n');
        var letter = System.Text.Json.Nodes.JsonNode.Parse(line)!;
        Assert.Equal($"{id}.0", letter["id"]!.GetValue<string>());
        Assert.Equal("{\"n\":2}", Body(letter["body_base64"]));
        Assert.Equal("{\"n\":1}", Body(letter["original_body_base64"]));
        Assert.Single(letter["attempts"]!.AsArray());
        Assert.Single(letter["acts"]!.AsArray());

        ClaimedDelivery? got = null;
        await using var other = await TestRelay.StartAsync(handler: (delivery, token) =>
        {
            got = delivery;
            return TestRelay.Delivers(delivery, token);
        });
        var lines = $"{line}\nnonsense\n\n{line.Replace("\"orders\"", "\"nowhere\"", StringComparison.Ordinal)}\n{line}";
        letter["headers"] = new System.Text.Json.Nodes.JsonObject { ["X-A"] = "1", ["x-a"] = "2" };
        lines += $"\n{letter.ToJsonString()}";
        await StatusAsync(other, HttpMethod.Post, "/v1/dead-letters/import?as=messages", lines, 400);
        using var import = await other.SendAsync(HttpMethod.Post, "/v1/dead-letters/import?as=new", lines, "application/x-ndjson");
        var answers = (await import.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).TrimEnd('\n').Split('\n')
            .Select(answer => System.Text.Json.Nodes.JsonNode.Parse(answer)!).ToList();
        Assert.Equal(["1 accepted", "2 refused", "4 refused", "5 duplicate", "6 refused"],
            answers.Select(answer => $"{answer["line"]} {answer["result"]}"));
        await other.UntilAsync("/v1/queues/orders", found => found["delivered"]!.GetValue<int>() == 1);
        Assert.Equal(("{\"n\":2}", "shop"), (System.Text.Encoding.UTF8.GetString(got!.Body.Span), got.Service));
    }

    [Theory]
    [InlineData("content_type", "text/plain\r\nX-Admin: 1")]
    [InlineData("content_type", "application/vnd.recourse.sealed; key=x")]
    [InlineData("original_content_type", "application/vnd.recourse.sealed; key=x")]
    [InlineData("headers", "x-admin|1\r\nx-other: 2")]
    [InlineData("headers", "x-admin: 1\r\nx|1")]
    [InlineData("headers", "Host|elsewhere")]
    [InlineData("headers", "Recourse-Key|1")]
    public async Task A_line_whose_headers_no_sender_could_have_sent_is_refused(string field, string value)
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        await DeadAsync(relay, "{\"n\":1}");
        using var export = await relay.SendAsync(HttpMethod.Get, "/v1/dead-letters/export");
        var line = System.Text.Json.Nodes.JsonNode.Parse(await export.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        line[field] = field == "headers" ? new System.Text.Json.Nodes.JsonObject { [value.Split('|')[0]] = value.Split('|')[1] } : value;
        foreach (var how in (string[])["dead", "new"])
        {
            using var import = await relay.SendAsync(
                HttpMethod.Post, $"/v1/dead-letters/import?as={how}", line.ToJsonString(), "application/x-ndjson");
            var answer = System.Text.Json.Nodes.JsonNode.Parse(
                await import.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
            Assert.Equal("refused", answer["result"]!.GetValue<string>());
            Assert.Matches("content type|header", answer["problem"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task What_is_exported_comes_in_as_the_dead_letter_it_was_and_counts_in_the_books()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        var id = await DeadAsync(relay, "{\"n\":1}");
        await StatusAsync(relay, HttpMethod.Put, $"/v1/dead-letters/{id}.0/payload", "{\"n\":2}", 200, ("If-Match", "*"));
        await StatusAsync(relay, HttpMethod.Patch, $"/v1/dead-letters/{id}.0",
            """{"assignee":"carl","note":"ask sales","manual":true}""", 200);
        var was = await relay.GetAsync($"/v1/dead-letters/{id}.0");
        using var export = await relay.SendAsync(HttpMethod.Get, "/v1/dead-letters/export");
        var line = (await export.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).TrimEnd('\n');

        await using var other = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        var lines = $"{line}\n{line}\n{line.Replace("\"shop\"", "\"nobody\"", StringComparison.Ordinal)}";
        using var import = await other.SendAsync(HttpMethod.Post, "/v1/dead-letters/import?actor=ann", lines, "application/x-ndjson");
        var answers = (await import.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).TrimEnd('\n').Split('\n')
            .Select(answer => System.Text.Json.Nodes.JsonNode.Parse(answer)!).ToList();
        Assert.Equal([$"{id}.0 imported", $"{id}.0 duplicate", $"{id}.0 refused"],
            answers.Select(answer => $"{answer["id"]} {answer["result"]}"));
        var now = await other.GetAsync($"/v1/dead-letters/{id}.0");
        foreach (var same in new[] { "kind", "error", "decision", "attempts", "generation", "created_at", "edits", "idempotency_key",
            "assignee", "note", "manual" })
        {
            Assert.NotNull(was[same]);
            Assert.Equal(was[same]!.ToJsonString(), now[same]?.ToJsonString());
        }
        foreach (var path in (string[])["payload", "payload/diff"])
            Assert.Equal((await relay.GetAsync($"/v1/dead-letters/{id}.0/{path}")).ToJsonString(),
                (await other.GetAsync($"/v1/dead-letters/{id}.0/{path}")).ToJsonString());
        Assert.Equal(["edit", "assign", "note", "park", "import"], now["acts"]!.AsArray().Select(act => act!["verb"]!.GetValue<string>()));
        var books = await other.GetAsync("/v1/queues/orders");
        Assert.Equal((1, 1), (books["accepted"]!.GetValue<int>(), books["dead"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Retention_archives_what_it_discards_and_leaves_what_somebody_has_in_hand()
    {
        var folder = Directory.CreateTempSubdirectory("recourse-archive-");
        try
        {
            var archive = Path.Combine(folder.FullName, "archive");
            var store = new InMemoryMessageStore();
            await using var relay = await TestRelay.StartAsync(
                TestRelay.Basic + $"\ndead_letter_queue: {{ retention: 60s, archive: '{archive}', max_size: 2 }}\n",
                TestRelay.Refuses, store);
            var kept = await DeadAsync(relay);
            var gone = await relay.AcceptedAsync("orders", "{\"old\":true}");
            await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 2);
            Assert.Equal("full", (await relay.UntilAsync("/health/ready", found =>
                found["dead_letters"]!.GetValue<string>() == "full"))["dead_letters"]!.GetValue<string>());
            await StatusAsync(relay, HttpMethod.Post, $"/v1/dead-letters/{kept}.0:take", "{\"actor\":\"ann\"}", 200);
            var stop = TestContext.Current.CancellationToken;
            var letters = (await store.Queries.DeliveriesAsync(new() { State = DeliveryState.Dead }, stop)).Items;
            var rules = new DeadLetterConfiguration { Retention = TimeSpan.FromMinutes(1), Archive = archive };
            var later = TimeProvider.System.GetUtcNow().AddMinutes(2);
            var over = letters.Where(letter => SecondChance.IsOver(letter, rules, later)).ToList();
            Assert.Equal($"{gone}.0", Assert.Single(over).Id.ToString());
            Assert.Equal(over, await new LetterArchive(archive).WriteAsync(store.Queries, over, later, stop));
            var file = Assert.Single(Directory.GetFiles(archive));
            Assert.Equal($"{later:yyyy-MM-dd}.ndjson", Path.GetFileName(file));
            var line = System.Text.Json.Nodes.JsonNode.Parse(Assert.Single(await File.ReadAllLinesAsync(file, stop)))!;
            Assert.Equal("{\"old\":true}", Body(line["body_base64"]));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Body(System.Text.Json.Nodes.JsonNode? base64) =>
        System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(base64!.GetValue<string>()));

    private static async Task StatusAsync(TestRelay relay, HttpMethod method, string path, string? body, int status,
        params (string Name, string Value)[] headers)
    {
        using var answer = await relay.SendAsync(method, path, body, "application/json", headers);
        if (status >= 400)
            await TestRelay.ProblemAsync(answer, status);
        else
            Assert.Equal(status, (int)answer.StatusCode);
    }

    private static async Task<string> DeadAsync(TestRelay relay, string body = "{}")
    {
        var id = await relay.AcceptedAsync("orders", body);
        await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 1);
        return id;
    }
}
