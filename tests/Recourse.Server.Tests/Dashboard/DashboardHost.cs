using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Recourse.Durable;
using Recourse.Server.Dashboard;
using Recourse.Tests;

namespace Recourse.Server.Tests.Dashboard;

/// <summary>The dashboard alone on a free loopback port, over a store in memory and a clock that stands still.</summary>
internal sealed class DashboardHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private DashboardHost(WebApplication app, string prefix, Scene scene, KnownServices services, MessageStore store)
    {
        (_app, Prefix, Scene, Services, Store) = (app, prefix, scene, services, store);
        Address = new(app.Urls.Single());
        Client = NewClient();
    }

    public Uri Address { get; }
    public string Prefix { get; }
    public Scene Scene { get; }
    public KnownServices Services { get; }
    public MessageStore Store { get; }

    /// <summary>Keeps cookies, follows no redirect.</summary>
    public HttpClient Client { get; }

    /// <summary>True cuts every connection without an answer, as a relay that has gone does.</summary>
    public bool Away { get; set; }

    public static async Task<DashboardHost> StartAsync(string prefix = "", Func<MessageStore, MessageStore>? wrap = null)
    {
        var clock = new ManualClock(new(2026, 3, 14, 2, 59, 0, TimeSpan.Zero));
        var memory = new InMemoryMessageStore(clock);
        await memory.OpenAsync();
        var store = wrap?.Invoke(memory) ?? memory;
        var services = new KnownServices();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(store).AddSingleton<DashboardData>(services).AddSingleton<TimeProvider>(clock);
        var app = builder.Build();
        DashboardHost? host = null;
        app.Use((http, next) =>
        {
            if (host?.Away != true)
                return next(http);
            http.Abort();
            return Task.CompletedTask;
        });
        app.MapGroup(prefix).MapDashboard();
        await app.StartAsync();
        return host = new(app, prefix, new(memory, clock), services, store);
    }

    public HttpClient NewClient() => new(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = Address };

    public async Task<string> PageAsync(string path)
    {
        using var answer = await Client.GetAsync(path, TestContext.Current.CancellationToken);
        var html = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode} {html}");
        return html;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        await Store.DisposeAsync();
    }
}

/// <summary>What a host would know of its services.</summary>
internal sealed class KnownServices : DashboardData
{
    public List<ServiceStatus> Statuses { get; } = [];

    public List<string> Configured { get; } = [];

    public override IReadOnlyList<ServiceStatus> Services => Statuses;

    public override IReadOnlyList<string> Queues => Configured;
}
