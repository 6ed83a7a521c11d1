using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Recourse.Durable;
using Recourse.Server;
using Recourse.Sqlite;

namespace Recourse.StoreBench.Http;

/// <summary>Something that takes messages over HTTP and answers 202 when they are on disk.</summary>
internal interface IHttpSubject : IAsyncDisposable
{
    Uri Address { get; }
    string Path { get; }
}

/// <summary>The machine's own limit: one Kestrel endpoint that reads the body, hands it to the floor's group commit, and answers.</summary>
internal sealed class BareServer : IHttpSubject
{
    private static readonly byte[] Accepted = """{"accepted":true}"""u8.ToArray();

    private readonly Floor _floor;
    private readonly WebApplication _application;

    private BareServer(Floor floor, WebApplication application) => (_floor, _application) = (floor, application);

    public Uri Address => new(
        _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public string Path => "/messages";

    public static async Task<IHttpSubject> StartAsync(string file)
    {
        var floor = new Floor(file);
        await floor.OpenAsync();
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRouting();
        var application = builder.Build();
        application.MapPost("/messages", (RequestDelegate)(http => TakeAsync(http, floor)));
        await application.StartAsync();
        return new BareServer(floor, application);
    }

    private static async Task TakeAsync(HttpContext http, Floor floor)
    {
        var body = new byte[(int)http.Request.ContentLength!.Value];
        await http.Request.Body.ReadExactlyAsync(body);
        await floor.EnqueueAsync(body);
        http.Response.StatusCode = StatusCodes.Status202Accepted;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = Accepted.Length;
        await http.Response.Body.WriteAsync(Accepted);
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        await _floor.DisposeAsync();
    }
}

/// <summary>
/// The relay as it is served: guards, headers, ids, books. Deliveries either wait behind an isolated service, so that intake is measured
/// alone, or are made at once to a handler that takes no time.
/// </summary>
internal sealed class RelayServer : IHttpSubject
{
    private readonly RelayHost _host;

    private RelayServer(RelayHost host) => _host = host;

    public Uri Address => _host.Addresses[0];

    public string Path => "/v1/queues/orders/messages";

    public static async Task<IHttpSubject> StartAsync(string file, bool delivers)
    {
        var yaml = file + ".yaml";
        await File.WriteAllTextAsync(yaml,
            $$"""
            version: 1
            listen: http://127.0.0.1:0
            store: sqlite:{{file}}
            services:
              sink: { url: "http://127.0.0.1:9/none", max_concurrent: 128 }
            queues:
              orders: { deliver_to: sink }
            """);
        var host = await RelayHost.StartAsync(new()
        {
            Configuration = RelayConfiguration.Load(yaml).Configuration!,
            OpenStore = (_, time) => new SqliteMessageStore(file, time),
            Handler = static (_, _) => new(DeliveryResult.Delivered("200")),
            WatchFiles = false,
        });
        if (!delivers)
        {
            using var client = new HttpClient { BaseAddress = host.Addresses[0] };
            using var answer = await client.PostAsync("/v1/services/sink:isolate", null);
            answer.EnsureSuccessStatusCode();
        }
        return new RelayServer(host);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await _host.DisposeAsync();
    }
}
