using System.Text;
using System.Text.Json.Nodes;
using Recourse.Durable;
using Recourse.Server.Security;
using Recourse.Tests;

namespace Recourse.Server.Tests;

/// <summary>Who is let in, with which role, to what.</summary>
public sealed class KeyTests
{
    [Fact]
    public async Task Without_any_key_whoever_is_on_the_machine_may_do_everything_and_with_one_nobody_without()
    {
        await using var relay = await TestRelay.StartAsync();
        Assert.Empty((await relay.GetAsync("/v1/keys"))["items"]!.AsArray());
        using (var needsAdmin = await relay.SendAsync(HttpMethod.Post, "/v1/keys", """{"role":"viewer","name":"bob"}"""))
            Assert.Contains("admin", (await TestRelay.ProblemAsync(needsAdmin, 409))["detail"]!.GetValue<string>(),
                StringComparison.Ordinal);
        using (var made = await relay.SendAsync(HttpMethod.Post, "/v1/keys", """{"role":"admin","name":"alice"}"""))
            Assert.Equal(201, (int)made.StatusCode);
        using var closed = await relay.SendAsync(HttpMethod.Get, "/v1/queues");
        Assert.EndsWith("key-missing", (await TestRelay.ProblemAsync(closed, 401))["type"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("Bearer", closed.Headers.WwwAuthenticate.Single().Scheme);
    }

    [Theory]
    [InlineData("X-Forwarded-For")]
    [InlineData("Forwarded")]
    [InlineData("Via")]
    public async Task Without_any_key_what_a_proxy_passes_on_is_not_taken_for_somebody_on_the_machine(string header)
    {
        await using var relay = await TestRelay.StartAsync();
        using var passedOn = await relay.SendAsync(HttpMethod.Get, "/v1/queues", null, null, (header, "1.1 192.0.2.1"));
        Assert.EndsWith("no-keys", (await TestRelay.ProblemAsync(passedOn, 401))["type"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_acts_in_the_name_of_the_configuration()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        var id = await relay.AcceptedAsync("orders");
        await relay.UntilAsync("/v1/queues/orders", queue => queue["dead"]!.GetValue<long>() == 1);
        using var forged = await relay.SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}.0:discard", """{"actor":"policy"}""");
        await TestRelay.ProblemAsync(forged, 400);
    }

    public static TheoryData<string, string, string?> Calls { get; } = new()
    {
        { "GET", "/v1/queues", "viewer" }, { "GET", "/v1/services", "viewer" }, { "GET", "/v1/dead-letters", "viewer" },
        { "GET", "/v1/messages", "viewer" }, { "GET", "/v1/replays", "viewer" }, { "GET", "/metrics", "viewer" },
        { "GET", "/v1/dead-letters/{letter}", "viewer" }, { "GET", "/v1/dead-letters/export", "viewer" },
        { "GET", "/v1/dead-letters/{letter}/payload", "operator" }, { "GET", "/v1/dead-letters/{letter}/payload/diff", "operator" },
        { "PUT", "/v1/dead-letters/{letter}/payload", "operator" }, { "PATCH", "/v1/dead-letters/{letter}", "operator" },
        { "POST", "/v1/dead-letters/{letter}:replay", "operator" }, { "POST", "/v1/dead-letters/{letter}:take", "operator" },
        { "POST", "/v1/replays", "operator" }, { "POST", "/v1/queues/orders:pause", "operator" },
        { "POST", "/v1/services/shop:isolate", "operator" }, { "POST", "/v1/dead-letters/import", "operator" },
        { "GET", "/v1/audit", "operator" }, { "GET", "/v1/audit/export", "operator" },
        { "GET", "/v1/keys", "admin" }, { "POST", "/v1/keys", "admin" }, { "DELETE", "/v1/keys/nobody", "admin" },
        { "POST", "/v1/store:backup", "admin" },
        { "POST", "/v1/queues/orders/messages", "producer" }, { "POST", "/v1/queues/orders/messages:batch", "producer" },
        { "GET", "/health/live", null }, { "GET", "/health/ready", null }, { "GET", "/openapi/v1.json", null },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_call_is_let_in_with_the_roles_that_may_and_with_no_other(string method, string path, string? needs)
    {
        await using var keyed = await KeyedRelay.StartAsync(TestRelay.Refuses);
        var letter = await keyed.DeadAsync();
        foreach (var role in (string?[])[null, "rk_unknown0_0123456789012345678901234567890123456789012", "producer", "viewer",
            "operator", "admin"])
        {
            using var answer = await keyed.SendAsync(role, new(method), path.Replace("{letter}", letter, StringComparison.Ordinal));
            var known = Roles.TryParse(role ?? "", out var has);
            var expected = needs is null || (known && has.May(Roles.TryParse(needs, out var needed) ? needed : default)) ? (int?)null
                : known ? 403 : 401;
            if (expected is { } status)
                await TestRelay.ProblemAsync(answer, status);
            else
                Assert.True((int)answer.StatusCode is not (401 or 403), $"{role} {method} {path}: {(int)answer.StatusCode}");
        }
    }

    [Fact]
    public async Task Every_route_and_page_says_what_it_needs()
    {
        await using var relay = await TestRelay.StartAsync();
        var endpoints = relay.Host.Endpoints();
        Assert.NotEmpty(endpoints);
        Assert.Empty(endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<Door>() is null
            && endpoint.DisplayName?.Contains("openapi", StringComparison.Ordinal) != true).Select(endpoint => endpoint.DisplayName));
    }

    [Fact]
    public async Task A_refusal_names_the_roles_that_would_do_and_is_noted()
    {
        await using var keyed = await KeyedRelay.StartAsync();
        using var answer = await keyed.SendAsync("viewer", HttpMethod.Post, "/v1/queues/orders:pause");
        var problem = await TestRelay.ProblemAsync(answer, 403);
        Assert.Equal("The key 'the-viewer' has the role viewer; this needs operator.", problem["detail"]!.GetValue<string>());
        Assert.Equal(["operator", "admin"], problem["allowed"]!.AsArray().Select(role => role!.GetValue<string>()));
        var act = (await keyed.GetAsync("admin", "/v1/audit?verb=refused"))["items"]!.AsArray().Single()!;
        Assert.Equal(("the-viewer", "POST /v1/queues/orders:pause", "refused", "the role viewer; it needs operator"),
            (act["actor"]!.GetValue<string>(), act["target"]!.GetValue<string>(), act["outcome"]!.GetValue<string>(),
                act["reason"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_key_that_stays_is_named_in_the_audit_and_one_that_is_not_there_leads_to_those_that_are()
    {
        await using var keyed = await KeyedRelay.StartAsync();
        using (var last = await keyed.SendAsync("admin", HttpMethod.Delete, "/v1/keys/alice"))
            await TestRelay.ProblemAsync(last, 409);
        var act = (await keyed.GetAsync("admin", "/v1/audit?verb=key.remove"))["items"]!.AsArray().Single()!;
        Assert.Equal(("key/alice", "last-admin"), (act["target"]!.GetValue<string>(), act["outcome"]!.GetValue<string>()));
        using var missing = await keyed.SendAsync("admin", HttpMethod.Delete, "/v1/keys/nobody");
        Assert.Equal("There is no key 'nobody'. There are: alice, the-operator, the-viewer, the-producer.",
            (await TestRelay.ProblemAsync(missing, 404))["detail"]!.GetValue<string>());
    }

    [Fact]
    public async Task Who_acts_is_the_key_whatever_the_caller_says()
    {
        await using var keyed = await KeyedRelay.StartAsync(TestRelay.Refuses);
        var letter = await keyed.DeadAsync();
        using (var taken = await keyed.SendAsync("operator", HttpMethod.Post, $"/v1/dead-letters/{letter}:take", """{"actor":"alice"}"""))
            Assert.Equal(200, (int)taken.StatusCode);
        using (var noted = await keyed.SendAsync("operator", HttpMethod.Patch, $"/v1/dead-letters/{letter}",
            """{"actor":"alice","note":"n"}"""))
            Assert.Equal(200, (int)noted.StatusCode);
        using (var paused = await keyed.SendAsync("operator", HttpMethod.Post, "/v1/queues/lanes:pause",
            """{"actor":"alice","reason":"r"}"""))
            Assert.Equal(200, (int)paused.StatusCode);
        using (var edited = await keyed.SendAsync("operator", HttpMethod.Put, $"/v1/dead-letters/{letter}/payload?actor=alice", "{}",
            ("If-Match", "*")))
            Assert.Equal(200, (int)edited.StatusCode);
        using (var job = await keyed.SendAsync("operator", HttpMethod.Post, "/v1/replays", """{"all":true,"limit":1,"actor":"alice"}"""))
            Assert.Equal(202, (int)job.StatusCode);
        var shown = await keyed.GetAsync("viewer", $"/v1/messages/{letter[..36]}");
        var acts = (await keyed.GetAsync("operator", "/v1/audit?actor=the-operator"))["items"]!.AsArray();
        Assert.Equal(["replay.start", "edit", "pause", "annotate", "take"], acts.Select(act => act!["verb"]!.GetValue<string>()));
        Assert.DoesNotContain((await keyed.GetAsync("admin", "/v1/audit?actor=alice"))["items"]!.AsArray(),
            act => act!["verb"]!.GetValue<string>() is not "key.add");
        Assert.NotNull(shown);
    }

    [Fact]
    public async Task A_viewer_exports_letters_without_their_payloads_and_an_operator_with_them()
    {
        await using var keyed = await KeyedRelay.StartAsync(TestRelay.Refuses);
        await keyed.DeadAsync();
        foreach (var (role, body) in new[] { ("viewer", false), ("operator", true) })
        {
            using var answer = await keyed.SendAsync(role, HttpMethod.Get, "/v1/dead-letters/export");
            var line = JsonNode.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
            Assert.Equal(body, line["body_base64"] is not null);
            Assert.Equal(body, line["warning"] is null);
            Assert.Contains("no such customer", line["error"]!.GetValue<string>(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_key_that_is_removed_or_over_counts_for_nothing_at_once()
    {
        var clock = new ManualClock();
        await using var keyed = await KeyedRelay.StartAsync(time: clock);
        var brief = await keyed.AddAsync("admin", "viewer", "brief", seconds: 3_600);
        Assert.NotNull(await keyed.GetAsync(brief, "/v1/queues"));
        clock.Advance(TimeSpan.FromHours(1));
        using (var over = await keyed.SendAsync(brief, HttpMethod.Get, "/v1/queues"))
            await TestRelay.ProblemAsync(over, 401);
        Assert.True((await keyed.GetAsync("admin", "/v1/keys"))["items"]!.AsArray().Single(key =>
            key!["name"]!.GetValue<string>() == "brief")!
            ["expired"]!.GetValue<bool>());
        using (var gone = await keyed.SendAsync("admin", HttpMethod.Delete, "/v1/keys/the-viewer"))
            Assert.Equal(204, (int)gone.StatusCode);
        using (var refused = await keyed.SendAsync("viewer", HttpMethod.Get, "/v1/queues"))
            await TestRelay.ProblemAsync(refused, 401);
        using var last = await keyed.SendAsync("admin", HttpMethod.Delete, "/v1/keys/alice");
        Assert.EndsWith("last-admin", (await TestRelay.ProblemAsync(last, 409))["type"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_end_of_the_last_key_opens_no_door()
    {
        var clock = new ManualClock();
        await using var relay = await TestRelay.StartAsync(time: clock);
        using (var made = await relay.SendAsync(HttpMethod.Post, "/v1/keys", """{"role":"admin","expires_in_seconds":60}"""))
            Assert.Equal(201, (int)made.StatusCode);
        clock.Advance(TimeSpan.FromDays(1));
        using var closed = await relay.SendAsync(HttpMethod.Get, "/v1/queues");
        await TestRelay.ProblemAsync(closed, 401);
    }

    [Fact]
    public async Task The_store_and_the_list_hold_no_secret()
    {
        var store = new InMemoryMessageStore();
        await using var keyed = await KeyedRelay.StartAsync(store: store);
        var kept = (await store.Queries.KeysAsync(TestContext.Current.CancellationToken)).Single(key => key.Name == "alice");
        Assert.DoesNotContain(keyed.Secret("admin"), Encoding.Latin1.GetString(kept.Hash.Span), StringComparison.Ordinal);
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(keyed.Secret("admin"))), kept.Hash.ToArray());
        var list = (await keyed.GetAsync("admin", "/v1/keys")).ToJsonString();
        Assert.Contains(kept.Id, list, StringComparison.Ordinal);
        Assert.DoesNotContain(keyed.Secret("admin")[12..], list, StringComparison.Ordinal);
        Assert.DoesNotContain("hash", list, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"role":"king"}""", "producer, viewer, operator or admin")]
    [InlineData("""{"role":"viewer","name":"Bob!"}""", "a-z")]
    [InlineData("""{"role":"viewer","expires_in_seconds":5}""", "60")]
    [InlineData("[]", "role")]
    [InlineData("", "role")]
    public async Task A_key_that_cannot_be_is_refused_with_what_is_allowed(string body, string says)
    {
        await using var keyed = await KeyedRelay.StartAsync();
        using var answer = await keyed.SendAsync("admin", HttpMethod.Post, "/v1/keys", body);
        Assert.Contains(says, (await TestRelay.ProblemAsync(answer, 400))["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Beyond_loopback_a_relay_without_keys_does_not_start_unless_it_is_told_to()
    {
        var yaml = TestRelay.Basic.Replace("127.0.0.1:0", "0.0.0.0:0", StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<UnlockedDoorException>(() => TestRelay.StartAsync(yaml));
        Assert.Contains("recourse keys add", refused.Message, StringComparison.Ordinal);

        await using var open = await TestRelay.StartAsync("insecure: true\n" + yaml);
        Assert.Equal(200, await StatusAsync(open, "192.0.2.7"));
        Assert.Equal(403, await StatusAsync(open, "rebound.example"));

        var store = new InMemoryMessageStore();
        await store.OpenAsync(TestContext.Current.CancellationToken);
        var secret = KeySecret.New();
        await store.CommitAsync(new AddKeyCommand(secret.Id, "alice", Role.Admin, secret.Hash(), "me"),
            TestContext.Current.CancellationToken);
        await using var locked = await TestRelay.StartAsync(yaml, store: store);
        Assert.Equal(401, await StatusAsync(locked, "relay.example"));
        Assert.Equal(200, await StatusAsync(locked, "relay.example", secret.Text));
        using var last = await SendAsync(locked, HttpMethod.Delete, "/v1/keys/alice", "relay.example", secret.Text);
        Assert.EndsWith("last-key", (await TestRelay.ProblemAsync(last, 409))["type"]!.GetValue<string>(), StringComparison.Ordinal);

        async Task<int> StatusAsync(TestRelay relay, string host, string? key = null)
        {
            using var answer = await SendAsync(relay, HttpMethod.Get, "/v1/queues", host, key);
            return (int)answer.StatusCode;
        }
        async Task<HttpResponseMessage> SendAsync(TestRelay relay, HttpMethod method, string path, string host, string? key)
        {
            using var request = new HttpRequestMessage(method,
                $"http://127.0.0.1:{relay.Host.Addresses[0].Port}{path}")
            { Headers = { Host = host } };
            if (key is not null)
                request.Headers.Authorization = new("Bearer", key);
            return await relay.Http.SendAsync(request, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<(InMemoryMessageStore Store, KeySecret Secret)> WithKeyAsync()
    {
        var (store, secret) = (new InMemoryMessageStore(), KeySecret.New());
        await store.OpenAsync(TestContext.Current.CancellationToken);
        await store.CommitAsync(new AddKeyCommand(secret.Id, "alice", Role.Admin, secret.Hash(), "me"),
            TestContext.Current.CancellationToken);
        return (store, secret);
    }

    [Fact]
    public async Task What_was_read_first_does_not_take_the_place_of_what_was_read_last()
    {
        var (store, secret) = await WithKeyAsync();
        var before = new InMemoryMessageStore();
        await before.OpenAsync(TestContext.Current.CancellationToken);
        var (reading, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        using var ring = new KeyRing(() =>
        {
            if (!reading.TrySetResult())
                return store;
            goOn.Task.GetAwaiter().GetResult();
            return before;
        }, shared: false, new ManualClock());
        var first = Task.Run(() => ring.ReadAsync(), TestContext.Current.CancellationToken);
        await reading.Task;
        var last = ring.ChangedAsync();
        goOn.SetResult();
        await Task.WhenAll(first, last);
        Assert.Equal("alice", ring.Find(secret.Text)?.Name);
    }

    [Fact]
    public async Task Keys_that_could_not_be_read_after_a_change_are_read_before_the_next_request()
    {
        var (store, secret) = await WithKeyAsync();
        var away = true;
        using var ring = new KeyRing(() => away ? throw new StoreException("away", StoreProblem.Unavailable) : store, shared: false,
            new ManualClock());
        await ring.ChangedAsync();
        away = false;
        Assert.Null(ring.Find(secret.Text));
        await ring.RefreshAsync(TestContext.Current.CancellationToken);
        Assert.Equal("alice", ring.Find(secret.Text)?.Name);
    }

    [Fact]
    public async Task What_another_node_changed_counts_within_two_seconds()
    {
        var clock = new ManualClock();
        var store = new InMemoryMessageStore(clock);
        await store.OpenAsync(TestContext.Current.CancellationToken);
        var ring = new KeyRing(() => store, shared: true, clock);
        await ring.ReadAsync(TestContext.Current.CancellationToken);
        var secret = KeySecret.New();
        await store.CommitAsync(new AddKeyCommand(secret.Id, "alice", Role.Admin, secret.Hash(), "other"),
            TestContext.Current.CancellationToken);
        await ring.RefreshAsync(TestContext.Current.CancellationToken);
        Assert.Null(ring.Find(secret.Text));
        clock.Advance(KeyRing.Refresh);
        await ring.RefreshAsync(TestContext.Current.CancellationToken);
        Assert.Equal("alice", ring.Find(secret.Text)!.Name);
        Assert.Null(ring.Find(secret.Text[..^1] + (secret.Text[^1] == 'A' ? 'B' : 'A')));
    }
}
