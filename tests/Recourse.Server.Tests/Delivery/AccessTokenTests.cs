using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Recourse.Durable;
using Recourse.Tests;

namespace Recourse.Server.Tests;

/// <summary>Services that ask for an access token by OAuth client credentials: when it is asked for, kept, dropped, and missing.</summary>
public sealed class AccessTokenTests
{
    private const string Secret = "s3cret/with:signs";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Http(int status, string body, string headers = "") => string.Create(CultureInfo.InvariantCulture,
        $"HTTP/1.1 {status} Some\r\nContent-Length: {Encoding.Latin1.GetByteCount(body)}\r\n{headers}\r\n{body}");

    private static string Given(int number, int? seconds = 3_600) => Http(200, seconds is null ? $$"""{"access_token":"tok-{{number}}"}"""
        : $$"""{"access_token":"tok-{{number}}","token_type":"bearer","expires_in":{{seconds}}}""");

    /// <summary>Answers by the number of the request, from 1.</summary>
    private static ScriptedServer Counts(Func<int, RawRequest, string> answer)
    {
        var count = 0;
        return new(async (request, stream, _) =>
            await stream.WriteAsync(Encoding.Latin1.GetBytes(answer(Interlocked.Increment(ref count), request)), Token));
    }

    private static HttpDelivery Client(ScriptedServer service, ScriptedServer tokens, TimeProvider? time = null, string more = "")
    {
        var loaded = RelayConfiguration.Parse($$"""
            services:
              shop:
                url: "{{service.Url}}"
                auth: { token_url: "{{tokens.Url}}", client_id: "a:b", client_secret: "{{Secret}}"{{more}} }
            """);
        Assert.Empty(loaded.Errors);
        Assert.DoesNotContain(loaded.Warnings, warning => warning.Message.Contains("token_url", StringComparison.Ordinal));
        return new(Relay.Targets(loaded.Configuration!), time);
    }

    [Fact]
    public async Task A_token_is_asked_for_as_the_standard_has_it_carried_and_used_until_shortly_before_its_end()
    {
        var clock = new ManualClock();
        await using var tokens = Counts((number, _) => Given(number));
        await using var service = Counts((_, _) => Http(200, ""));
        using var client = Client(service, tokens, clock, ", scope: \"orders.write all\", audience: the-shop");
        for (var i = 0; i < 2; i++)
        {
            Assert.Null((await client.DeliverAsync(TestDelivery.Plain, Token)).Fault);
            Assert.Equal("Bearer tok-1", (await service.RequestAsync())["Authorization"]);
        }
        var asked = await tokens.RequestAsync();
        Assert.Equal("POST /in?x=1 HTTP/1.1", asked.Line);
        Assert.Equal("application/x-www-form-urlencoded", asked["Content-Type"]);
        Assert.Equal("grant_type=client_credentials&scope=orders.write+all&audience=the-shop", Encoding.ASCII.GetString(asked.Body));
        // Both are written as in a form before they are joined: the first colon ends the name.
        Assert.Equal("a%3Ab:s3cret%2Fwith%3Asigns",
            Encoding.ASCII.GetString(Convert.FromBase64String(asked["Authorization"]!["Basic ".Length..])));

        clock.Advance(TimeSpan.FromSeconds(3_539));
        await client.DeliverAsync(TestDelivery.Plain, Token);
        Assert.Equal("Bearer tok-1", (await service.RequestAsync())["Authorization"]);
        clock.Advance(TimeSpan.FromSeconds(1));
        await client.DeliverAsync(TestDelivery.Plain, Token);
        Assert.Equal("Bearer tok-2", (await service.RequestAsync())["Authorization"]);
    }

    [Theory]
    [InlineData(null, 300)]
    [InlineData(10, 8)]
    [InlineData(0, 0)]
    [InlineData(-5, 0)]
    [InlineData(int.MaxValue, 86_340)]
    public async Task How_long_a_token_is_used_follows_from_what_it_says(int? says, int usedFor)
    {
        var clock = new ManualClock();
        await using var tokens = Counts((number, _) => Given(number, says));
        await using var service = Counts((_, _) => Http(200, ""));
        using var client = Client(service, tokens, clock);
        await client.DeliverAsync(TestDelivery.Plain, Token);
        clock.Advance(TimeSpan.FromSeconds(Math.Max(0, usedFor - 1)));
        await client.DeliverAsync(TestDelivery.Plain, Token);
        clock.Advance(TimeSpan.FromSeconds(1));
        await client.DeliverAsync(TestDelivery.Plain, Token);
        Assert.Equal("Bearer tok-1", (await service.RequestAsync())["Authorization"]);
        Assert.Equal(usedFor > 0 ? "Bearer tok-1" : "Bearer tok-2", (await service.RequestAsync())["Authorization"]);
        Assert.Equal(usedFor > 0 ? "Bearer tok-2" : "Bearer tok-3", (await service.RequestAsync())["Authorization"]);
    }

    [Fact]
    public async Task With_client_auth_form_id_and_secret_stand_in_the_form()
    {
        await using var tokens = Counts((number, _) => Given(number));
        await using var service = Counts((_, _) => Http(200, ""));
        using var client = Client(service, tokens, more: ", client_auth: form");
        Assert.Null((await client.DeliverAsync(TestDelivery.Plain, Token)).Fault);
        var asked = await tokens.RequestAsync();
        Assert.Null(asked["Authorization"]);
        Assert.Equal("grant_type=client_credentials&client_id=a%3Ab&client_secret=s3cret%2Fwith%3Asigns",
            Encoding.ASCII.GetString(asked.Body));
    }

    [Fact]
    public async Task Attempts_that_wait_share_one_request_and_one_that_is_cancelled_does_not_end_it()
    {
        var answer = new TaskCompletionSource();
        await using var tokens = new ScriptedServer(async (_, stream, _) =>
        {
            await answer.Task;
            await stream.WriteAsync(Encoding.Latin1.GetBytes(Given(1)), Token);
        });
        await using var service = Counts((_, _) => Http(200, ""));
        using var client = Client(service, tokens);
        using var gone = new CancellationTokenSource();
        var cancelled = client.DeliverAsync(TestDelivery.Plain, gone.Token).AsTask();
        var waiting = Enumerable.Range(0, 5).Select(_ => client.DeliverAsync(TestDelivery.Plain, Token).AsTask()).ToList();
        await gone.CancelAsync();
        var error = await Assert.ThrowsAsync<AttemptCancelledException>(() => cancelled);
        Assert.Equal(Applied.No, error.Applied);
        answer.SetResult();
        Assert.All(await Task.WhenAll(waiting), result => Assert.Null(result.Fault));
        Assert.Equal(1, tokens.Connections);
        await tokens.RequestAsync();
        for (var i = 0; i < 5; i++)
            Assert.Equal("Bearer tok-1", (await service.RequestAsync())["Authorization"]);
    }

    [Fact]
    public async Task A_refused_token_is_dropped_and_the_next_attempt_has_another()
    {
        await using var tokens = Counts((number, _) => Given(number));
        await using var service = Counts((_, request) => Http(request["Authorization"] == "Bearer tok-1" ? 401 : 200, "revoked"));
        using var client = Client(service, tokens, new ManualClock());
        var refused = await client.DeliverAsync(TestDelivery.Plain, Token);
        Assert.Equal((FaultKind.Unauthorized, Blame.Service, Persistence.Transient, Applied.No),
            (refused.Fault!.Kind, refused.Fault.Blame, refused.Fault.Persistence, refused.Fault.Applied));
        Assert.Equal("The access token was refused; the next attempt asks for another. HTTP 401 Some: revoked", refused.Error);
        Assert.Null((await client.DeliverAsync(TestDelivery.Plain, Token)).Fault);
    }

    [Fact]
    public async Task A_service_that_refuses_every_token_makes_one_be_asked_for_a_minute_and_no_message_is_to_blame()
    {
        var clock = new ManualClock();
        var asked = 0;
        await using var tokens = Counts((number, _) => Given(asked = number));
        await using var service = Counts((_, _) => Http(401, ""));
        using var client = Client(service, tokens, clock);
        var results = new List<DeliveryResult>();
        for (var i = 0; i < 4; i++)
            results.Add(await client.DeliverAsync(TestDelivery.Plain, Token));
        Assert.Equal(2, asked);
        Assert.All(results, result => Assert.Equal(Blame.Service, result.Fault!.Blame));
        Assert.Equal(Persistence.Permanent, results[^1].Fault!.Persistence);
        Assert.Contains("so was the one before it", results[^1].Error, StringComparison.Ordinal);
        clock.Advance(AccessTokens.BetweenDrops);
        await client.DeliverAsync(TestDelivery.Plain, Token);
        await client.DeliverAsync(TestDelivery.Plain, Token);
        Assert.Equal(3, asked);
    }

    [Theory]
    [InlineData(401, """{"error":"invalid_client","error_description":"no such\r\nclient"}""", FaultKind.ConfigurationError,
        "HTTP 401: invalid_client: no such  client")]
    [InlineData(400, """{"error":"invalid_scope"}""", FaultKind.ConfigurationError, "HTTP 400: invalid_scope")]
    [InlineData(400, """{"error":"s3cret/with:signs is wrong"}""", FaultKind.ConfigurationError, "HTTP 400: [redacted] is wrong")]
    [InlineData(404, "<html>s3cret</html>", FaultKind.ConfigurationError, "HTTP 404")]
    [InlineData(302, "", FaultKind.ConfigurationError, "HTTP 302: redirects are not followed; set token_url to where it is.")]
    [InlineData(503, "", FaultKind.ServiceUnavailable, "HTTP 503")]
    [InlineData(429, "[]", FaultKind.RateLimitExceeded, "HTTP 429")]
    [InlineData(200, "[]", FaultKind.ConfigurationError, "HTTP 200: the answer is no JSON object.")]
    [InlineData(200, "<html>", FaultKind.ConfigurationError, "HTTP 200: the answer is no JSON.")]
    [InlineData(200, "{}", FaultKind.ConfigurationError, "HTTP 200: the answer has no access_token.")]
    [InlineData(200, """{"access_token":"a\nb"}""", FaultKind.ConfigurationError,
        "HTTP 200: the access_token has characters that no header can carry, or is too long.")]
    [InlineData(200, """{"access_token":"\ud800"}""", FaultKind.ConfigurationError, "HTTP 200: the answer is no JSON.")]
    [InlineData(200, """{"access_token":"a","token_type":"mac"}""", FaultKind.ConfigurationError,
        "HTTP 200: the token_type is not Bearer, which is all that is known here.")]
    public async Task Without_a_token_nothing_is_sent_and_the_service_is_to_blame(int status, string body, FaultKind kind, string words)
    {
        await using var tokens = Counts((_, _) => Http(status, body, status == 503 ? "Retry-After: 7\r\n" : ""));
        await using var service = Counts((_, _) => Http(200, ""));
        using var client = Client(service, tokens);
        var result = await client.DeliverAsync(TestDelivery.Plain, Token);
        Assert.Equal((kind, Blame.Service, Applied.No), (result.Fault!.Kind, result.Fault.Blame, result.Fault.Applied));
        Assert.Equal($"No access token from {tokens.Url.GetLeftPart(UriPartial.Path)}, so nothing was sent: {words}", result.Error);
        Assert.DoesNotContain(Secret, result.Error, StringComparison.Ordinal);
        Assert.Equal(status == 503 ? TimeSpan.FromSeconds(7) : null, result.RetryAfter);
        Assert.Equal(0, service.Connections);
    }

    [Fact]
    public async Task Of_an_answer_so_much_is_read_and_no_more()
    {
        await using var tokens = Counts((_, _) => Http(200, new string(' ', TokenAnswer.BytesMax + 1)));
        await using var service = Counts((_, _) => Http(200, ""));
        using var client = Client(service, tokens);
        Assert.EndsWith("the answer has more than 65,536 bytes.", (await client.DeliverAsync(TestDelivery.Plain, Token)).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endpoint_that_does_not_answer_is_waited_for_so_long_and_the_next_attempt_asks_anew()
    {
        var clock = new ManualClock();
        var count = 0;
        await using var tokens = new ScriptedServer(async (_, stream, _) =>
        {
            if (Interlocked.Increment(ref count) > 1)
                await stream.WriteAsync(Encoding.Latin1.GetBytes(Given(2)), Token);
        });
        await using var service = Counts((_, _) => Http(200, ""));
        using var client = Client(service, tokens, clock);
        var attempt = client.DeliverAsync(TestDelivery.Plain, Token).AsTask();
        await tokens.RequestAsync();
        clock.Advance(TimeSpan.FromSeconds(10));
        var late = await attempt;
        Assert.Equal((FaultKind.Timeout, Blame.Service, Applied.No), (late.Fault!.Kind, late.Fault.Blame, late.Fault.Applied));
        Assert.EndsWith("no answer within 10s.", late.Error, StringComparison.Ordinal);
        Assert.Null((await client.DeliverAsync(TestDelivery.Plain, Token)).Fault);
    }

    [Fact]
    public async Task An_endpoint_that_is_not_there_is_named()
    {
        await using var service = Counts((_, _) => Http(200, ""));
        var tokens = Counts((_, _) => "");
        await tokens.DisposeAsync();
        using var client = Client(service, tokens);
        var result = await client.DeliverAsync(TestDelivery.Plain, Token);
        Assert.Equal((FaultKind.ConnectionRefused, Blame.Service, Applied.No),
            (result.Fault!.Kind, result.Fault.Blame, result.Fault.Applied));
        Assert.StartsWith($"No access token from {tokens.Url.GetLeftPart(UriPartial.Path)}", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_is_waited_for_within_the_timeout_of_its_service()
    {
        Assert.Equal(TimeSpan.FromSeconds(10), AccessTokens.PatienceWithin(TimeSpan.FromSeconds(30)));
        Assert.Equal(TimeSpan.FromSeconds(1), AccessTokens.PatienceWithin(TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task A_reload_keeps_the_token_and_another_secret_asks_for_another()
    {
        await using var tokens = Counts((number, _) => Given(number));
        await using var service = Counts((_, _) => Http(200, ""));
        using var client = Client(service, tokens);
        await client.DeliverAsync(TestDelivery.Plain, Token);
        foreach (var (secret, carried) in ((string, string)[])[(Secret, "Bearer tok-1"), ("another", "Bearer tok-2")])
        {
            await service.RequestAsync();
            client.Update(Relay.Targets(RelayConfiguration.Parse($$"""
                services:
                  shop:
                    url: "{{service.Url}}"
                    auth: { token_url: "{{tokens.Url}}", client_id: "a:b", client_secret: "{{secret}}" }
                """).Configuration!));
            await client.DeliverAsync(TestDelivery.Plain, Token);
            Assert.Equal(carried, (await service.RequestAsync())["Authorization"]);
            await client.DeliverAsync(TestDelivery.Plain, Token);
        }
    }

    [Theory]
    [InlineData("token_url: \"http://127.0.0.1:1/t\", client_id: a", "one of bearer")]
    [InlineData("token_url: \"http://127.0.0.1:1/t\", client_id: a, client_secret: short, bearer: b", "one of bearer")]
    [InlineData("scope: a", "one of bearer")]
    [InlineData("token_url: \"http://127.0.0.1:1/t\", client_id: a, client_secret: \"sh\\nort\"", "visible characters")]
    [InlineData("token_url: \"http://127.0.0.1:1/t\", client_id: a, client_secret: b, client_auth: jwt", "basic, form")]
    public void What_cannot_be_meant_is_refused(string auth, string says)
    {
        var error = Assert.Single(RelayConfiguration.Parse($"services: {{ shop: {{ auth: {{ {auth} }} }} }}").Errors);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("short", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_that_would_go_over_the_network_for_all_to_read_is_warned_of()
    {
        var loaded = RelayConfiguration.Parse("""
            services: { shop: { auth: { token_url: "http://id.example/token", client_id: a, client_secret: b } } }
            """);
        Assert.Contains(loaded.Warnings, warning => warning.Message.StartsWith("token_url begins with http://", StringComparison.Ordinal));
        Assert.Equal("client credentials of a", loaded.Configuration!.Services["shop"].Auth!.ToString());
    }

    [Fact]
    public async Task A_message_waits_while_there_is_no_token_and_is_delivered_with_one()
    {
        await using var tokens = Counts((number, _) => number == 1 ? Http(503, "") : Given(number));
        await using var service = Counts((_, _) => Http(200, ""));
        var loaded = RelayConfiguration.Parse($$"""
            listen: http://127.0.0.1:0
            store: "memory:"
            services:
              shop:
                url: "{{service.Url}}"
                auth: { token_url: "{{tokens.Url}}", client_id: me, client_secret: "{{Secret}}" }
            queues: { orders: { deliver_to: shop, retry: { initial_delay_ms: 1 } } }
            """);
        await using var host = await RelayHost.StartAsync(new()
        {
            Configuration = loaded.Configuration!,
            OpenStore = (_, time) => new InMemoryMessageStore(time),
        }, cancellationToken: Token);
        using var http = new HttpClient { BaseAddress = host.Addresses[0] };
        using var sent = await http.PostAsync("/v1/queues/orders/messages", new StringContent("{}"), Token);
        var id = JsonNode.Parse(await sent.Content.ReadAsStringAsync(Token))!["id"]!.GetValue<string>();
        Assert.Equal("Bearer tok-2", (await service.RequestAsync())["Authorization"]);
        string text;
        do
            text = await http.GetStringAsync($"/v1/messages/{id}", Token);
        while (!text.Contains("\"state\":\"delivered\"", StringComparison.Ordinal));
        var first = JsonNode.Parse(text)!["deliveries"]![0]!["attempts"]![0]!;
        Assert.Equal("service_unavailable", first["kind"]!.GetValue<string>());
        Assert.StartsWith("No access token from", first["error"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.StartsWith("retry: service fault", first["decision"]!.GetValue<string>(), StringComparison.Ordinal);
        foreach (var path in (string[])["/v1/services", "/v1/messages", "/", "/metrics"])
            Assert.DoesNotContain("s3cret", await http.GetStringAsync(path, Token), StringComparison.Ordinal);
        await host.StopAsync(Token);
    }
}
