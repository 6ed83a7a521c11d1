using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Recourse.Durable;

namespace Recourse.Server.Tests;

/// <summary>A relay on a free port of loopback, with a client from outside.</summary>
public sealed class TestRelay : IAsyncDisposable
{
    public const string Basic = """
        listen: http://127.0.0.1:0
        store: "memory:"
        services:
          shop: { url: "http://127.0.0.1:9/" }
          bank: { url: "http://127.0.0.1:9/" }
        queues:
          orders: { deliver_to: shop }
          lanes: { deliver_to: shop, ordered: true }
          both: { deliver_to: [shop, bank] }
        """;

    private TestRelay(RelayHost host, HttpClient http) => (Host, Http) = (host, http);

    public RelayHost Host { get; }
    public HttpClient Http { get; }

    /// <summary>
    /// Starts a relay whose deliveries are made by a handler; the default never ends an attempt, so that what was sent stays in hand.
    /// </summary>
    public static async Task<TestRelay> StartAsync(string yaml = Basic, DeliveryHandler? handler = null, MessageStore? store = null,
        TimeProvider? time = null)
    {
        var loaded = RelayConfiguration.Parse(yaml);
        Assert.Empty(loaded.Errors);
        return await StartAsync(loaded.Configuration!, handler, store, time);
    }

    public static async Task<TestRelay> StartAsync(
        RelayConfiguration configuration, DeliveryHandler? handler = null, MessageStore? store = null, TimeProvider? time = null,
        TimeSpan grace = default, Action<ILoggingBuilder>? logging = null, Action? onRest = null)
    {
        var clock = time ?? TimeProvider.System;
        var host = await RelayHost.StartAsync(new()
        {
            Configuration = configuration with { ShutdownGrace = grace },
            OnRest = onRest,
            OpenStore = (_, given) => store ?? new InMemoryMessageStore(given),
            Handler = handler ?? Never,
            Time = clock,
        }, logging);
        return new(host, new() { BaseAddress = host.Addresses[0] });
    }

    /// <summary>A client of a relay that a test started itself; it ends with it.</summary>
    public static TestRelay Of(RelayHost host) => new(host, new() { BaseAddress = host.Addresses[0] });

    public static async ValueTask<DeliveryResult> Never(ClaimedDelivery delivery, CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        return DeliveryResult.Delivered();
    }

    public static ValueTask<DeliveryResult> Delivers(ClaimedDelivery delivery, CancellationToken cancellationToken) =>
        new(DeliveryResult.Delivered("200"));

    /// <summary>Refuses every message for good: each becomes a dead letter at its first attempt.</summary>
    public static ValueTask<DeliveryResult> Refuses(ClaimedDelivery delivery, CancellationToken cancellationToken) =>
        new(DeliveryResult.Failed(new()
        {
            Kind = FaultKind.BadRequest,
            Persistence = Persistence.Permanent,
            Scope = RetryScope.Never,
            Applied = Applied.No,
            Blame = Blame.Message,
            Evidence = "http 400",
        }, "HTTP 400: no such customer", "400"));

    public Task<HttpResponseMessage> PostAsync(string queue, string body, string? contentType = "application/json",
        params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, $"/v1/queues/{queue}/messages", body, contentType, headers);

    public Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, string? body = null, string? contentType = "application/json",
            params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            if (contentType is not null)
                request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    /// <summary>Posts over a bare connection: clients refuse to send a content type that is none, or letters that are no ASCII.</summary>
    public async Task<HttpResponseMessage> PostRawAsync(string queue, string contentType)
    {
        using var socket = new TcpClient();
        var address = Host.Addresses[0];
        await socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        await using var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes($"POST /v1/queues/{queue}/messages HTTP/1.1\r\nHost: {address.Authority}\r\n"
            + $"Content-Type: {contentType}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        var lines = (await reader.ReadToEndAsync(TestContext.Current.CancellationToken)).Split("\r\n");
        var type = lines.First(line => line.StartsWith("Content-Type:", StringComparison.Ordinal))["Content-Type:".Length..].Trim();
        var body = lines.First(line => line.StartsWith('{'));
        return new((HttpStatusCode)int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture))
        {
            Content = new StringContent(body, Encoding.UTF8, type.Split(';')[0]),
        };
    }

    public async Task<string> AcceptedAsync(string queue, string body = "{}", params (string Name, string Value)[] headers)
    {
        using var answer = await PostAsync(queue, body, "application/json", headers);
        Assert.Equal(202, (int)answer.StatusCode);
        return (await JsonAsync(answer))["id"]!.GetValue<string>();
    }

    public async Task<JsonNode> GetAsync(string path)
    {
        using var answer = await SendAsync(HttpMethod.Get, path);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        return await JsonAsync(answer);
    }

    /// <summary>Asks until the answer is as wanted: deliveries run on their own. The test's own timeout ends it.</summary>
    public async Task<JsonNode> UntilAsync(string path, Func<JsonNode, bool> wanted)
    {
        while (true)
        {
            var found = await GetAsync(path);
            if (wanted(found))
                return found;
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public static async Task<JsonNode> JsonAsync(HttpResponseMessage answer) =>
        (await answer.Content.ReadFromJsonAsync<JsonNode>(TestContext.Current.CancellationToken))!;

    /// <summary>Checks that an answer is a problem by RFC 9457 with this status, and gives it back.</summary>
    public static async Task<JsonNode> ProblemAsync(HttpResponseMessage answer, int status)
    {
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status == (int)answer.StatusCode, $"expected {status}, found {(int)answer.StatusCode}: {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonNode.Parse(text)!;
        Assert.Equal(status, problem["status"]!.GetValue<int>());
        Assert.StartsWith("urn:recourse:problem:", problem["type"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.NotEmpty(problem["title"]!.GetValue<string>());
        Assert.NotEmpty(problem["detail"]!.GetValue<string>());
        return problem;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.StopAsync();
        await Host.DisposeAsync();
    }
}
