using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Recourse.Durable;

namespace Recourse.Server.Tests;

/// <summary>A relay with a key of each role, and clients that have them.</summary>
internal sealed class KeyedRelay : IAsyncDisposable
{
    private readonly Dictionary<string, string> _secrets = [];

    private KeyedRelay(TestRelay relay) => Relay = relay;

    public TestRelay Relay { get; }

    public static async Task<KeyedRelay> StartAsync(
        DeliveryHandler? handler = null, TimeProvider? time = null, string yaml = TestRelay.Basic, MessageStore? store = null)
    {
        var keyed = new KeyedRelay(await TestRelay.StartAsync(yaml, handler, store, time));
        keyed._secrets["admin"] = await keyed.AddAsync(null, "admin", "alice");
        foreach (var role in (string[])["operator", "viewer", "producer"])
            keyed._secrets[role] = await keyed.AddAsync("admin", role, $"the-{role}");
        return keyed;
    }

    public string Secret(string role) => _secrets[role];

    /// <summary>Makes a key with the key of a role, and gives its secret.</summary>
    public async Task<string> AddAsync(string? with, string role, string name, double? seconds = null)
    {
        using var answer = await SendAsync(with, HttpMethod.Post, "/v1/keys",
            new JsonObject { ["role"] = role, ["name"] = name, ["expires_in_seconds"] = seconds }.ToJsonString());
        Assert.Equal(201, (int)answer.StatusCode);
        return (await TestRelay.JsonAsync(answer))["secret"]!.GetValue<string>();
    }

    /// <summary>A call with the key of a role; null for none, another text for that as the key.</summary>
    public Task<HttpResponseMessage> SendAsync(string? with, HttpMethod method, string path, string? body = null,
        params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(body, MediaTypeHeaderValue.Parse("application/json"));
        if (with is not null)
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + _secrets.GetValueOrDefault(with, with));
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return Relay.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public async Task<JsonNode> GetAsync(string with, string path)
    {
        using var answer = await SendAsync(with, HttpMethod.Get, path);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode}");
        return await TestRelay.JsonAsync(answer);
    }

    /// <summary>Sends a message that dies at once, and gives the id of its letter.</summary>
    public async Task<string> DeadAsync(string body = "{\"name\":\"Meier\"}")
    {
        using (var sent = await SendAsync("producer", HttpMethod.Post, "/v1/queues/orders/messages", body))
            Assert.Equal(202, (int)sent.StatusCode);
        while (true)
        {
            if ((await GetAsync("admin", "/v1/dead-letters"))["items"]!.AsArray() is [{ } letter, ..])
                return letter["id"]!.GetValue<string>();
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public ValueTask DisposeAsync() => Relay.DisposeAsync();
}
