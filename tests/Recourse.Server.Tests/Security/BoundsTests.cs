using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Recourse.Durable;

namespace Recourse.Server.Tests;

/// <summary>
/// The bounds on what comes in, line by line as docs/operate/security.md lists them. Those of batches stand in BatchTests, those of keys
/// and sessions in the contract of the stores.
/// </summary>
public sealed class BoundsTests
{
    private const string Id = "01900000-0000-7000-8000-000000000001.0";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Json(string field, int length) => new JsonObject { [field] = new string('x', length) }.ToJsonString();

    [Theory]
    [InlineData("POST", $"/v1/dead-letters/{Id}:discard", 16)]
    [InlineData("PATCH", $"/v1/dead-letters/{Id}", 16)]
    [InlineData("POST", "/v1/queues/orders:pause", 16)]
    [InlineData("POST", "/v1/keys", 16)]
    [InlineData("POST", "/v1/replays", 64)]
    [InlineData("POST", "/v1/store:backup", 8)]
    public async Task The_body_of_a_call_is_bounded(string method, string path, int kilobytes)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(new(method), path, Json("reason", kilobytes * 1_024));
        var problem = await TestRelay.ProblemAsync(answer, 413);
        Assert.Contains((kilobytes * 1_024).ToString("N0", CultureInfo.InvariantCulture), problem["detail"]!.GetValue<string>(),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST", $"/v1/dead-letters/{Id}:discard", "reason", 1_001)]
    [InlineData("POST", $"/v1/dead-letters/{Id}:discard", "actor", 101)]
    [InlineData("PATCH", $"/v1/dead-letters/{Id}", "note", 4_001)]
    [InlineData("PATCH", $"/v1/dead-letters/{Id}", "assignee", 101)]
    [InlineData("POST", "/v1/services/shop:pause", "reason", 1_001)]
    [InlineData("POST", "/v1/replays", "reason", 1_001)]
    public async Task What_people_say_is_bounded(string method, string path, string field, int length)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(new(method), path, Json(field, length));
        await TestRelay.ProblemAsync(answer, 400);
    }

    [Theory]
    [InlineData("/v1/dead-letters?limit=501")]
    [InlineData("/v1/dead-letters?limit=0")]
    [InlineData("/v1/messages?limit=501")]
    [InlineData("/v1/dead-letters/groups?limit=501")]
    [InlineData("/v1/replays?limit=501")]
    [InlineData("/v1/audit?limit=501")]
    [InlineData("/v1/dead-letters?text=a&text=b")]
    [InlineData("/v1/audit?actor=a&actor=b")]
    [InlineData("/v1/audit?verb=")]
    [InlineData("/v1/audit?colour=red")]
    public async Task A_page_and_a_filter_are_bounded(string path)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Get, path);
        await TestRelay.ProblemAsync(answer, 400);
    }

    [Theory]
    [InlineData("/v1/dead-letters?text=")]
    [InlineData("/v1/dead-letters/export?text=")]
    [InlineData("/v1/messages?key=")]
    [InlineData("/v1/audit?actor=")]
    public async Task A_condition_is_bounded(string path)
    {
        await using var relay = await TestRelay.StartAsync();
        using var longest = await relay.SendAsync(HttpMethod.Get, path + new string('x', 1_024));
        Assert.Equal(200, (int)longest.StatusCode);
        using var longer = await relay.SendAsync(HttpMethod.Get, path + new string('x', 1_025));
        Assert.Contains("1 to 1,024", (await TestRelay.ProblemAsync(longer, 400))["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_are_bounded_in_number_and_the_line_in_length()
    {
        await using var relay = await TestRelay.StartAsync();
        using var many = await relay.SendAsync(HttpMethod.Get, "/v1/queues", null, null,
            [.. Enumerable.Range(0, 64).Select(number => ($"X-{number}", "1"))]);
        Assert.Equal(431, (int)many.StatusCode);
        using var line = await relay.SendAsync(HttpMethod.Get, "/v1/queues?" + new string('x', 8 * 1_024));
        Assert.Equal(414, (int)line.StatusCode);
    }

    [Fact]
    public async Task A_header_that_is_longer_than_a_stored_one_may_be_does_not_go_on()
    {
        var delivered = new TaskCompletionSource<ClaimedDelivery>();
        await using var relay = await TestRelay.StartAsync(handler: (delivery, token) =>
        {
            delivered.TrySetResult(delivery);
            return TestRelay.Delivers(delivery, token);
        });
        await relay.AcceptedAsync("orders", "{}", ("ce-long", new string('x', 8_193)), ("ce-short", new string('x', 4_000)));
        Assert.Equal(["ce-short"], (await delivered.Task.WaitAsync(Token)).Headers!.Keys);
    }

    [Fact]
    public async Task An_edited_body_is_bounded_like_one_that_comes_in()
    {
        await using var relay = await TestRelay.StartAsync(TestRelay.Basic + "\nlimits: { max_body: 10 }", TestRelay.Refuses);
        await relay.AcceptedAsync("orders");
        var letter = (await relay.UntilAsync("/v1/dead-letters", list => list["items"]!.AsArray().Count == 1))["items"]![0]!["id"]!;
        using var answer = await relay.SendAsync(HttpMethod.Put, $"/v1/dead-letters/{letter}/payload", "\"longer than ten\"",
            "application/json", ("If-Match", "*"));
        await TestRelay.ProblemAsync(answer, 413);
    }

    [Fact]
    public async Task A_line_of_an_import_is_bounded_and_costs_itself()
    {
        await using var relay = await TestRelay.StartAsync(TestRelay.Basic + "\nlimits: { max_body: 10 }");
        using var answer = await relay.SendAsync(HttpMethod.Post, "/v1/dead-letters/import",
            new string('x', (1 << 20) + 31) + "\n{\"id\":\"a\",\"queue\":\"orders\",\"service\":\"shop\",\"body_base64\":\""
                + Convert.ToBase64String(new byte[11]) + "\"}\n", "application/x-ndjson");
        var lines = (await answer.Content.ReadAsStringAsync(Token)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["The line is longer than a letter can be.", "A message in the queue 'orders' may have 10 bytes."],
            lines.Select(line => JsonNode.Parse(line)!["problem"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Connections_are_bounded_and_one_more_is_closed()
    {
        await using var relay = await TestRelay.StartAsync(TestRelay.Basic + "\nlimits: { max_connections: 1 }");
        var address = relay.Http.BaseAddress!;
        using var first = new TcpClient();
        await first.ConnectAsync(address.Host, address.Port, Token);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(first, address), StringComparison.Ordinal);
        using var second = new TcpClient();
        await second.ConnectAsync(address.Host, address.Port, Token);
        Assert.Equal("", await AskAsync(second, address));
    }

    /// <summary>What the relay says first; nothing where it hangs up.</summary>
    private static async Task<string> AskAsync(TcpClient client, Uri address)
    {
        try
        {
            var stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /health/live HTTP/1.1\r\nHost: {address.Authority}\r\n\r\n"), Token);
            var answer = new byte[64];
            return Encoding.ASCII.GetString(answer, 0, await stream.ReadAsync(answer, Token));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
