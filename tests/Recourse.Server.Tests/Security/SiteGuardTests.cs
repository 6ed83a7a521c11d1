namespace Recourse.Server.Tests.Security;

public class SiteGuardTests
{
    public static TheoryData<string, string> Foreign => new()
    {
        { "Host", "evil.example" },
        { "Host", "evil.example:8080" },
        { "Host", "127.0.0.1.evil.example" },
        { "Host", "localhost.evil.example" },
        { "Origin", "http://evil.example" },
        { "Origin", "null" },
        { "Origin", "http://127.0.0.1:1" },
        { "Sec-Fetch-Site", "cross-site" },
        { "Sec-Fetch-Site", "same-site" },
        { "Sec-Fetch-Site", "anything" },
    };

    [Theory]
    [MemberData(nameof(Foreign))]
    public async Task What_a_page_of_another_site_sends_is_refused_reads_and_writes_alike(string name, string value)
    {
        await using var relay = await TestRelay.StartAsync();
        foreach (var path in (string[])["/v1/queues", "/v1/dead-letters", "/metrics", "/health/ready", "/openapi/v1.json", "/", "/nothing"])
        {
            using var read = await relay.SendAsync(HttpMethod.Get, path, null, null, (name, value));
            await TestRelay.ProblemAsync(read, 403);
        }
        using var write = await relay.PostAsync("orders", "{}", "text/plain", (name, value));
        await TestRelay.ProblemAsync(write, 403);
        Assert.Equal(0, (await relay.GetAsync("/v1/queues/orders"))["accepted"]!.GetValue<long>());
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "none")]
    [InlineData("Sec-Fetch-Site", "same-origin")]
    [InlineData("Host", "localhost")]
    [InlineData("Host", "[::1]:8080")]
    [InlineData("Host", "127.0.0.1")]
    public async Task What_comes_from_here_is_let_in(string name, string value)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Get, "/v1/queues", null, null, (name, value));
        Assert.Equal(200, (int)answer.StatusCode);
    }

    [Fact]
    public async Task The_relays_own_origin_is_let_in()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.PostAsync("orders", "{}", "application/json",
            ("Origin", relay.Http.BaseAddress!.GetLeftPart(UriPartial.Authority)));
        Assert.Equal(202, (int)answer.StatusCode);
        // The browser speaks TLS with a proxy, which passes the Host on.
        using var behind = await relay.PostAsync("orders", "{}", "application/json",
            ("Origin", $"https://{relay.Http.BaseAddress!.Authority}"));
        Assert.Equal(202, (int)behind.StatusCode);
    }

    [Theory]
    [InlineData("/v1/queues")]
    [InlineData("/nothing")]
    [InlineData("/health/live")]
    public async Task Every_answer_forbids_sniffing_and_framing(string path)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Get, path);
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Contains("frame-ancestors 'none'", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
        Assert.False(answer.Headers.Contains("Server"));
        Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("http://0.0.0.0:8080", true)]
    [InlineData("http://192.0.2.1:8080", true)]
    [InlineData("http://[::]:8080", true)]
    [InlineData("http://localhost:8080", true)]
    [InlineData("http://relay.example:8080", false)]
    public void An_address_to_listen_on_is_one_of_this_machine(string address, bool good)
    {
        var (parsed, problem) = ListenAddress.Parse(address);
        Assert.Equal(good, parsed is not null);
        if (!good)
            Assert.Contains("in digits", problem!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_that_are_too_large_are_refused()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Get, "/v1/queues", null, null, ("X-Large", new string('x', 20_000)));
        Assert.Equal(431, (int)answer.StatusCode);
    }

    private static readonly (string, string)[] FollowedLink =
        [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")];

    [Theory]
    [InlineData("/", 200)]
    [InlineData("/dead-letters", 200)]
    [InlineData("/failing", 200)]
    [InlineData("/messages/00000000-0000-7000-8000-000000000000", 404)]
    public async Task A_link_from_elsewhere_opens_a_page(string path, int status)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Get, path, null, null, FollowedLink);
        Assert.Equal((status, "text/html"), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
    }

    [Theory]
    [InlineData("GET", "/v1/queues")]
    [InlineData("GET", "/metrics")]
    [InlineData("GET", "/openapi/v1.json")]
    [InlineData("GET", "/nothing")]
    [InlineData("GET", "/deliveries/00000000-0000-7000-8000-000000000000.0/payload")]
    [InlineData("POST", "/deliveries/00000000-0000-7000-8000-000000000000.0/discard")]
    [InlineData("POST", "/v1/queues/orders/messages")]
    [InlineData("HEAD", "/")]
    public async Task A_link_from_elsewhere_opens_nothing_else(string method, string path)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(new(method), path, null, null, FollowedLink);
        Assert.Equal(403, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData("navigate", "iframe")]
    [InlineData("no-cors", "document")]
    [InlineData("cors", "empty")]
    public async Task A_page_is_not_fetched_or_framed_by_another_site(string mode, string destination)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Get, "/", null, null,
            ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", destination));
        Assert.Equal(403, (int)answer.StatusCode);
        using var foreignName = await relay.SendAsync(HttpMethod.Get, "/", null, null, [.. FollowedLink, ("Host", "evil.example")]);
        Assert.Equal(403, (int)foreignName.StatusCode);
    }
}
