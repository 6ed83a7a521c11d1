using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Recourse.Tests;

namespace Shop.Tests;

/// <summary>Keeps the letters that were sent, and fails when a test says so.</summary>
public sealed class TestMail : IMail
{
    private readonly ConcurrentDictionary<string, string> _sent = new();

    public int Calls { get; private set; }
    public Func<int, Exception?> FailsOn { get; set; } = _ => null;
    public IEnumerable<string> Sent => _sent.Values.Order(StringComparer.Ordinal);

    public ValueTask SendAsync(string to, string text, string key, CancellationToken cancellationToken)
    {
        Calls++;
        if (FailsOn(Calls) is { } error)
            throw error;
        _sent.TryAdd(key, $"{to}: {text}");
        return default;
    }
}

/// <summary>The shop on a free port, its files in a folder of its own, with a clock that the test moves.</summary>
public sealed class ShopRig : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-shop-");
    private WebApplication? _app;

    public ManualClock Clock { get; } = new(TimeProvider.System.GetUtcNow());
    public TestMail Mail { get; } = new();
    public HttpClient Http { get; } = new();

    public static async Task<ShopRig> StartAsync()
    {
        var rig = new ShopRig();
        await rig.StartShopAsync();
        return rig;
    }

    private async Task StartShopAsync()
    {
        _app = ShopApplication.Build(["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default=None"], _folder.FullName, Mail, Clock);
        await _app.StartAsync(TestContext.Current.CancellationToken);
    }

    public async Task RestartAsync()
    {
        await _app!.StopAsync(TestContext.Current.CancellationToken);
        await _app.DisposeAsync();
        await StartShopAsync();
    }

    public Uri At(string path) => new(new Uri(_app!.Urls.Single()), path);

    public async Task<long> OrderAsync(string customer, double total)
    {
        using var answer = await Http.PostAsJsonAsync(At("/orders"), new { customer, total }, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
        return (long)(await answer.Content.ReadFromJsonAsync<JsonNode>())!["number"]!;
    }

    public async Task<int> InvoicesAsync(long order) => (await GetAsync($"/orders/{order}"))["invoices"]!.AsArray().Count;

    public async Task<JsonNode> GetAsync(string path) =>
        (await Http.GetFromJsonAsync<JsonNode>(At(path), TestContext.Current.CancellationToken))!;

    public async Task PostAsync(string path)
    {
        using var answer = await Http.PostAsync(At(path), null, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Lets a second pass, by the shop's clock, until it is so.</summary>
    public async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            Clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        Http.Dispose();
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _folder.Delete(recursive: true);
    }
}
