using System.Net.Http.Headers;
using System.Text;

using Recourse.Tests;

namespace Recourse.Server.Tests.Api;

public class MessageTests
{
    [Fact]
    public async Task A_message_is_answered_with_its_id_and_can_be_looked_at()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.PostAsync("orders", "{\"n\":1}");
        Assert.Equal(202, (int)answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
        var accepted = await TestRelay.JsonAsync(answer);
        Assert.False(accepted["duplicate"]!.GetValue<bool>());
        var id = accepted["id"]!.GetValue<string>();
        Assert.Equal(7, Guid.Parse(id).Version);

        var message = await relay.GetAsync($"/v1/messages/{id}");
        Assert.Equal(id, message["id"]!.GetValue<string>());
        Assert.Equal("orders", message["queue"]!.GetValue<string>());
        Assert.EndsWith("Z", message["created_at"]!.GetValue<string>(), StringComparison.Ordinal);
        var delivery = Assert.Single(message["deliveries"]!.AsArray())!;
        Assert.Equal($"{id}.0", delivery["id"]!.GetValue<string>());
        Assert.Equal("shop", delivery["service"]!.GetValue<string>());
        Assert.Contains(delivery["state"]!.GetValue<string>(), (string[])["waiting", "leased"]);
        Assert.Equal(0, delivery["generation"]!.GetValue<int>());
    }

    [Fact]
    public async Task A_delivered_message_shows_its_attempts()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Delivers);
        var id = await relay.AcceptedAsync("both");
        var message = await relay.UntilAsync($"/v1/messages/{id}",
            found => found["deliveries"]!.AsArray().All(delivery => delivery!["state"]!.GetValue<string>() == "delivered"));
        Assert.Equal(["shop", "bank"], message["deliveries"]!.AsArray().Select(delivery => delivery!["service"]!.GetValue<string>()));
        var attempt = Assert.Single(message["deliveries"]![0]!["attempts"]!.AsArray())!;
        Assert.Equal(1, attempt["number"]!.GetValue<int>());
        Assert.Equal("delivered", attempt["outcome"]!.GetValue<string>());
        Assert.Equal(200, attempt["status"]!.GetValue<int>());
        Assert.NotNull(attempt["duration_ms"]);
        Assert.NotNull(attempt["started_at"]);
    }

    [Theory]
    [InlineData(null, "")]
    [InlineData("text/plain; charset=utf-8", "hello")]
    [InlineData("application/octet-stream", "\0\u0001\u0002")]
    [InlineData("application/x-something; of=own", "x")]
    public async Task Any_body_of_any_content_type_is_taken_as_it_is(string? contentType, string body)
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        using var answer = await relay.PostAsync("orders", body, contentType);
        Assert.Equal(202, (int)answer.StatusCode);
        var id = (await TestRelay.JsonAsync(answer))["id"]!.GetValue<string>();
        await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 1);
        using var payload = await relay.SendAsync(HttpMethod.Get, $"/v1/dead-letters/{id}.0/payload");
        Assert.Equal(200, (int)payload.StatusCode);
        Assert.Equal(body, await payload.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(contentType ?? "application/octet-stream", payload.Content.Headers.GetValues("Content-Type").Single());
        Assert.Equal("attachment", payload.Content.Headers.ContentDisposition!.DispositionType);
    }

    [Fact]
    public async Task A_body_in_chunks_is_taken_and_bounded()
    {
        await using var relay = await TestRelay.StartAsync(TestRelay.Basic + "\nlimits: { max_body: 100000 }");
        using var good = await PostChunksAsync(relay, 100_000);
        Assert.Equal(202, (int)good.StatusCode);
        using var large = await PostChunksAsync(relay, 100_001);
        await TestRelay.ProblemAsync(large, 413);
    }

    private static Task<HttpResponseMessage> PostChunksAsync(TestRelay relay, int size)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/queues/orders/messages")
        {
            Content = new StreamContent(new MemoryStream(new byte[size])),
        };
        request.Headers.TransferEncodingChunked = true;
        return relay.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_refused_before_it_is_read()
    {
        await using var relay = await TestRelay.StartAsync(TestRelay.Basic + "\nlimits: { max_body: 10 }");
        using var answer = await relay.PostAsync("orders", new string('x', 11));
        var problem = await TestRelay.ProblemAsync(answer, 413);
        Assert.Contains("10 bytes", problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(0, (await relay.GetAsync("/v1/queues/orders"))["accepted"]!.GetValue<long>());
    }

    [Fact]
    public async Task An_unknown_queue_is_answered_with_the_nearest_one()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.PostAsync("order", "{}");
        Assert.Contains("'orders'", (await TestRelay.ProblemAsync(answer, 404))["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_key_and_body_is_the_same_message_and_another_body_is_a_conflict()
    {
        await using var relay = await TestRelay.StartAsync();
        var first = await relay.AcceptedAsync("orders", "{\"n\":1}", ("Idempotency-Key", "a"));
        using var again = await relay.PostAsync("orders", "{\"n\":1}", "application/json", ("Idempotency-Key", "a"));
        Assert.Equal(202, (int)again.StatusCode);
        var answer = await TestRelay.JsonAsync(again);
        Assert.Equal(first, answer["id"]!.GetValue<string>());
        Assert.True(answer["duplicate"]!.GetValue<bool>());
        using var other = await relay.PostAsync("orders", "{\"n\":2}", "application/json", ("Idempotency-Key", "a"));
        Assert.Equal(first, (await TestRelay.ProblemAsync(other, 422))["id"]!.GetValue<string>());
        Assert.NotEqual(first, await relay.AcceptedAsync("lanes", "{\"n\":2}", ("Idempotency-Key", "a")));
    }

    [Theory]
    [InlineData("Recourse-Delay", "soon")]
    [InlineData("Recourse-Delay", "4000d")]
    [InlineData("Recourse-Deliver-At", "tomorrow")]
    [InlineData("Recourse-Expires", "2001-01-01T00:00:00Z")]
    [InlineData("Recourse-Expires", "0s")]
    [InlineData("Recourse-Priority", "10")]
    [InlineData("Recourse-Priority", "high")]
    [InlineData("Idempotency-Key", "")]
    public async Task A_header_that_cannot_be_honoured_is_refused(string name, string value)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.PostAsync("orders", "{}", "application/json", (name, value));
        Assert.Contains(name, (await TestRelay.ProblemAsync(answer, 400))["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_longer_than_255_characters_are_refused()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.PostAsync("orders", "{}", "application/json", ("Recourse-Key", new string('k', 256)));
        await TestRelay.ProblemAsync(answer, 400);
    }

    [Fact]
    public async Task Messages_are_found_by_state_queue_service_and_key()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        var lane = await relay.AcceptedAsync("lanes", "{}", ("Recourse-Key", "k1"));
        var both = await relay.AcceptedAsync("both");
        await relay.UntilAsync("/v1/messages?state=dead", found =>
            found["items"]!.AsArray().Sum(item => item!["deliveries"]!.AsArray().Count) == 3);
        var all = await relay.GetAsync("/v1/messages");
        Assert.Equal([both, lane], all["items"]!.AsArray().Select(item => item!["id"]!.GetValue<string>()));
        Assert.Null(all["next"]);
        Assert.Single((await relay.GetAsync("/v1/messages?key=k1"))["items"]!.AsArray());
        Assert.Single((await relay.GetAsync("/v1/messages?service=bank"))["items"]!.AsArray());
        Assert.Single((await relay.GetAsync("/v1/messages?queue=both&kind=bad_request&state=dead"))["items"]!.AsArray());
        Assert.Empty((await relay.GetAsync("/v1/messages?state=delivered"))["items"]!.AsArray());
    }

    [Theory]
    [InlineData("state=broken", "waiting")]
    [InlineData("kind=broken", "connection_refused")]
    [InlineData("limit=0", null)]
    [InlineData("limit=501", null)]
    [InlineData("limit=ten", null)]
    [InlineData("colour=red", "state")]
    [InlineData("queue=NO NAME", null)]
    [InlineData("queue=", null)]
    [InlineData("queue=a&queue=b", null)]
    [InlineData("after=!!nonsense!!", null)]
    public async Task A_bad_query_is_refused_with_what_is_allowed(string query, string? allowed)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Get, $"/v1/messages?{query}");
        var problem = await TestRelay.ProblemAsync(answer, 400);
        if (allowed is not null)
            Assert.Contains(allowed, problem["allowed"]!.AsArray().Select(name => name!.GetValue<string>()));
    }

    [Theory]
    [InlineData("/v1/messages/00000000-0000-7000-8000-000000000000")]
    [InlineData("/v1/messages/nonsense")]
    public async Task An_unknown_message_is_a_404(string path)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Get, path);
        await TestRelay.ProblemAsync(answer, 404);
    }

    [Fact]
    public async Task Headers_that_are_allowed_and_cloud_events_go_on_and_secrets_do_not()
    {
        var seen = new TaskCompletionSource<Durable.ClaimedDelivery>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var relay = await TestRelay.StartAsync("""
            listen: http://127.0.0.1:0
            store: "memory:"
            services: { shop: { url: "http://127.0.0.1:9/", allow_headers: [X-Tenant] } }
            queues: { orders: { deliver_to: shop } }
            """, (delivery, _) => { seen.TrySetResult(delivery); return new(Durable.DeliveryResult.Delivered()); });
        const string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var request = new HttpRequestMessage(HttpMethod.Post,
            "/v1/queues/orders/messages")
        { Content = new ByteArrayContent(Encoding.UTF8.GetBytes("x")) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "secret");
        foreach (var (name, value) in new[] { ("x-tenant", "t1"), ("x-other", "o"), ("ce-type", "made"), ("Cookie", "a=b"),
            ("traceparent", trace) })
            request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await relay.Http.SendAsync(request, TestContext.Current.CancellationToken);
        var delivery = await seen.Task;
        Assert.Equal(["ce-type", "x-tenant"], delivery.Headers!.Keys.Order());
        Assert.Equal(trace, delivery.TraceParent);
    }

    [Fact]
    public async Task A_message_that_was_pruned_is_gone_and_one_that_never_was_is_unknown()
    {
        var clock = new ManualClock();
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Delivers, time: clock);
        var id = await relay.AcceptedAsync("orders");
        await relay.UntilAsync($"/v1/messages/{id}", found => found["deliveries"]![0]!["state"]!.GetValue<string>() == "delivered");
        clock.Advance(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(15));
        while (true)
        {
            using var answer = await relay.SendAsync(HttpMethod.Get, $"/v1/messages/{id}");
            if ((int)answer.StatusCode == 200)
                continue;
            Assert.Contains("keep_delivered", (await TestRelay.ProblemAsync(answer, 410))["detail"]!.GetValue<string>(),
                StringComparison.Ordinal);
            break;
        }
        using var never = await relay.SendAsync(HttpMethod.Get, $"/v1/messages/{Guid.CreateVersion7(clock.GetUtcNow())}");
        await TestRelay.ProblemAsync(never, 404);
    }

    [Fact]
    public async Task The_same_key_with_another_order_key_is_a_conflict()
    {
        await using var relay = await TestRelay.StartAsync();
        var first = await relay.AcceptedAsync("lanes", "{}", ("Idempotency-Key", "a"), ("Recourse-Key", "k1"));
        Assert.Equal(first, await relay.AcceptedAsync("lanes", "{}", ("Idempotency-Key", "a"), ("Recourse-Key", "k1")));
        using var other = await relay.PostAsync("lanes", "{}", "application/json", ("Idempotency-Key", "a"), ("Recourse-Key", "k2"));
        Assert.Equal(first, (await TestRelay.ProblemAsync(other, 422))["id"]!.GetValue<string>());
        using var none = await relay.PostAsync("lanes", "{}", "application/json", ("Idempotency-Key", "a"));
        await TestRelay.ProblemAsync(none, 422);
    }

    [Theory]
    [InlineData("foo//bar;;;")]
    [InlineData("nonsense")]
    [InlineData("text/plain;")]
    [InlineData("text/pläin")]
    public async Task A_content_type_that_is_none_is_refused_in_words(string contentType)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.PostRawAsync("orders", contentType);
        var detail = (await TestRelay.ProblemAsync(answer, 400))["detail"]!.GetValue<string>();
        Assert.StartsWith("The content type", detail, StringComparison.Ordinal);
        Assert.DoesNotContain("255", detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text/plain; charset=utf-8")]
    [InlineData("application/vnd.acme.order+json")]
    [InlineData("multipart/mixed; boundary=\"a b\"")]
    public async Task Any_content_type_that_is_one_is_taken(string contentType)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.PostAsync("orders", "{}", contentType);
        Assert.Equal(202, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData("POST", "/v1/queues/orders/messages")]
    [InlineData("POST", "/v1/queues/orders/messages:batch")]
    [InlineData("POST", "/v1/services/shop:isolate")]
    [InlineData("POST", "/v1/dead-letters/00000000-0000-7000-8000-000000000000.0:replay")]
    [InlineData("GET", "/v1/queues")]
    [InlineData("GET", "/health/live")]
    [InlineData("GET", "/metrics")]
    public async Task A_parameter_that_a_call_does_not_have_is_refused_everywhere(string method, string path)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(new(method), $"{path}?delay=5s");
        var problem = await TestRelay.ProblemAsync(answer, 400);
        Assert.Equal("'delay' is no parameter here; this call takes none.", problem["detail"]!.GetValue<string>());
        Assert.Empty(problem["allowed"]!.AsArray());
    }

    [Theory]
    [InlineData("/v1/messages?queue=order", "unknown-queue", "'orders'")]
    [InlineData("/v1/dead-letters?queue=order", "unknown-queue", "'orders'")]
    [InlineData("/v1/messages?service=shp", "unknown-service", "'shop'")]
    [InlineData("/v1/dead-letters?service=shp", "unknown-service", "'shop'")]
    public async Task A_list_of_what_does_not_exist_is_a_404_with_the_nearest_name(string path, string type, string near)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Get, path);
        var problem = await TestRelay.ProblemAsync(answer, 404);
        Assert.Equal($"urn:recourse:problem:{type}", problem["type"]!.GetValue<string>());
        Assert.Contains(near, problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Quotes_are_written_as_quotes()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.PostAsync("nope", "{}");
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("'nope'", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\\u00", text, StringComparison.Ordinal);
    }
}
