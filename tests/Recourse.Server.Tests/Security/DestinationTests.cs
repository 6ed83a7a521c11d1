using System.Text;
using System.Text.Json.Nodes;
using Recourse.Durable;

namespace Recourse.Server.Tests;

/// <summary>
/// Where a message goes is said by the configuration alone: nobody who sends, edits, replays or imports can name an address.
/// </summary>
public sealed class DestinationTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_address_that_somebody_gives_is_ever_called()
    {
        await using var trap = ScriptedServer.Says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        var elsewhere = trap.Url.ToString();
        var answers = 0;
        // The service itself is the first to try: a redirect, and an answer that names a place.
        await using var service = new ScriptedServer(async (_, stream, _) => await stream.WriteAsync(Encoding.Latin1.GetBytes(
            $"HTTP/1.1 {(Interlocked.Increment(ref answers) == 1 ? "307 Go" : "400 No")}\r\nLocation: {elsewhere}\r\n"
            + $"Link: <{elsewhere}>\r\nContent-Length: 0\r\n\r\n"), Token));
        var loaded = RelayConfiguration.Parse($$"""
            listen: http://127.0.0.1:0
            store: "memory:"
            services: { shop: { url: "{{service.Url}}", allow_headers: [X-Url] } }
            queues: { orders: { deliver_to: shop, retry: { dead_letter_after_attempts: 1 } } }
            """);
        await using var host = await RelayHost.StartAsync(new()
        {
            Configuration = loaded.Configuration!,
            OpenStore = (_, time) => new InMemoryMessageStore(time),
        }, cancellationToken: Token);
        using var http = new HttpClient { BaseAddress = host.Addresses[0] };

        await SendsAsync(http, HttpMethod.Post, "/v1/queues/orders/messages", new JsonObject { ["url"] = elsewhere }, 202,
            ("X-Url", elsewhere), ("ce-source", elsewhere), ("Recourse-Url", elsewhere), ("X-Original-URL", elsewhere),
            ("Location", elsewhere));
        var letter = await LetterAsync(http);
        Assert.Contains("not followed", letter["error"]!.GetValue<string>(), StringComparison.Ordinal);
        var path = $"/v1/dead-letters/{letter["id"]}";
        await SendsAsync(http, HttpMethod.Patch, path, new() { ["url"] = elsewhere }, 400);
        await SendsAsync(http, HttpMethod.Patch, path, new() { ["service"] = elsewhere }, 400);
        await SendsAsync(http, HttpMethod.Put, path + "/payload", new() { ["url"] = elsewhere }, 200, ("If-Match", "*"));
        await SendsAsync(http, HttpMethod.Post, "/v1/replays", new() { ["filter"] = new JsonObject { ["url"] = elsewhere } }, 400);
        await SendsAsync(http, HttpMethod.Post, "/v1/replays",
            new() { ["filter"] = new JsonObject { ["service"] = elsewhere } }, 400);
        await SendsAsync(http, HttpMethod.Post, "/v1/services/shop:reset", new() { ["url"] = elsewhere }, 200);
        await ImportsAsync(http, new() { ["service"] = elsewhere }, "There is no service");
        await ImportsAsync(http, new() { ["headers"] = new JsonObject { ["host"] = trap.Url.Authority } }, "cannot go on");
        await ImportsAsync(http, new() { ["url"] = elsewhere }, "\"accepted\"");
        await SendsAsync(http, HttpMethod.Post, path + ":replay", new() { ["url"] = elsewhere, ["service"] = elsewhere }, 200);

        // The first, the imported one and the replay.
        for (var i = 0; i < 3; i++)
            Assert.Equal(service.Url.Authority, (await service.RequestAsync())["Host"]);
        Assert.Equal(0, trap.Connections);
        await host.StopAsync(Token);
    }

    private static async Task SendsAsync(HttpClient http, HttpMethod method, string path, JsonObject body, int status,
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path)
        {
            Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"),
        };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await http.SendAsync(request, Token);
        Assert.True(status == (int)answer.StatusCode, $"{method} {path}: {(int)answer.StatusCode} "
            + await answer.Content.ReadAsStringAsync(Token));
    }

    private static async Task ImportsAsync(HttpClient http, JsonObject more, string says)
    {
        var line = new JsonObject
        {
            ["id"] = "01900000-0000-7000-8000-000000000001.0",
            ["queue"] = "orders",
            ["service"] = "shop",
            ["body_base64"] = "e30=",
        };
        foreach (var (name, value) in more)
            line[name] = value!.DeepClone();
        using var answer = await http.PostAsync("/v1/dead-letters/import?as=new",
            new StringContent(line.ToJsonString(), Encoding.UTF8, "application/x-ndjson"), Token);
        var text = await answer.Content.ReadAsStringAsync(Token);
        Assert.True(text.Contains(says, StringComparison.Ordinal), text);
    }

    private static async Task<JsonNode> LetterAsync(HttpClient http)
    {
        while (true)
        {
            var list = JsonNode.Parse(await http.GetStringAsync("/v1/dead-letters", Token))!["items"]!.AsArray();
            if (list.Count > 0)
                return list[0]!;
        }
    }
}
